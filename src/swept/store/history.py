"""A run's metric history, as it is visible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    type_coerce,
)

from swept.model import Row
from swept.store import flat, runs, schema
from swept.store.base import MEASURED
from swept.store.read_base import Amounts, Outline, RowText


def rows(
    connection: Connection,
    run: str,
    *,
    since: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Visible rows in step order, `since` <= step < `before`. Raises NotFound."""
    return _visible(connection, schema.rows, run, since, before, limit)


def system_rows(
    connection: Connection, run: str, *, since: int | None = None, limit: int | None = None
) -> list[Row]:
    """Rows of system metrics in step order. Raises NotFound."""
    return _visible(connection, schema.system_rows, run, since, None, limit)


def row_texts(
    connection: Connection, run: str, since: int | None, before: int | None
) -> list[RowText]:
    return _texts(connection, schema.rows, run, since, before)


def system_row_texts(connection: Connection, run: str) -> list[RowText]:
    return _texts(connection, schema.system_rows, run, None, None)


def newest_system_rows(connection: Connection, ids: Sequence[str]) -> dict[str, RowText]:
    table, owners = schema.system_rows.c, schema.runs.c
    newest = (
        select(column)
        .where(table.run == owners.id)
        .order_by(table.attempt.desc(), table.step.desc())
        .limit(1)
        .correlate(schema.runs)
        .scalar_subquery()
        for column in (table.step, table.time, type_coerce(table.metrics, Text))
    )
    found = connection.execute(select(owners.id, *newest).where(owners.id.in_(ids)))
    return {row[0]: (row[1], row[2], row[3]) for row in found if row[1] is not None}


def outlines(connection: Connection, ids: Sequence[str]) -> dict[str, Outline]:
    table = schema.runs.c
    names = flat.names(connection, ids)
    found = connection.execute(
        select(table.id, table.last_step, table.lines).where(table.id.in_(ids))
    )
    return {
        row.id: Outline(tuple(names.get(row.id, ())), row.last_step, row.lines) for row in found
    }


def amounts(connection: Connection, run: str) -> Amounts:
    row = runs.find(connection, run)
    console = schema.console
    lines = select(func.count()).select_from(console).where(console.c.run == row.id)
    return Amounts(
        _count(connection, schema.rows, run),
        _count(connection, schema.system_rows, run),
        connection.execute(lines).scalar_one(),
    )


def _count(connection: Connection, table: Table, run: str) -> int:
    shown = _shown(connection, table, run)
    if shown is None:
        return 0
    statement = select(func.count(table.c.step.distinct())).where(table.c.run == run, shown)
    return int(connection.execute(statement).scalar_one())


def _shown(connection: Connection, table: Table, run: str) -> ColumnElement[bool] | None:
    """Which rows of the run are visible; None: it has had no attempt. Raises NotFound."""
    below = runs.ceilings(connection, run)
    if not below:
        runs.find(connection, run)
        return None
    measured = [table.c.step >= MEASURED] if table is schema.system_rows else []
    return or_(
        *measured,
        *(
            and_(table.c.attempt == attempt, table.c.step < ceiling)
            if ceiling < float("inf")
            else table.c.attempt == attempt
            for attempt, ceiling in below.items()
        ),
    )


def _between(
    statement: Select[Any], table: Table, since: int | None, before: int | None
) -> Select[Any]:
    if since is not None:
        statement = statement.where(table.c.step >= since)
    if before is not None:
        statement = statement.where(table.c.step < before)
    return statement.order_by(table.c.step, table.c.attempt)


def _texts(
    connection: Connection, table: Table, run: str, since: int | None, before: int | None
) -> list[RowText]:
    shown = _shown(connection, table, run)
    if shown is None:
        return []
    statement = select(table.c.step, table.c.time, type_coerce(table.c.metrics, Text))
    statement = _between(statement.where(table.c.run == run, shown), table, since, before)
    found = {row[0]: (row[0], row[1], row[2]) for row in connection.execute(statement)}
    return list(found.values())


def _visible(
    connection: Connection,
    table: Table,
    run: str,
    since: int | None,
    before: int | None,
    limit: int | None,
) -> list[Row]:
    shown = _shown(connection, table, run)
    if shown is None:
        return []
    statement = _between(select(table).where(table.c.run == run, shown), table, since, before)
    if limit is not None:
        statement = statement.limit(limit * len(runs.ceilings(connection, run)))
    found = {
        row.step: Row(row.step, row.metrics, row.attempt, row.time)
        for row in connection.execute(statement)
    }
    return list(found.values())[:limit]


def latest(connection: Connection, run: str) -> tuple[dict[str, Any], int | None]:
    """Each key's last visible value, and the last visible step."""
    values: dict[str, Any] = {}
    last: int | None = None
    for row in _visible(connection, schema.rows, run, None, None, None):
        values.update(row.metrics)
        last = row.step
    return values, last
