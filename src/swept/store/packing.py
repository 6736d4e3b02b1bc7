"""Which curves are to be written down once more: of the runs that are not running, since the others soon change.

Read in one snapshot and written later, so that nobody who writes waits for the reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, func, select

from swept.model import RunState
from swept.store import packed, read_series, schema
from swept.store.bulk import plain_rows, portions
from swept.store.read_board_base import NOTHING

_COUNTED_AT_ONCE = 20
"""Runs: after each so many it is looked whether that is enough."""


@dataclass(frozen=True, slots=True)
class Found:
    """Copies that are to be written; runs that were not come to."""

    copies: Sequence[packed.Copy]
    left: Sequence[str]


def look(connection: Connection, ids: Sequence[str], most: int) -> Found:
    """What is to be done for `ids`: the first of them only, before their points come to more than `most`, since points are
    what reading takes its time for, visible or not. One run at least, however many it has."""
    names = _due(connection, ids)
    taken = _first(connection, list(names), most)
    series = read_series.point_by_point(connection, taken, times=False)
    copies = [packed.Copy(run, names[run], series.get(run, NOTHING)) for run in taken]
    return Found(copies, list(names)[len(taken) :])


def _due(connection: Connection, ids: Sequence[str]) -> dict[str, packed.Name]:
    """Those without a copy of their curve as it is now."""
    runs, table = schema.runs.c, schema.packed_curves.c
    names: dict[str, packed.Name] = {}
    for some in portions(ids):
        asked = (
            select(runs.id, packed.highest(runs.id), table.number, table.ceilings)
            .select_from(schema.runs.outerjoin(schema.packed_curves, table.run == runs.id))
            .where(runs.id.in_(some), runs.state != RunState.RUNNING.value)
            .order_by(runs.ordinal)
        )
        below = packed.ceilings(connection, runs.id.in_(some))
        for run, number, *written in plain_rows(connection, asked):
            name = packed.Name(number, below.get(run, ""))
            if number is not None and written != [name.number, name.ceilings]:
                names[run] = name
    return names


def _first(connection: Connection, runs: Sequence[str], most: int) -> list[str]:
    taken: list[str] = []
    points, left = 0, iter(runs)
    while points < most and (some := list(islice(left, _COUNTED_AT_ONCE))):
        counts = _counts(connection, some, most)
        for run in some:
            points += counts[run]
            if taken and points > most:
                return taken
            taken.append(run)
    return taken


def _counts(connection: Connection, runs: Sequence[str], most: int) -> Mapping[str, int]:
    """How many points each has: of one that has more than `most`, no more are counted."""
    table, points = schema.runs.c, schema.points.c
    mine = select(points.number).where(points.run == table.id).limit(most + 1)
    count = select(func.count()).select_from(mine.correlate(schema.runs).subquery())
    asked = select(table.id, count.scalar_subquery()).where(table.id.in_(runs))
    return {row[0]: row[1] for row in plain_rows(connection, asked)}
