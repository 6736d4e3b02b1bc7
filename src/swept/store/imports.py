"""Sweeps and runs brought over from another server: what came from where, and whether all of it is here.

An imported run is a run like any other once it is whole. Until then it is killed, which no search takes for a result,
and its `ended_because` says that the import goes on. Times are those of the source; only the events are of today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from swept.errors import Conflict, NotFound
from swept.model import Outcome, Run, RunState, Sweep, SweepState
from swept.store import claims, flat, points, runs, schema, sweeps
from swept.store.base import Brought, ImportedEnd, ImportedRun, NewSweep
from swept.store.bulk import portions
from swept.store.work import Work

HALF = "its import is not complete: the same `swept import` goes on"
_LONGEST = 128  # of a run's id
_OUTCOMES: Mapping[RunState, Outcome] = {
    RunState.FINISHED: Outcome.FINISHED,
    RunState.FAILED: Outcome.FAILED,
    RunState.STOPPED: Outcome.STOPPED,
    RunState.KILLED: Outcome.KILLED,
    RunState.CRASHED: Outcome.LOST,
}


def known(connection: Connection, origins: Sequence[str]) -> dict[str, Brought]:
    """What is here of each origin; those that never came are left out."""
    table = schema.imports
    found: dict[str, Brought] = {}
    for some in portions(origins):
        for row in connection.execute(select(table).where(table.c.origin.in_(some))):
            found[row.origin] = _brought(connection, row)
    return found


def _brought(connection: Connection, row: Row[Any]) -> Brought:
    last_step = None
    if row.run is not None:
        last_step = runs.find(connection, row.run).last_step
    return Brought(row.run or row.sweep, bool(row.whole), row.stamp, last_step)


def _record(work: Work, origin: str) -> Row[Any] | None:
    table = schema.imports
    return work.connection.execute(select(table).where(table.c.origin == origin)).one_or_none()


def note(work: Work, origin: str, run: str, stamp: str) -> None:
    """What came by other ways (a synced folder) is whole, and was trained when its rows were logged, not when they were
    sent. Raises NotFound."""
    row = runs.find(work.connection, run)
    table = schema.rows
    times = select(func.min(table.c.time), func.max(table.c.time)).where(table.c.run == run)
    first, last = work.connection.execute(times).one()
    if first is not None and RunState(row.state).ended and first < row.created:
        _date(work, run, first, last)
        runs.told_late(work, row)
    _keep(work, origin, run=run, stamp=stamp, whole=1)


def _date(work: Work, run: str, first: float, last: float) -> None:
    for table, key, values in (
        (schema.runs, schema.runs.c.id, {"created": first}),
        (schema.attempts, schema.attempts.c.run, {}),
    ):
        dated = update(table).where(key == run)
        work.connection.execute(dated.values(started=first, ended=last, **values))


def _keep(work: Work, origin: str, **values: Any) -> None:
    row = {"origin": origin, "run": None, "sweep": None, "stamp": "", "whole": 0, "time": work.now}
    work.upsert(schema.imports, [{**row, **values}])


# -- sweeps ---------------------------------------------------------------------------------------


def sweep(work: Work, new: NewSweep, *, origin: str, sweep_id: str, created: float) -> Brought:
    """The sweep of `origin`, made where it is missing: paused, until its runs are here."""
    record = _record(work, origin)
    if record is not None:
        return _brought(work.connection, record)
    identity = sweep_id if _free(work.connection, sweep_id) else None
    made = sweeps.create(replace(work, now=created), new, identity=identity)
    row = sweeps.find(work.connection, made.id)
    sweeps.become(work, row, SweepState.PAUSED, reason=HALF)
    _keep(work, origin, sweep=made.id)
    return Brought(made.id, False, "", None)


def _free(connection: Connection, sweep: str) -> bool:
    """Commands take the id of a sweep or of a run in one place: an id names one thing."""
    tables = (schema.sweeps, schema.runs)
    taken = (connection.execute(select(t.c.id).where(t.c.id == sweep)).first() for t in tables)
    return bool(sweep) and not any(taken)


def end_sweep(work: Work, sweep: str, state: SweepState, *, reason: str) -> Sweep:
    """All its runs are here: it takes its state. What happened to it here since its first import stays."""
    table = schema.imports
    record = work.connection.execute(select(table).where(table.c.sweep == sweep)).one_or_none()
    if record is None:
        raise NotFound(f"sweep {sweep} was not imported")
    row = sweeps.find(work.connection, sweep)
    if not record.whole and row.state == SweepState.PAUSED:
        sweeps.become(work, row, state, reason=reason)
    _keep(work, record.origin, sweep=sweep, whole=1)
    return sweeps.get(work.connection, sweep)


# -- runs -----------------------------------------------------------------------------------------


def begin(work: Work, new: ImportedRun, *, afresh: bool = False) -> Brought:
    """The run of `new.origin`, made where it is missing; half, until `end`."""
    record = _record(work, new.origin)
    identity = _created(work, new) if record is None else record.run
    row = runs.find(work.connection, identity)
    if row.attempts != 1 or not RunState(row.state).ended:
        raise Conflict(f"run {identity} went on here: what is new at its source is left out")
    if afresh:
        _forget_rows(work, identity)
    if _describe(work, row, new) or (afresh and record is not None):
        work.event("run.changed", sweep=row.sweep, run=identity, imported=True)
    _keep(work, new.origin, run=identity, stamp=record.stamp if record else "")
    _make_stale(work, row.sweep)
    last_step = None if afresh else row.last_step
    return Brought(identity, False, "", last_step)


def _created(work: Work, new: ImportedRun) -> str:
    now = new.started
    past = replace(work, now=new.created)  # its counters are the same
    identity = runs.create(
        past,
        project=new.project,
        sweep=new.sweep,
        kind=new.kind,
        config=new.config,
        name=new.name,
        seed=None,
        why={"reason": f"imported from {new.source}", "imported": True},
        run_id=_identity(work.connection, new),
        details=new.details,
    )
    table = schema.runs
    values = {"state": RunState.KILLED.value, "ended": now, "ended_because": HALF}
    work.connection.execute(
        update(table).where(table.c.id == identity).values(attempts=1, started=now, **values)
    )
    claims.add_attempt(replace(work, now=now), identity, 1, "", "", first_step=0)
    _close(work, identity, ImportedEnd(RunState.KILLED, now, HALF, {}, ""))
    return identity


def _identity(connection: Connection, new: ImportedRun) -> str | None:
    """The id at the source where nothing here has it; else one with a hash of where it comes from."""
    if _free(connection, new.run_id):
        return new.run_id[:_LONGEST]
    digest = hashlib.sha256(new.origin.encode()).hexdigest()[:6]
    other = f"{new.run_id[: _LONGEST - 7]}-{digest}"
    return other if _free(connection, other) else None


def _describe(work: Work, row: Row[Any], new: ImportedRun) -> bool:
    """What the source says of the run now; half, from here on. Whether that is something else than was known."""
    details = {**row.details, **new.details}
    values = {
        "state": RunState.KILLED.value,
        "ended_because": HALF,
        "name": new.name or row.name,
        "config": new.config,
        "details": details,
        "started": new.started,
    }
    table = schema.runs
    work.connection.execute(update(table).where(table.c.id == row.id).values(**values))
    flat.keep_config(work, row.id, new.config, details)
    return any(row._mapping[name] != value for name, value in values.items())


def _forget_rows(work: Work, run: str) -> None:
    """The run was begun again at its source under the same id: the rows before are another training's."""
    reported = (schema.rows, schema.system_rows, schema.points, schema.console)
    for table in (*reported, schema.packed_curves):
        work.connection.execute(delete(table).where(table.c.run == run))
    table = schema.runs
    work.connection.execute(
        update(table).where(table.c.id == run).values(latest={}, last_step=None, summary={})
    )
    flat.keep(work, run, "summary", {})
    flat.keep(work, run, "history", {})


def end(work: Work, run: str, ended: ImportedEnd) -> Run:
    """All of the run is here: it is what it was at its source. Raises NotFound, Conflict."""
    table = schema.imports
    record = work.connection.execute(select(table).where(table.c.run == run)).first()
    if record is None:
        raise NotFound(f"run {run} was not imported")
    row = runs.find(work.connection, run)
    if row.attempts != 1 or not RunState(row.state).ended:
        raise Conflict(f"run {run} went on here: what is new at its source is left out")
    values = {
        "state": ended.state.value,
        "ended": ended.ended,
        "ended_because": ended.reason,
        "summary": dict(ended.summary),
        "details": {**row.details, **ended.details},
    }
    table = schema.runs
    work.connection.execute(update(table).where(table.c.id == run).values(**values))
    _close(work, run, ended)
    flat.keep(work, run, "summary", {**row.latest, **ended.summary})
    points.of_summary(work, row, 1, ended.summary, sweeps.metric(work.connection, row.sweep))
    _keep(work, record.origin, run=run, stamp=ended.stamp, whole=1)
    _make_stale(work, row.sweep)
    work.event(
        "run.imported",
        sweep=row.sweep,
        run=run,
        imported=True,
        reason=ended.reason,
        before=row.state,
        after=ended.state,
    )
    return runs.get(work.connection, run)


def _close(work: Work, run: str, ended: ImportedEnd) -> None:
    table = schema.attempts
    work.connection.execute(
        update(table)
        .where(table.c.run == run, table.c.number == 1)
        .values(
            ended=ended.ended,
            outcome=_OUTCOMES[ended.state].value,
            reason=ended.reason,
            exit_code=ended.exit_code,
            host=ended.host,
        )
    )


def _make_stale(work: Work, sweep: str | None) -> None:
    """A search that is choosing from the runs before chooses again."""
    if sweep is None:
        return
    table = schema.sweeps
    work.connection.execute(
        update(table).where(table.c.id == sweep).values(fill=table.c.fill + 1, updated=work.now)
    )
