"""Runs: made, found, read with their visible history, changed, deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, insert, select, update

from swept.errors import Conflict, NotFound
from swept.model import (
    SWEEP_KINDS,
    Attempt,
    Checkpoint,
    Config,
    Desired,
    Kind,
    Outcome,
    Run,
    RunState,
    SweepState,
)
from swept.store import flat, schema, sweeps, visible
from swept.store.base import RunFilter
from swept.store.codec import canonical
from swept.store.curves import Curve, Curves, read
from swept.store.work import Work

_FLAT_DETAILS = frozenset((flat.PROGRAM_CONFIG, *flat.DETAILS))
_UNUSABLE = (RunState.FAILED.value, RunState.KILLED.value, RunState.CRASHED.value)


def find(connection: Connection, run: str) -> Row[Any]:
    """The run's row. Raises NotFound."""
    found = connection.execute(select(schema.runs).where(schema.runs.c.id == run)).one_or_none()
    if found is None:
        raise NotFound(f"there is no run `{run}`", hint="`swept ls` lists sweeps and runs")
    return found


def get(connection: Connection, run: str, curves: Curves | None = None) -> Run:
    """The run with its visible history. Raises NotFound."""
    loaded = load(connection, schema.runs.c.id == run, curves)
    if not loaded:
        find(connection, run)
    return loaded[0]


def named(connection: Connection, project: str, name: str, curves: Curves) -> Run | None:
    table = schema.runs
    loaded = load(connection, and_(table.c.id == name, table.c.project == project), curves)
    return loaded[0] if loaded else None


def listed(connection: Connection, where: RunFilter, curves: Curves) -> list[Run]:
    table = schema.runs
    conditions: list[ColumnElement[bool]] = [table.c.ordinal > 0]
    for column, value in (
        (table.c.sweep, where.sweep),
        (table.c.project, where.project),
        (table.c.parent, where.parent),
        (table.c.retry_of, where.retry_of),
    ):
        if value is not None:
            conditions.append(column == value)
    if where.states is not None:
        conditions.append(table.c.state.in_(sorted(where.states)))
    if where.kinds is not None:
        conditions.append(table.c.kind.in_(sorted(where.kinds)))
    if where.manual_only:
        conditions.append(table.c.sweep.is_(None))
    if where.held_by is not None:
        leases = schema.leases
        held = select(leases.c.run).where(leases.c.state == "live", leases.c.agent == where.held_by)
        conditions.append(table.c.id.in_(held))
    if where.ended_last is not None:
        conditions.append(table.c.id.in_(_ended_last(conditions, where.ended_last)))
    return load(connection, and_(*conditions), curves)


def _ended_last(conditions: Sequence[ColumnElement[bool]], count: int) -> Select[Any]:
    table = schema.runs
    ended = select(table.c.id).where(table.c.ended.is_not(None), *conditions)
    return ended.order_by(table.c.ended.desc(), table.c.ordinal.desc()).limit(count)


# -- reading --------------------------------------------------------------------------------------


def load(
    connection: Connection,
    where: ColumnElement[bool],
    curves: Curves | None = None,
    *,
    bare: bool = False,
) -> list[Run]:
    """The runs of `where` in order of creation: few queries, however many runs. `curves` may know their curves; `bare`
    ones have none."""
    runs = schema.runs
    found = connection.execute(select(runs).where(where).order_by(runs.c.ordinal)).all()
    if not found:
        return []
    attempts = _grouped(connection, where, schema.attempts, schema.attempts.c.number)
    marks = _grouped(connection, where, schema.checkpoints, schema.checkpoints.c.step)
    below = {
        row.id: visible.ceilings([(one.number, one.first_step) for one in attempts.get(row.id, ())])
        for row in found
    }
    known: Mapping[str, Curve] = {}
    if curves:
        known = curves.of(connection, where, below)
    elif not bare:
        known = dict(read(connection, list(below), below))
    return [
        _run(
            row,
            attempts.get(row.id, ()),
            visible.checkpoint(map(_checkpoint, marks.get(row.id, ())), below[row.id]),
            known.get(row.id, ()),
        )
        for row in found
    ]


def _grouped(
    connection: Connection, where: ColumnElement[bool], table: Any, order: Any
) -> Mapping[str, list[Row[Any]]]:
    runs = schema.runs
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    statement = select(table).join(runs, runs.c.id == table.c.run).where(where).order_by(order)
    for row in connection.execute(statement):
        found[row.run].append(row)
    return found


def _run(row: Row[Any], attempts: Iterable[Row[Any]], mark: Checkpoint | None, curve: Curve) -> Run:
    return Run(
        id=row.id,
        project=row.project,
        sweep=row.sweep,
        number=row.number,
        name=row.name,
        kind=Kind(row.kind),
        state=RunState(row.state),
        config=row.config,
        seed=row.seed,
        parent=row.parent,
        retry_of=row.retry_of,
        why=row.why,
        ended_because=row.ended_because,
        desired=Desired(row.desired),
        desired_why=row.desired_why,
        paused_by=row.paused_by,
        spec_version=row.spec_version,
        retries=row.retries,
        created=row.created,
        pending_since=row.pending_since,
        started=row.started,
        ended=row.ended,
        attempts=tuple(_attempt(attempt) for attempt in attempts),
        checkpoint=mark,
        curve=curve,
        summary={**row.latest, **row.summary},
        details=row.details,
        overrides=row.overrides,
    )


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        number=row.number,
        agent=row.agent,
        host=row.host,
        started=row.started,
        ended=row.ended,
        outcome=Outcome(row.outcome) if row.outcome is not None else None,
        reason=row.reason,
        exit_code=row.exit_code,
        signal=row.signal,
        first_step=row.first_step or 0,
        last_sequence=row.last_sequence,
        reported=row.first_step is not None,
        effective_config=row.effective_config,
    )


def _checkpoint(row: Row[Any]) -> Checkpoint:
    return Checkpoint(row.run, row.attempt, row.step, row.place, row.host, row.time)


def ceilings(connection: Connection, run: str) -> visible.Ceilings:
    """Attempt → the step below which its reports are visible."""
    table = schema.attempts
    statement = select(table.c.number, table.c.first_step).where(table.c.run == run)
    found = connection.execute(statement.order_by(table.c.number)).all()
    return visible.ceilings([(row.number, row.first_step) for row in found])


def checkpoint(connection: Connection, run: str) -> Checkpoint | None:
    """The newest visible checkpoint."""
    table = schema.checkpoints
    found = connection.execute(select(table).where(table.c.run == run)).all()
    return visible.checkpoint(map(_checkpoint, found), ceilings(connection, run)) if found else None


# -- writing --------------------------------------------------------------------------------------


def create(
    work: Work,
    *,
    project: str,
    sweep: str | None,
    kind: Kind,
    config: Config,
    name: str = "",
    parent: str | None = None,
    seed: int | None = None,
    why: Mapping[str, Any] | None = None,
    retry_of: str | None = None,
    run_id: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> str:
    """A new pending run; its id."""
    identity = run_id or work.identities.short()
    _check_new(work.connection, identity, parent, retry_of)
    number, version = _number(work, project, sweep)
    reasons = {"reason": "", **(why or {})}
    work.connection.execute(
        insert(schema.runs),
        {
            "id": identity,
            "ordinal": work.ordinal(),
            "project": project,
            "sweep": sweep,
            "number": number,
            "name": name or f"{kind}-{number}",
            "kind": kind.value,
            "state": RunState.PENDING.value,
            "config": config,
            "config_key": canonical(config),
            "seed": seed,
            "parent": parent,
            "retry_of": retry_of,
            "why": reasons,
            "spec_version": version,
            "created": work.now,
            "pending_since": work.now,
            "latest": {},
            "summary": {},
            "details": details or {},
            "overrides": {},
        },
    )
    flat.keep_config(work, identity, config, details or {})
    told = {"imported": True} if reasons.get("imported") else {}
    work.event(
        "run.created",
        sweep=sweep,
        run=identity,
        kind=kind,
        number=number,
        reason=reasons["reason"],
        **told,
    )
    return identity


def _check_new(
    connection: Connection, identity: str, parent: str | None, retry_of: str | None
) -> None:
    known = select(schema.runs.c.id).where(schema.runs.c.id == identity)
    if connection.execute(known).first() is not None:
        raise Conflict(f"there is a run `{identity}` already", hint="ids are unique in a store")
    for other in (parent, retry_of):
        if other is not None:
            find(connection, other)


def _number(work: Work, project: str, sweep: str | None) -> tuple[int, int]:
    """The run's number within its sweep (manual runs: the project), and the spec version it starts under."""
    connection = work.connection
    if sweep is not None:
        owner = sweeps.find(connection, sweep)
        table = schema.sweeps
        connection.execute(update(table).where(table.c.id == sweep).values(runs=owner.runs + 1))
        return owner.runs + 1, owner.spec_version
    projects = schema.projects
    count = connection.execute(select(projects.c.runs).where(projects.c.name == project)).scalar()
    work.upsert(projects, [{"name": project, "runs": (count or 0) + 1}])
    return (count or 0) + 1, 1


def add(work: Work, *, reuse: bool, **new: Any) -> Run:
    """`create`, or the run of the same (kind, parent, config) that may still be used."""
    sweep: str | None = new["sweep"]
    if reuse:
        same = _same(work.connection, new)
        if same is not None:
            return get(work.connection, same)
    if sweep is not None:
        owner = sweeps.find(work.connection, sweep)
        if owner.state == SweepState.CANCELLED and new["kind"] in SWEEP_KINDS:
            raise Conflict(
                f"sweep {sweep} is cancelled: it takes no more runs", hint="`swept launch --new`"
            )
        if owner.state == SweepState.FINISHED and new["kind"] in SWEEP_KINDS:
            sweeps.become(work, owner, SweepState.RUNNING, reason="a run was added")
    return get(work.connection, create(work, **new))


def _same(connection: Connection, new: Mapping[str, Any]) -> str | None:
    table = schema.runs
    statement = (
        select(table.c.id)
        .where(
            table.c.sweep == new["sweep"] if new["sweep"] is not None else table.c.sweep.is_(None),
            table.c.project == new["project"],
            table.c.kind == new["kind"].value,
            table.c.parent == new["parent"] if new["parent"] else table.c.parent.is_(None),
            table.c.config_key == canonical(new["config"]),
            table.c.state.not_in(_UNUSABLE),
        )
        .order_by(table.c.ordinal.desc())
    )
    found: str | None = connection.execute(statement.limit(1)).scalar()
    return found


def change(
    work: Work,
    run: str,
    *,
    name: str | None,
    config: Config | None,
    summary: Mapping[str, Any] | None,
    replace_summary: bool,
    details: Mapping[str, Any] | None,
    effective: Config | None,
) -> Run:
    row = find(work.connection, run)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = name
    if config is not None:
        values["config"] = config
    if summary is not None and replace_summary:
        values["summary"] = dict(summary)
        values["latest"] = {key: row.latest[key] for key in row.latest if key in summary}
        flat.keep(work, run, "summary", summary)
    elif summary is not None:
        values["summary"] = {**row.summary, **summary}
        flat.keep(work, run, "summary", {**row.latest, **values["summary"]})
    if values:
        table = schema.runs
        work.connection.execute(update(table).where(table.c.id == run).values(**values))
    if config is not None or details:
        add_details(work, run, details or {}, anew=config is not None)
    if effective is not None:
        keep_effective(work, row, effective)
    described = (name or row.name) != row.name or (config is not None and config != row.config)
    reported = summary is not None or effective is not None
    if described or (reported and row.state != RunState.RUNNING):
        told_late(work, row)
    return get(work.connection, run)


def told_late(work: Work, run: Row[Any]) -> None:
    """The run is other than it was, and nobody would look: readers look at running runs by themselves."""
    work.event("run.changed", sweep=run.sweep, run=run.id)


def add_details(work: Work, run: str, details: Mapping[str, Any], *, anew: bool = False) -> None:
    """Over those that the run has; `anew`: the flat config is made again in any case."""
    row = find(work.connection, run)
    changed = {**row.details, **details}
    if details:
        table = schema.runs
        work.connection.execute(update(table).where(table.c.id == run).values(details=changed))
    if anew or not _FLAT_DETAILS.isdisjoint(details):
        flat.keep_config(work, run, row.config, changed)


def add_program_config(work: Work, run: str, config: Config) -> None:
    """What the program set itself, beside what it was given."""
    known = find(work.connection, run).details.get(flat.PROGRAM_CONFIG) or {}
    add_details(work, run, {flat.PROGRAM_CONFIG: {**known, **config}})


def keep_effective(work: Work, run: Row[Any], config: Config) -> None:
    """What the last attempt really runs with."""
    table = schema.attempts
    changed = work.connection.execute(
        update(table)
        .where(table.c.run == run.id, table.c.number == run.attempts)
        .values(effective_config=config)
    ).rowcount
    if changed != 1:
        raise Conflict(f"run {run.id} has not started: it has no effective config yet")


def remove(work: Work, run: str) -> None:
    """Delete an idle run and all that it reported; its events stay."""
    row = find(work.connection, run)
    if row.state == RunState.RUNNING:
        raise Conflict(f"run {run} is running", hint=f"`swept stop {run}` first")
    work.connection.execute(delete(schema.runs).where(schema.runs.c.id == run))
    work.event("run.deleted", sweep=row.sweep, run=run)
