"""A run's metric history, as it is visible."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, and_, or_, select

from swept.model import Row
from swept.store import runs, schema


def rows(
    connection: Connection,
    run: str,
    *,
    since: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Visible rows in step order, `since` <= step < `before`. Raises NotFound."""
    runs.find(connection, run)
    return _visible(connection, schema.rows, run, since, before, limit)


def system_rows(connection: Connection, run: str) -> list[Row]:
    """Rows of system metrics in step order. Raises NotFound."""
    runs.find(connection, run)
    return _visible(connection, schema.system_rows, run, None, None, None)


def _visible(
    connection: Connection,
    table: Table,
    run: str,
    since: int | None,
    before: int | None,
    limit: int | None,
) -> list[Row]:
    below = runs.ceilings(connection, run)
    if not below:
        return []
    shown = [
        and_(table.c.attempt == attempt, table.c.step < ceiling)
        if ceiling < float("inf")
        else table.c.attempt == attempt
        for attempt, ceiling in below.items()
    ]
    statement = select(table).where(table.c.run == run, or_(*shown))
    if since is not None:
        statement = statement.where(table.c.step >= since)
    if before is not None:
        statement = statement.where(table.c.step < before)
    statement = statement.order_by(table.c.step, table.c.attempt)
    if limit is not None:
        statement = statement.limit(limit * len(below))
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
