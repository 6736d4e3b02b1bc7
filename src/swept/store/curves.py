"""Visible curves, kept from one look to the next: a run that has reported nothing since is not read again.

Every new or changed point gets a number that is higher than all before it (see `Work.point`), so the highest number of
a run's points names all of them. With the attempts' ceilings it names the visible curve. Nothing ever has to be
declared stale, also where another process writes to the same database.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from swept.model import Point
from swept.store import packed, read_series, schema, visible
from swept.store.bulk import portions
from swept.store.read_board_base import Series

Curve: TypeAlias = tuple[Point, ...]
KEPT = 200_000
"""Points, of all runs together: some 30 MB."""
_MANY = 50
"""Of more runs the curves are read as a page reads them, as columns: a row for each of a million points takes five times
as long. Of a few the statements that this needs would take longer."""


@dataclass(frozen=True, slots=True)
class _Known:
    highest: int
    below: Mapping[int, float]
    curve: Curve


class Curves:
    """The curves seen last, by run. Safe from any thread. Ask it only about what is committed."""

    def __init__(self, kept: int = KEPT) -> None:
        self._most = kept
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._points = 0

    def of(
        self,
        connection: Connection,
        where: ColumnElement[bool],
        below: Mapping[str, visible.Ceilings],
    ) -> Mapping[str, Curve]:
        """The visible curves of the runs of `where` that have one; `below` has the ceilings of each."""
        highest = _highest(connection, where)
        found: dict[str, Curve] = {}
        with self._lock:
            for run, number in highest.items():
                known = self._known.get(run)
                if known and known.highest == number and known.below == below[run]:
                    found[run] = known.curve
        missing = [run for run in highest if run not in found]
        for run, curve in read(connection, missing, below):
            found[run] = curve
            self._keep(run, _Known(highest[run], below[run], curve))
        return found

    def _keep(self, run: str, known: _Known) -> None:
        with self._lock:
            self._forget(run)
            self._known[run] = known
            self._points += len(known.curve)
            while self._points > self._most:
                self._forget(next(iter(self._known)))

    def _forget(self, run: str) -> None:
        old = self._known.pop(run, None)
        self._points -= len(old.curve) if old else 0


def _highest(connection: Connection, where: ColumnElement[bool]) -> Mapping[str, int]:
    """The highest number among each run's points; runs without points are left out."""
    runs = schema.runs.c
    found = connection.execute(select(runs.id, packed.highest(runs.id)).where(where)).all()
    return {run: highest for run, highest in found if highest is not None}


def read(
    connection: Connection, runs: Sequence[str], below: Mapping[str, visible.Ceilings]
) -> Iterator[tuple[str, Curve]]:
    """(run, visible curve) of those of `runs` that have points."""
    if len(runs) > _MANY:
        found = read_series.objective(connection, runs, times=False)
        yield from ((run, points_of(series)) for run, series in found.items())
        return
    table = schema.points
    for some in portions(runs):
        statement = (
            select(table.c.run, table.c.attempt, table.c.step, table.c.value)
            .where(table.c.run.in_(some))
            .order_by(table.c.run, table.c.attempt, table.c.step)
        )
        points: dict[str, list[tuple[int, int, float | None]]] = defaultdict(list)
        for run, attempt, step, value in connection.execute(statement).all():
            points[run].append((attempt, step, value))
        for run, reported in points.items():
            yield run, visible.curve(reported, below[run])


def points_of(series: Series) -> Curve:
    steps, values = series.steps.tolist(), series.values.tolist()
    if np.isnan(series.values).any():  # NaN is one object in all of them, as in `visible`
        values = [math.nan if math.isnan(value) else value for value in values]
    return tuple(map(Point, steps, values))
