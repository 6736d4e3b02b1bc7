"""Lines of console output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from swept.store import runs, schema
from swept.store.work import Work
from swept.wire.reports import ConsoleLine


def add(work: Work, run: str, attempt: int, lines: Sequence[ConsoleLine]) -> None:
    """Upsert by (run, attempt, number). A replaced line gets a new cursor, so that followers see it again."""
    row = runs.find(work.connection, run)
    newest = {line["number"]: line for line in lines}
    work.upsert(
        schema.console,
        [
            {
                "run": run,
                "attempt": attempt,
                "number": number,
                "cursor": row.lines + index,
                "text": line["text"],
                "stream": line["stream"],
                "time": line["time"],
            }
            for index, (number, line) in enumerate(sorted(newest.items()), start=1)
        ],
    )
    table = schema.runs
    work.connection.execute(
        update(table).where(table.c.id == run).values(lines=row.lines + len(newest))
    )


def after(connection: Connection, run: str, cursor: int, limit: int) -> list[Mapping[str, Any]]:
    """The next `limit` lines after `cursor`, in order (attempt, number)."""
    runs.find(connection, run)
    table = schema.console
    statement = (
        select(table)
        .where(table.c.run == run, table.c.cursor > cursor)
        .order_by(table.c.cursor)
        .limit(limit)
    )
    page = sorted(connection.execute(statement), key=lambda row: (row.attempt, row.number))
    return [_line(row) for row in page]


def page(
    connection: Connection, run: str, after: int, limit: int, *, last: bool
) -> list[Mapping[str, Any]]:
    """Lines in order (attempt, number), with their places from 1 on. Raises NotFound."""
    runs.find(connection, run)
    table = schema.console
    if last:
        count = select(func.count()).select_from(table).where(table.c.run == run)
        after = max(0, connection.execute(count).scalar_one() - limit)
    statement = (
        select(table)
        .where(table.c.run == run)
        .order_by(table.c.attempt, table.c.number)
        .offset(after)
        .limit(limit)
    )
    found = connection.execute(statement)
    return [{**_line(row), "place": after + at} for at, row in enumerate(found, start=1)]


def _line(row: Row[Any]) -> dict[str, Any]:
    return {
        "attempt": row.attempt,
        "number": row.number,
        "text": row.text,
        "stream": row.stream,
        "time": row.time,
        "cursor": row.cursor,
    }
