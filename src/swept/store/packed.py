"""Visible curves of the objective, written down whole: numbers side by side, as arrays have them.

A million points are a million floats that the driver makes one by one; written side by side they are read as they lie.
What is written down is a copy. The points are the truth, and the copy says of which it is one: the highest number of the
run's points and the ceilings of its attempts name its visible curve (see `curves`). Where they are other ones now, it is
not looked at; so nothing ever has to be declared stale, and a copy that is late, or was never made, costs time alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, ScalarSelect, exists, func, select

from swept.store import schema, visible
from swept.store.bulk import plain_rows, portions
from swept.store.read_board_base import Series, Wholes
from swept.store.work import Work

_FLOATS, _WHOLES = "<f8", "<i8"


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
    each: dict[tuple[int, int], Wholes] = {}
    for run, copied, first, steps, numbers in rows:
        if copied == below.get(run, ""):
            values = np.frombuffer(numbers, _FLOATS)
            found[run] = Series(_steps(each, first, steps, len(values)), values)
    return found


def _steps(
    each: dict[tuple[int, int], Wholes], first: int, steps: bytes | None, count: int
) -> Wholes:
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
    found = visible.ceilings_by_run(plain_rows(connection, asked))
    return {run: _told(below) for run, below in found.items()}


def _told(below: visible.Ceilings) -> str:
    return " ".join(f"{attempt}<{below[attempt]}" for attempt in sorted(below))


# -- writing --------------------------------------------------------------------------------------


def write(work: Work, copies: Sequence[Copy]) -> None:
    """Write copies down, but for those of runs that were deleted or have other points by now: nobody would look at them."""
    runs = schema.runs.c
    now: dict[str, int | None] = {}
    for some in portions(copy.run for copy in copies):
        asked = select(runs.id, highest(runs.id)).where(runs.id.in_(some))
        now.update((run, number) for run, number in plain_rows(work.connection, asked))
    fresh = [copy for copy in copies if now.get(copy.run) == copy.name.number]
    work.upsert(schema.packed_curves, [_row(copy) for copy in fresh])


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
