"""Visible curves of the objective, written down whole: numbers side by side, as arrays have them.

A million points are a million floats that the driver makes one by one; written side by side they are read as they lie.
What is written down is a copy. The points are the truth, and the copy says of which it is one: the highest number of the
run's points and the ceilings of its attempts name its visible curve (see `curves`). Where they are other ones now, it is
not looked at; so nothing ever has to be declared stale, and a copy that is late, or was never made, costs time alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    delete,
    exists,
    func,
    select,
)

from swept.store import schema, visible
from swept.store.bulk import plain_rows, portions
from swept.store.read_board_base import Series
from swept.store.work import Work

_FLOATS, _WHOLES = "<f8", "<i8"
_Wholes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Name:
    """Which curve of a run it is: the highest number of its points, and its ceilings."""

    number: int
    ceilings: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A curve to be written down, and which one it is."""

    run: str
    name: Name
    series: Series


# -- reading --------------------------------------------------------------------------------------


def held(connection: Connection, where: ColumnElement[bool]) -> dict[str, Series]:
    """Run → its visible curve, of the runs of `where` whose copy is of what their points are now. It may be empty."""
    runs, table = schema.runs.c, schema.packed_curves.c
    asked = (
        select(table.run, table.ceilings, table.first_step, table.steps, table.numbers)
        .join(schema.runs, runs.id == table.run)
        .where(where, table.number == highest(table.run))
    )
    rows = plain_rows(connection, asked)
    below = ceilings(connection, where) if rows else {}
    found: dict[str, Series] = {}
    each: dict[tuple[int, int], _Wholes] = {}
    for run, copied, first, steps, numbers in rows:
        if copied == below.get(run, ""):
            values = np.frombuffer(numbers, _FLOATS)
            found[run] = Series(_steps(each, first, steps, len(values)), values)
    return found


def _steps(
    each: dict[tuple[int, int], _Wholes], first: int, steps: bytes | None, count: int
) -> _Wholes:
    """Most trainings report each step, and share an array with all that have the same."""
    if steps is not None:
        return np.frombuffer(steps, _WHOLES)
    known = each.get((first, count))
    if known is None:
        known = each[first, count] = np.arange(first, first + count, dtype=np.int64)
    return known


def highest(run: ColumnElement[str]) -> ScalarSelect[Any]:
    """The highest number among the run's points: one look into an index."""
    points = schema.points.c
    return select(func.max(points.number)).where(points.run == run).scalar_subquery()


def ceilings(connection: Connection, where: ColumnElement[bool]) -> Mapping[str, str]:
    """Of the runs of `where` with several attempts; where there is one, it hides nothing."""
    runs, tried, other = schema.runs.c, schema.attempts.c, schema.attempts.alias().c
    again = exists().where(other.run == runs.id, other.number > 1)
    asked = (
        select(tried.run, tried.number, tried.first_step)
        .join(schema.runs, runs.id == tried.run)
        .where(where, again)
        .order_by(tried.run, tried.number)
    )
    begun: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for run, number, first_step in plain_rows(connection, asked):
        begun[run].append((number, first_step))
    return {run: _told(visible.ceilings(attempts)) for run, attempts in begun.items()}


def _told(below: visible.Ceilings) -> str:
    if len(below) == 1:
        return ""
    return " ".join(f"{attempt}<{below[attempt]}" for attempt in sorted(below))


# -- writing --------------------------------------------------------------------------------------


def write(work: Work, copies: Iterable[Copy], gone: Sequence[str]) -> None:
    """Write copies down. What they are copies of may have changed since: then nobody will look at them. Of runs that were
    deleted none is kept."""
    rows = [_row(copy) for copy in copies]
    there: set[str] = set()
    for some in portions(row["run"] for row in rows):
        asked = select(schema.runs.c.id).where(schema.runs.c.id.in_(some))
        there.update(work.connection.execute(asked).scalars())
    work.upsert(schema.packed_curves, [row for row in rows if row["run"] in there])
    table = schema.packed_curves
    for some in portions(gone):
        none = ~exists().where(schema.points.c.run == table.c.run)
        work.connection.execute(delete(table).where(and_(table.c.run.in_(some), none)))


def _row(copy: Copy) -> dict[str, Any]:
    steps = copy.series.steps
    first, count = (int(steps[0]) if len(steps) else 0), len(steps)
    each = count == 0 or int(steps[-1]) - first + 1 == count  # they rise
    return {
        "run": copy.run,
        "number": copy.name.number,
        "ceilings": copy.name.ceilings,
        "first_step": first,
        "steps": None if each else steps.astype(_WHOLES).tobytes(),
        "numbers": copy.series.values.astype(_FLOATS).tobytes(),
    }
