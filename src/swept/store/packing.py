"""Which curves are to be written down once more, or no more: of the runs that are not running, since the others soon change.

Read in one snapshot and written later, so that nobody who writes waits for the reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, select

from swept.model import RunState
from swept.store import packed, read_board, schema
from swept.store.bulk import plain_rows, portions
from swept.store.read_board_base import NOTHING

_COPIED_AT_ONCE = 20
"""Runs: after each so many it is looked whether that is enough."""


@dataclass(frozen=True, slots=True)
class Found:
    """Copies that are to be written; runs whose copy has lost its points; runs that were not come to."""

    copies: Sequence[packed.Copy]
    gone: Sequence[str]
    left: Sequence[str]


def look(connection: Connection, ids: Sequence[str], most: int) -> Found:
    """What is to be done for `ids`; the first of them only, where their points come to `most`."""
    names, gone = _due(connection, ids)
    copies = _copies(connection, names, most)
    return Found(copies, gone, list(names)[len(copies) :])


def _due(connection: Connection, ids: Sequence[str]) -> tuple[dict[str, packed.Name], list[str]]:
    """Those without a copy of their curve as it is now; those that have a copy and no points any more."""
    runs, table = schema.runs.c, schema.packed_curves.c
    names: dict[str, packed.Name] = {}
    gone: list[str] = []
    for some in portions(ids):
        asked = (
            select(runs.id, packed.highest(runs.id), table.number, table.ceilings)
            .select_from(schema.runs.outerjoin(schema.packed_curves, table.run == runs.id))
            .where(runs.id.in_(some), runs.state != RunState.RUNNING.value)
            .order_by(runs.ordinal)
        )
        below = packed.ceilings(connection, runs.id.in_(some))
        for run, number, written, ceilings in plain_rows(connection, asked):
            if number is None:
                gone += [run] if written is not None else []
            elif (written, ceilings) != (number, below.get(run, "")):
                names[run] = packed.Name(number, below.get(run, ""))
    return names, gone


def _copies(
    connection: Connection, names: Mapping[str, packed.Name], most: int
) -> list[packed.Copy]:
    found: list[packed.Copy] = []
    points, left = 0, iter(names.items())
    while points < most and (some := dict(islice(left, _COPIED_AT_ONCE))):
        series = read_board.point_by_point(connection, list(some), times=False)
        made = [packed.Copy(run, name, series.get(run, NOTHING)) for run, name in some.items()]
        points += sum(len(one.series.steps) for one in made)
        found += made
    return found
