"""What a page draws of many runs at once: read in bulk, and only what has changed since the last look.

The numbers of events and points name what has changed (see `curves`). What a running run says beside its objective has
no number, so whoever keeps what was read here reads the running ones each time.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    func,
    select,
    type_coerce,
    union,
)

from swept import wire
from swept.model import Attempt, Desired, Kind, Outcome, Point, Run, RunState
from swept.store import packed, schema, visible
from swept.store.bulk import plain_rows, plain_values, portions
from swept.store.read_board_base import Changes, Drawn, Floats, Scope, Series, Wholes

_PRIOR = Kind.PRIOR.value
_ALL_AGAIN = ("sweep.updated",)
"""The objective may have another name now: every curve is another."""

_KINDS = {one.value: one for one in Kind}  # a tenth of the time that asking the class takes
_STATES = {one.value: one for one in RunState}
_DESIRED = {one.value: one for one in Desired}
_OUTCOMES: Mapping[str | None, Outcome | None] = {None: None, **{one.value: one for one in Outcome}}

_TABLE, _TRIED = schema.runs.c, schema.attempts.c
_RUN = (
    _TABLE.ordinal,
    _TABLE.id,
    _TABLE.project,
    _TABLE.sweep,
    _TABLE.number,
    _TABLE.name,
    _TABLE.kind,
    _TABLE.state,
    _TABLE.seed,
    _TABLE.parent,
    _TABLE.retry_of,
    _TABLE.ended_because,
    _TABLE.desired,
    _TABLE.paused_by,
    _TABLE.spec_version,
    _TABLE.retries,
    _TABLE.created,
    _TABLE.pending_since,
    _TABLE.started,
    _TABLE.ended,
    type_coerce(_TABLE.config, Text),
    type_coerce(_TABLE.why, Text),
    type_coerce(_TABLE.latest, Text),
    type_coerce(_TABLE.summary, Text),
)
_ATTEMPT = (
    _TRIED.run,
    _TRIED.number,
    _TRIED.agent,
    _TRIED.host,
    _TRIED.started,
    _TRIED.ended,
    _TRIED.outcome,
    _TRIED.reason,
    _TRIED.first_step,
    _TRIED.last_sequence,
    type_coerce(_TRIED.effective_config, Text),
)


_Read: TypeAlias = tuple[tuple[Any, ...], Sequence[Attempt]]


def runs(connection: Connection, scope: Scope, ids: Sequence[str] | None) -> list[Run]:
    """The runs of `scope` (of `ids` those that are in it) in order of creation: bare of curves, checkpoints, details
    and of all that stands in `why` beside the reason. Priors are left out."""
    return [_run(row, tried, ()) for row, tried in _read(connection, scope, ids)]


def drawn(connection: Connection, scope: Scope, ids: Sequence[str] | None, *, times: bool) -> Drawn:
    """As `runs`, with what `abridged` leaves of their curves, and the curves."""
    read = _read(connection, scope, ids)
    series = _objective(
        connection,
        [row[1] for row, _ in read],
        None if ids is not None else _of(scope),
        times=times,
    )
    curves = {run: abridged(one) for run, one in series.items()}
    return Drawn([_run(row, tried, curves.get(row[1], ())) for row, tried in read], series)


def _read(connection: Connection, scope: Scope, ids: Sequence[str] | None) -> list[_Read]:
    if ids is None:
        return _part(connection, _of(scope))
    named = (and_(_of(scope), schema.runs.c.id.in_(some)) for some in portions(ids))
    found = [one for where in named for one in _part(connection, where)]
    return sorted(found, key=lambda one: one[0][0])


def _of(scope: Scope) -> ColumnElement[bool]:
    table = schema.runs.c
    if scope.sweep is not None:
        return and_(table.sweep == scope.sweep, table.kind != _PRIOR)
    return and_(table.sweep.is_(None), table.project == scope.project, table.kind != _PRIOR)


def _part(connection: Connection, where: ColumnElement[bool]) -> list[_Read]:
    found = plain_rows(connection, select(*_RUN).where(where).order_by(_TABLE.ordinal))
    tried = _attempts(connection, where) if found else {}
    return [(row, tried.get(row[1], ())) for row in found]


def _attempts(
    connection: Connection, where: ColumnElement[bool]
) -> Mapping[str, Sequence[Attempt]]:
    table = schema.attempts.c
    asked = (
        select(*_ATTEMPT)
        .join(schema.runs, schema.runs.c.id == table.run)
        .where(where)
        .order_by(table.number)
    )
    found: dict[str, list[Attempt]] = defaultdict(list)
    for run, *told in plain_rows(connection, asked):
        found[run].append(_attempt(*told))
    return found


def _attempt(
    number: int,
    agent: str,
    host: str,
    started: float,
    ended: float | None,
    outcome: str | None,
    reason: str,
    first_step: int | None,
    last_sequence: int,
    config: str | None,
) -> Attempt:
    return Attempt(
        number,
        agent,
        host,
        started,
        ended,
        _OUTCOMES[outcome],
        reason,
        first_step=first_step or 0,
        last_sequence=last_sequence,
        reported=first_step is not None,
        effective_config=_json(config) if config is not None else None,
    )


def _run(row: tuple[Any, ...], tried: Sequence[Attempt], curve: tuple[Point, ...]) -> Run:
    (
        _,
        identity,
        project,
        sweep,
        number,
        name,
        kind,
        state,
        seed,
        parent,
        retry_of,
        ended_because,
        desired,
        paused_by,
        spec_version,
        retries,
        created,
        pending_since,
        started,
        ended,
        config,
        why,
        latest,
        summary,
    ) = row
    return Run(
        id=identity,
        project=project,
        sweep=sweep,
        number=number,
        name=name,
        kind=_KINDS[kind],
        state=_STATES[state],
        config=_json(config),
        seed=seed,
        parent=parent,
        retry_of=retry_of,
        why={"reason": _json(why).get("reason", "")},
        ended_because=ended_because,
        desired=_DESIRED[desired],
        paused_by=paused_by,
        spec_version=spec_version,
        retries=retries,
        created=created,
        pending_since=pending_since,
        started=started,
        ended=ended,
        attempts=tuple(tried),
        curve=curve,
        summary={**_special(latest), **_special(summary)},
    )


def _json(text: str) -> Any:
    """Faster than `json.loads`, which takes what this does not: lone surrogates, and any depth."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def _special(text: str) -> dict[str, Any]:
    """Non-finite numbers stand by their names."""
    if text == "{}":
        return {}
    parsed: dict[str, Any] = _json(text)
    if '"NaN"' in text or 'Infinity"' in text:
        parsed = wire.decode(parsed)
    return parsed


# -- changes --------------------------------------------------------------------------------------


def changes(connection: Connection, scope: Scope, event: int, point: int) -> Changes:
    """What has changed in `scope` since that position, apart from what running runs say beside their objective."""
    events, points = schema.events.c, schema.points.c
    here = events.sweep == scope.sweep if scope.sweep is not None else events.sweep.is_(None)
    later = and_(here, events.number > event)
    again = select(events.number).where(later, events.type.in_(_ALL_AGAIN)).limit(1)
    if connection.execute(again).first() is not None:
        return Changes(frozenset(), True)
    told = select(events.run).where(later, events.run.is_not(None)).distinct()
    found = set(connection.execute(told).scalars())
    if scope.sweep is not None:
        reported = select(points.run).where(points.sweep == scope.sweep, points.number > point)
        found.update(connection.execute(reported.distinct()).scalars())
    return Changes(frozenset(found), False)


def moved_runs(connection: Connection, since: tuple[int, int] | None) -> list[str]:
    """All runs, or those in which anything has changed since that position, in order of creation."""
    asked = select(_TABLE.id).order_by(_TABLE.ordinal)
    if since is not None:
        events, points = schema.events.c, schema.points.c
        told = select(events.run).where(events.number > since[0], events.run.is_not(None))
        reported = select(points.run).where(points.number > since[1])
        asked = asked.where(_TABLE.id.in_(union(told, reported)))
    return list(connection.execute(asked).scalars())


def moved_sweeps(connection: Connection, event: int, point: int) -> frozenset[str]:
    """The sweeps in which anything has changed since that position."""
    events, points = schema.events.c, schema.points.c
    asked = union(
        select(events.sweep).where(events.number > event, events.sweep.is_not(None)),
        select(points.sweep).where(points.number > point),
    )
    return frozenset(connection.execute(asked).scalars())


# -- curves ---------------------------------------------------------------------------------------


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


def objective(connection: Connection, ids: Sequence[str], *, times: bool) -> dict[str, Series]:
    """Run → its visible curve of the objective; runs without one are left out."""
    return _objective(connection, ids, None, times=times)


def _objective(
    connection: Connection, ids: Sequence[str], where: ColumnElement[bool] | None, *, times: bool
) -> dict[str, Series]:
    """`where`: says which runs `ids` are, faster than their names. Times are in no copy."""
    wheres = (_TABLE.id.in_(some) for some in portions(ids)) if where is None else (where,)
    copied: dict[str, Series] = {}
    for one in wheres if not times else ():
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


def ends(
    connection: Connection, scope: Scope, ids: Sequence[str] | None
) -> dict[str, Sequence[Point]]:
    """Run → the first and the last point of its visible curve, read without what lies between."""
    if ids is None:
        return _ends(connection, _of(scope))
    named = (and_(_of(scope), _TABLE.id.in_(some)) for some in portions(ids))
    return {run: curve for where in named for run, curve in _ends(connection, where).items()}


def _ends(connection: Connection, where: ColumnElement[bool]) -> dict[str, Sequence[Point]]:
    table, owners = schema.points.c, schema.runs.c
    mine = table.run == owners.id

    def end(column: ColumnElement[Any], *order: ColumnElement[Any]) -> Any:
        asked: Select[Any] = select(column).where(mine).order_by(*order).limit(1)
        return asked.correlate(schema.runs).scalar_subquery()

    down, up = (table.attempt.desc(), table.step.desc()), (table.attempt, table.step)
    asked = select(
        owners.id,
        owners.attempts,
        end(table.step, *up),
        end(table.value, *up),
        end(table.step, *down),
        end(table.value, *down),
    ).where(where)
    found: dict[str, Sequence[Point]] = {}
    again: list[str] = []
    for run, attempts, first, first_value, last, value in connection.execute(asked):
        if last is None:
            continue
        if attempts > 1:
            again.append(run)
        else:
            begun = [Point(first, _nan(first_value))] if first < last else []
            found[run] = [*begun, Point(last, _nan(value))]
    for run, series in objective(connection, again, times=False).items():
        found[run] = abridged(series)
    return found


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


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def last_steps(connection: Connection, scope: Scope) -> dict[str, int]:
    asked = select(_TABLE.id, _TABLE.last_step).where(_of(scope), _TABLE.last_step.is_not(None))
    return {row[0]: row[1] for row in connection.execute(asked)}


# -- names ----------------------------------------------------------------------------------------


def metrics(connection: Connection, scope: Scope) -> dict[str, int]:
    """The names in the histories of the runs of `scope`, and how many runs have each."""
    table, owners = schema.flat_values.c, schema.runs.c
    asked = (
        select(table.key, func.count())
        .join(schema.runs, owners.id == table.run)
        .where(_of(scope), table.source == "history")
        .group_by(table.key)
    )
    return {row[0]: row[1] for row in connection.execute(asked)}


def in_project(connection: Connection, project: str) -> bool:
    """Whether there is anything of that project."""
    asked = (
        select(table.c.id).where(table.c.project == project).limit(1)
        for table in (schema.runs, schema.sweeps)
    )
    return any(connection.execute(one).first() is not None for one in asked)
