"""Curves of many runs at once, as arrays: of the objective from its points or their packed copy, of any other metric from
the rows of the histories."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Text, and_, func, select, type_coerce

from swept.model import Point
from swept.store import packed, schema, visible
from swept.store.bulk import plain_rows, plain_values, portions
from swept.store.read_board_base import Floats, Series, Wholes


@dataclass(frozen=True, slots=True)
class _Reported:
    """How often an attempt reported the objective, and its first and last step."""

    attempt: int
    count: int
    low: int
    high: int

    @property
    def each_step(self) -> bool:
        return self.high - self.low + 1 == self.count


def objective(
    connection: Connection,
    ids: Sequence[str],
    where: ColumnElement[bool] | None = None,
    *,
    times: bool,
) -> dict[str, Series]:
    """Run → its visible curve of the objective; runs without one are left out. `where`: says which runs `ids` are, faster
    than their names. Times are in no copy."""
    named = (schema.runs.c.id.in_(some) for some in portions(ids))
    copied: dict[str, Series] = {}
    for one in () if times else named if where is None else (where,):
        copied.update(packed.held(connection, one))
    found = point_by_point(connection, [run for run in ids if run not in copied], times=times)
    return found | {run: copied[run] for run in ids if run in copied and len(copied[run].steps)}


def point_by_point(connection: Connection, ids: Sequence[str], *, times: bool) -> dict[str, Series]:
    """As `objective`, from the points themselves."""
    found: dict[str, Series] = {}
    for some in portions(ids):
        reported, below = _reported(connection, some)
        if reported:
            counts = {
                run: [(one.attempt, one.count) for one in parts] for run, parts in reported.items()
            }
            steps = _steps(connection, reported)
            values, when = _values(connection, some, times=times)
            found.update(_apart(counts, below, steps, values, when))
    return found


def _reported(
    connection: Connection, ids: Sequence[str]
) -> tuple[dict[str, list[_Reported]], dict[str, visible.Ceilings]]:
    """Of each run its attempts with points, in the order in which `_values` reads them, and the ceilings of all."""
    table, tried = schema.points.c, schema.attempts.c

    def of_attempt(figure: ColumnElement[Any]) -> Any:
        mine = and_(table.run == tried.run, table.attempt == tried.number)
        return select(figure).where(mine).correlate(schema.attempts).scalar_subquery()

    figures = map(of_attempt, (func.count(), func.min(table.step), func.max(table.step)))
    asked = (
        select(tried.run, tried.number, tried.first_step, *figures)
        .where(tried.run.in_(ids))
        .order_by(tried.run, tried.number)
    )
    rows = plain_rows(connection, asked)
    found: dict[str, list[_Reported]] = {}
    for run, number, _, count, low, high in rows:
        if count:
            found.setdefault(run, []).append(_Reported(number, count, low, high))
    return found, visible.ceilings_by_run(row[:3] for row in rows)


def _steps(
    connection: Connection, reported: Mapping[str, Sequence[_Reported]]
) -> Mapping[str, Wholes]:
    """Run → the steps of all its attempts. Most trainings report each step, and are not asked for them."""
    table = schema.points.c
    each: dict[tuple[int, int], Wholes] = {}
    found: dict[str, Wholes] = {}
    for run, parts in reported.items():
        if all(one.each_step for one in parts):
            ends = [(one.low, one.high) for one in parts]
            for low, high in ends:
                each.setdefault((low, high), np.arange(low, high + 1, dtype=np.int64))
            found[run] = (
                each[ends[0]] if len(ends) == 1 else np.concatenate([each[e] for e in ends])
            )
    left = {run: parts for run, parts in reported.items() if run not in found}
    if left:
        asked = select(table.step).where(table.run.in_(list(left)))
        asked = asked.order_by(table.run, table.attempt, table.step)
        read = _whole([row[0] for row in plain_rows(connection, asked)])
        found.update(_split(read, {run: sum(p.count for p in left[run]) for run in left}))
    return found


def _values(
    connection: Connection, ids: Sequence[str], *, times: bool
) -> tuple[Floats, Floats | None]:
    """The values of all the points of the runs in order of run, attempt and step, and their times."""
    table, rows = schema.points, schema.rows
    asked = select(table.c.value, *((rows.c.time,) if times else ()))
    asked = asked.where(table.c.run.in_(ids))
    asked = asked.order_by(table.c.run, table.c.attempt, table.c.step)
    if times:
        same = and_(*(table.c[name] == rows.c[name] for name in ("run", "attempt", "step")))
        asked = asked.select_from(table.outerjoin(rows, same))
    flat = _real(plain_values(connection, asked))
    return (flat[0::2], flat[1::2]) if times else (flat, None)


def metric(connection: Connection, ids: Sequence[str], name: str) -> dict[str, Series]:
    """Run → its visible curve of any metric, from the rows of its history, with the rows' times."""
    table, read = schema.rows.c, _reader(name)
    found: dict[str, Series] = {}
    for some in portions(ids):
        rows = plain_rows(
            connection,
            select(
                table.run, table.attempt, table.step, table.time, type_coerce(table.metrics, Text)
            )
            .where(table.run.in_(some))
            .order_by(table.run, table.attempt, table.step),
        )
        values = [read(row[4]) for row in rows]
        there = [(row, value) for row, value in zip(rows, values, strict=True) if value is not None]
        if there:
            counts: dict[str, list[tuple[int, int]]] = {}
            for (run, attempt), count in Counter((row[0], row[1]) for row, _ in there).items():
                counts.setdefault(run, []).append((attempt, count))
            step = _whole([row[2] for row, _ in there])
            steps = _split(step, {run: sum(n for _, n in parts) for run, parts in counts.items()})
            value, time = _real([value for _, value in there]), _real([row[3] for row, _ in there])
            found.update(_apart(counts, _ceilings(connection, some), steps, value, time))
    return found


def _split(numbers: Wholes, counts: Mapping[str, int]) -> dict[str, Wholes]:
    """Run → so many of the `numbers`, one run after another."""
    ends = np.cumsum(list(counts.values()))
    return dict(zip(counts, np.split(numbers, ends[:-1]), strict=True))


def _whole(numbers: Sequence[int]) -> Wholes:
    return np.array(numbers, dtype=np.int64)


def _real(numbers: Sequence[float | None]) -> Floats:
    """None is NaN."""
    return np.array(numbers, dtype=np.float64)


def _apart(
    counts: Mapping[str, Sequence[tuple[int, int]]],
    below: Mapping[str, visible.Ceilings],
    steps: Mapping[str, Wholes],
    value: Floats,
    time: Floats | None,
) -> Iterator[tuple[str, Series]]:
    """Run by run, without what is hidden, from arrays in order of run, attempt and step. `counts`: of each run how many
    of them each attempt has."""
    start = 0
    for run, parts in counts.items():
        whole = slice(start, start + sum(count for _, count in parts))
        start = whole.stop
        step, values, times = steps[run], value[whole], None if time is None else time[whole]
        if len(below[run]) == 1:
            # Copied: a part would keep all that it is a part of.
            yield run, Series(step, values.copy(), None if times is None else times.copy())
            continue
        limits = np.repeat(
            [below[run][attempt] for attempt, _ in parts], [count for _, count in parts]
        )
        seen = _last_of_each(step, np.flatnonzero(step < limits))
        if len(seen):
            yield run, Series(step[seen], values[seen], None if times is None else times[seen])


def _last_of_each(steps: Wholes, places: NDArray[np.intp]) -> NDArray[np.intp]:
    """`places` in order of step; of two attempts at one step the later."""
    order = places[np.argsort(steps[places], kind="stable")]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = steps[order][1:] != steps[order][:-1]
    return order[last]


def _reader(name: str) -> Callable[[str], float | None]:
    """Finds the number of that name in a row's JSON: as `visible.lookup`, and most rows need not be parsed for it.

    In JSON text a quote inside of a string has a backslash before it, so what is looked for here is always a key.
    """
    key = f"{json.dumps(name)}:"
    first, later = "{" + key, "," + key

    def read(text: str) -> float | None:
        at = 0 if text.startswith(first) else text.find(later)
        if at < 0 and "." not in name:
            return None
        if at >= 0 and text.find("{", 1) < 0:
            start = at + len(first)
            end = text.find(",", start)
            try:
                return float(text[start : end if end >= 0 else -1])
            except ValueError:
                pass  # no plain number
        return visible.lookup(json.loads(text), name)

    return read


def _ceilings(connection: Connection, ids: Sequence[str]) -> Mapping[str, visible.Ceilings]:
    table = schema.attempts.c
    asked = (
        select(table.run, table.number, table.first_step)
        .where(table.run.in_(ids))
        .order_by(table.run, table.number)
    )
    return visible.ceilings_by_run(plain_rows(connection, asked))


def abridged(series: Series) -> tuple[Point, ...]:
    """The first point, the lowest, the highest and the last: all that is said of a run as a whole needs no others."""
    if not len(series.steps):
        return ()
    places = sorted({0, len(series.steps) - 1, *_extremes(series.values)})
    step, value = series.steps.item, series.values.item
    found = [(step(at), value(at)) for at in places]
    # NaN as one object: then two looks at the same curve are equal.
    return tuple([Point(at, math.nan if math.isnan(one) else one) for at, one in found])


def _extremes(values: Floats) -> tuple[int, ...]:
    """Where the lowest and the highest finite value are."""
    low, high = int(values.argmin()), int(values.argmax())
    # NaN would be found as either.
    if math.isfinite(values.item(low)) and math.isfinite(values.item(high)):
        return low, high
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return ()
    left = values[finite]
    return int(finite[left.argmin()]), int(finite[left.argmax()])
