"""Reading the log of changes; `Work.event` writes it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from swept.model import Event
from swept.store import schema


def position(connection: Connection) -> tuple[int, int]:
    """The highest numbers of events and points so far."""
    table = schema.counters
    event, point = connection.execute(select(table.c.event, table.c.point)).one()
    return event, point


def after(
    connection: Connection, number: int, *, sweep: str | None, run: str | None, limit: int
) -> list[Event]:
    """The next `limit` events after `number`, in commit order."""
    table = schema.events
    statement = select(table).where(table.c.number > number).order_by(table.c.number).limit(limit)
    if sweep is not None:
        statement = statement.where(table.c.sweep == sweep)
    if run is not None:
        statement = statement.where(table.c.run == run)
    return [
        Event(row.number, row.time, row.type, row.sweep, row.run, row.data)
        for row in connection.execute(statement)
    ]


ORDERS = ("run.asked", "run.decided", "run.resumed")
SHOWN = 100


def of_run(connection: Connection, run: str, types: Sequence[str]) -> list[Event]:
    """The run's last ones of those types, oldest first."""
    table = schema.events
    statement = (
        select(table)
        .where(table.c.run == run, table.c.type.in_(types))
        .order_by(table.c.number.desc())
        .limit(SHOWN)
    )
    return [
        Event(row.number, row.time, row.type, row.sweep, row.run, row.data)
        for row in reversed(connection.execute(statement).all())
    ]
