"""Sweeps: made, found, edited, and moved between their states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, insert, select, update

from swept.errors import Conflict, NotFound
from swept.model import SWEEP_KINDS, Desired, Move, RunState, Sweep, SweepState
from swept.store import moves, points, schema
from swept.store.base import NewSweep
from swept.store.work import Work

_KINDS = sorted(kind.value for kind in SWEEP_KINDS)


def find(connection: Connection, sweep: str) -> Row[Any]:
    """The sweep's row. Raises NotFound."""
    table = schema.sweeps
    found = connection.execute(select(table).where(table.c.id == sweep)).one_or_none()
    if found is None:
        raise NotFound(f"there is no sweep `{sweep}`", hint="`swept ls` lists them")
    return found


def _selected() -> Select[Any]:
    sweeps, specs = schema.sweeps, schema.specs
    here = and_(specs.c.sweep == sweeps.c.id, specs.c.version == sweeps.c.spec_version)
    return select(
        sweeps,
        specs.c.name,
        specs.c.spec,
        specs.c.spec_hash,
        specs.c.text,
        specs.c.path,
        specs.c.folder,
    ).join(specs, here)


def _sweep(row: Row[Any]) -> Sweep:
    return Sweep(
        id=row.id,
        project=row.project,
        name=row.name,
        state=SweepState(row.state),
        spec=row.spec,
        spec_hash=row.spec_hash,
        spec_version=row.spec_version,
        text=row.text,
        path=row.path,
        folder=row.folder,
        created=row.created,
        updated=row.updated,
        ended_because=row.ended_because,
        entity=row.entity,
    )


def get(connection: Connection, sweep: str) -> Sweep:
    """Raises NotFound."""
    row = connection.execute(_selected().where(schema.sweeps.c.id == sweep)).one_or_none()
    return _sweep(row if row is not None else find(connection, sweep))


def spec_of(connection: Connection, sweep: str, version: int) -> Mapping[str, Any]:
    """The canonical spec of that version. Raises NotFound."""
    table = schema.specs
    statement = select(table.c.spec).where(table.c.sweep == sweep, table.c.version == version)
    spec: Mapping[str, Any] | None = connection.execute(statement).scalar()
    if spec is None:
        find(connection, sweep)
        raise NotFound(f"sweep {sweep} has no version {version} of its file")
    return spec


def listed(connection: Connection, project: str | None) -> list[Sweep]:
    """Newest first."""
    table = schema.sweeps
    statement = _selected().order_by(table.c.ordinal.desc())
    if project is not None:
        statement = statement.where(table.c.project == project)
    return [_sweep(row) for row in connection.execute(statement)]


def metric(connection: Connection, sweep: str | None) -> str:
    """The objective's name; "" without one, and for manual runs."""
    if sweep is None:
        return ""
    sweeps, specs = schema.sweeps, schema.specs
    here = and_(specs.c.sweep == sweeps.c.id, specs.c.version == sweeps.c.spec_version)
    statement = select(specs.c.metric).join(sweeps, here).where(sweeps.c.id == sweep)
    return connection.execute(statement).scalar() or ""


# -- writing --------------------------------------------------------------------------------------


def create(work: Work, new: NewSweep, *, identity: str | None = None) -> Sweep:
    identity = identity or work.identities.short()
    work.connection.execute(
        insert(schema.sweeps),
        {
            "id": identity,
            "ordinal": work.ordinal(),
            "entity": new.entity,
            "project": new.project,
            "state": SweepState.PENDING.value,
            "spec_version": 1,
            "created": work.now,
            "updated": work.now,
        },
    )
    _keep_spec(work, identity, 1, new)
    work.event("sweep.created", sweep=identity, name=new.name, path=new.path)
    return get(work.connection, identity)


def _keep_spec(work: Work, sweep: str, version: int, new: NewSweep) -> None:
    work.connection.execute(
        insert(schema.specs),
        {
            "sweep": sweep,
            "version": version,
            "name": new.name,
            "spec": new.spec,
            "spec_hash": new.spec_hash,
            "text": new.text,
            "path": new.path,
            "folder": new.folder,
            "metric": new.metric,
            "goal": str(new.goal),
            "created": work.now,
        },
    )


def find_or_create(work: Work, new: NewSweep) -> tuple[Sweep, bool]:
    table = schema.sweeps
    statement = (
        _selected()
        .where(schema.specs.c.path == new.path, table.c.state != SweepState.CANCELLED.value)
        .order_by(table.c.ordinal.desc())
        .limit(1)
    )
    found = work.connection.execute(statement).one_or_none() if new.path else None
    return (_sweep(found), False) if found is not None else (create(work, new), True)


def update_spec(work: Work, sweep: str, new: NewSweep) -> Sweep:
    row = find(work.connection, sweep)
    if row.state == SweepState.CANCELLED:
        raise Conflict(f"sweep {sweep} is cancelled: it cannot be edited", hint="`--new`")
    version = row.spec_version + 1
    if new.metric != metric(work.connection, sweep):
        points.rebuild(work, sweep, new.metric)
    _keep_spec(work, sweep, version, new)
    table = schema.sweeps
    work.connection.execute(
        update(table)
        .where(table.c.id == sweep)
        .values(spec_version=version, fill=row.fill + 1, updated=work.now)
    )
    work.event("sweep.updated", sweep=sweep, version=version)
    for run in _runs(work, sweep, RunState.PENDING):
        if run.attempts == 0:
            moves.move(work, run, Move.KILL, reason="withdrawn: the sweep was edited")
    if row.state == SweepState.FINISHED:
        become(work, find(work.connection, sweep), SweepState.RUNNING, reason="edited")
    return get(work.connection, sweep)


def set_state(work: Work, sweep: str, state: SweepState, *, reason: str) -> Sweep:
    row = find(work.connection, sweep)
    before = SweepState(row.state)
    if before is state:
        return get(work.connection, sweep)
    if before is SweepState.CANCELLED:
        raise Conflict(
            f"sweep {sweep} is cancelled, for good",
            hint="`swept launch FILE --new` starts it afresh",
        )
    if state is SweepState.PENDING:
        raise Conflict(f"sweep {sweep} is {before}: it cannot become pending again")
    become(work, row, state, reason=reason)
    if state is SweepState.FINISHED:
        _finish_runs(work, sweep, reason)
    if state is SweepState.CANCELLED:
        _cancel_runs(work, sweep)
    return get(work.connection, sweep)


def finish_idle(work: Work, sweep: str, token: int, *, reason: str) -> Sweep | None:
    """FINISHED, unless something has changed since the snapshot with `token` or is under way."""
    row = find(work.connection, sweep)
    if row.fill != token or SweepState(row.state).ended or not idle(work.connection, sweep):
        return None
    return set_state(work, sweep, SweepState.FINISHED, reason=reason)


def idle(connection: Connection, sweep: str) -> bool:
    """Whether none of the sweep's own runs is pending or running."""
    under_way = exists().where(_own(sweep, RunState.PENDING, RunState.RUNNING))
    return not connection.execute(select(under_way)).scalar_one()


def become(
    work: Work, row: Row[Any], state: SweepState, *, reason: str, stale: bool = True
) -> None:
    """Change the sweep's state; `stale`: a fill that is under way is refused."""
    table = schema.sweeps
    work.connection.execute(
        update(table)
        .where(table.c.id == row.id)
        .values(
            state=state.value,
            updated=work.now,
            fill=row.fill + int(stale),
            ended_because=reason if state.ended else "",
        )
    )
    work.event(f"sweep.{state}", sweep=row.id, reason=reason, before=row.state, after=state)


def _runs(work: Work, sweep: str, *states: RunState) -> list[Row[Any]]:
    """The sweep's own runs in one of `states`; final and compare runs are left alone."""
    statement = select(schema.runs).where(_own(sweep, *states)).order_by(schema.runs.c.number)
    return list(work.connection.execute(statement))


def _own(sweep: str, *states: RunState) -> ColumnElement[bool]:
    table = schema.runs.c
    return and_(table.sweep == sweep, table.state.in_(states), table.kind.in_(_KINDS))


def _finish_runs(work: Work, sweep: str, reason: str) -> None:
    why = f"the sweep finished: {reason}" if reason else "the sweep finished"
    for run in _runs(work, sweep, RunState.PENDING):
        moves.move(work, run, Move.KILL, reason=why)
    for run in _runs(work, sweep, RunState.PAUSED):
        paused = run.desired_why if run.desired == Desired.PAUSE else ""
        told = f"{paused} (the sweep ended before it was continued)" if paused else why
        moves.move(work, run, Move.STOP, reason=told)


def _cancel_runs(work: Work, sweep: str) -> None:
    for run in _runs(work, sweep, RunState.PENDING, RunState.PAUSED):
        moves.move(work, run, Move.KILL, reason="cancelled")
    table = schema.runs
    for run in _runs(work, sweep, RunState.RUNNING):
        work.connection.execute(
            update(table)
            .where(table.c.id == run.id)
            .values(desired=Desired.STOP.value, desired_why="cancelled", desired_by="cancel")
        )
        work.event("run.asked", sweep=sweep, run=run.id, desired=Desired.STOP, reason="cancelled")
