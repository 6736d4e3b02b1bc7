"""What a writing verb works with: its connection, its time, fresh names, and the next numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, insert
from sqlalchemy.dialects import postgresql, sqlite

from swept.model import Event
from swept.store import schema
from swept.store.identity import Identities


@dataclass(slots=True)
class Counters:
    """The highest numbers given so far. Whoever writes holds them alone (see `database`)."""

    event: int
    point: int
    ordinal: int


@dataclass(slots=True)
class Work:
    """One verb's part of the writing transaction."""

    connection: Connection
    now: float
    identities: Identities
    counters: Counters

    def ordinal(self) -> int:
        """The next number of creation: sweeps, runs and agents are listed by it."""
        self.counters.ordinal += 1
        return self.counters.ordinal

    def point(self) -> int:
        """The next number of a point."""
        self.counters.point += 1
        return self.counters.point

    def event(self, type: str, *, sweep: str | None, run: str | None = None, **data: Any) -> Event:
        """Write an event in the same transaction as the change it tells of."""
        return self.event_of(type, sweep, run, data)

    def event_of(
        self, type: str, sweep: str | None, run: str | None, data: Mapping[str, Any]
    ) -> Event:
        """`event` with its data in one mapping, whose keys may be any."""
        self.counters.event += 1
        event = Event(self.counters.event, self.now, type, sweep, run, data)
        self.connection.execute(
            insert(schema.events),
            {
                "number": event.number,
                "time": event.time,
                "type": type,
                "sweep": sweep,
                "run": run,
                "data": data,
            },
        )
        return event

    def upsert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert `rows` (all with the same columns), or replace those of the same primary key."""
        if rows:
            statement = _upsert(self.connection.dialect.name, table, tuple(rows[0]))
            self.connection.execute(statement, list(rows))

    def upsert_text(
        self, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """`upsert` for many rows: tuples in the order of `columns`, as the database takes them (JSON is text by now).
        SQLAlchemy's own way from values to parameters costs more than everything else about a row."""
        if not rows:
            return
        dialect = self.connection.dialect
        compiled = _upsert(dialect.name, table, columns).compile(
            dialect=dialect, column_keys=list(columns)
        )
        if compiled.positional:
            order = [columns.index(name) for name in compiled.positiontup or ()]
            straight = order == list(range(len(columns)))
            placed = rows if straight else [tuple(row[at] for at in order) for row in rows]
            self.connection.exec_driver_sql(str(compiled), list(placed))
        else:
            named = [dict(zip(columns, row, strict=True)) for row in rows]
            self.connection.exec_driver_sql(str(compiled), named)


@cache
def _upsert(dialect: str, table: Table, columns: tuple[str, ...]) -> Insert:
    """Built once for each table: building costs more than running."""
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: getattr(statement.excluded, name) for name in columns if name not in keys}
    replacing: Insert = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return replacing
