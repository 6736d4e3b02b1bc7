"""What a page draws of many runs at once: read in bulk, and only what has changed since the last look.

The numbers of events and points name what has changed (see `curves`). What a running run says beside its objective has
no number, so whoever keeps what was read here reads the running ones each time.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

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
from swept.store import schema
from swept.store.bulk import plain_rows, portions
from swept.store.read_board_base import Changes, Drawn, Scope
from swept.store.read_series import abridged, objective

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
    series = objective(
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


# -- how far their curves come ---------------------------------------------------------------------


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
