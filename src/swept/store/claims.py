"""How an agent gets a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, case, func, insert, select, update

from swept.errors import Conflict, UsageError
from swept.model import SWEEP_KINDS, Desired, Kind, Move, Outcome, RunState, SweepState
from swept.store import leases, moves, runs, schema, sweeps, visible
from swept.store.base import Lease
from swept.store.work import Work

WRITER_WAIT = 1800.0  # an agent may be at work and never claim this run: busy for long, or with other runs only


@dataclass(frozen=True, slots=True)
class Asking:
    """Who claims, and what it may get."""

    agent: str
    host: str
    request: str
    seconds: float
    sweep: str | None = None
    run: str | None = None
    kinds: frozenset[Kind] | None = None
    reachable: frozenset[str] = frozenset()
    checkpoint_wait: float = 300.0
    leaving: frozenset[str] = frozenset()


def claim(work: Work, asking: Asking) -> Lease | None:
    """The lease of this request while it lives; else a pending run, now running; else None."""
    repeated = _repeated(work, asking)
    if repeated is not None:
        return repeated
    if asking.sweep is None and asking.run is None:
        raise UsageError("a claim names a sweep, a run, or both")
    wandb = _is_wandb(work.connection, asking.agent)
    for run in _candidates(work.connection, asking):
        if wandb and not _fit_for_wandb(work.connection, run):
            continue
        reach = _reach(work, run, asking)
        if reach is not None:
            return _take(work, run, asking, from_zero=reach == "zero", requeue=not wandb)
    return None


def _repeated(work: Work, asking: Asking) -> Lease | None:
    table = schema.leases
    statement = select(table).where(table.c.request == asking.request)
    known = work.connection.execute(statement).one_or_none()
    if known is None:
        return None
    if known.state == "live" and known.agent != asking.agent:
        raise Conflict(
            "another agent has claimed with this request's id",
            hint="a request's id is random: `uuid.uuid4().hex`",
        )
    if known.state == "live":
        leases.renew(work, known.token, asking.seconds)
        return lease(work.connection, known.token)
    leases.change(work, known.token, request=None)  # it is over: the request claims anew
    return None


def _candidates(connection: Connection, asking: Asking) -> list[Row[Any]]:
    """Pending runs that may be given: baseline first, then those with earlier attempts, then by number.

    Of the runs never tried the first is enough: nothing speaks against it.
    """
    kinds = _kinds(connection, asking)
    table = schema.runs
    baseline = case((table.c.kind == Kind.BASELINE.value, 0), else_=1)
    statement = select(table).where(table.c.state == RunState.PENDING.value)
    if kinds is not None:
        statement = statement.where(table.c.kind.in_(sorted(kinds)))
    if asking.sweep is not None:
        statement = statement.where(table.c.sweep == asking.sweep)
    if asking.run is not None:
        statement = statement.where(table.c.id == asking.run)
    statement = statement.order_by(baseline, table.c.number)
    found = list(connection.execute(statement.where(table.c.attempts > 0)))
    found += connection.execute(statement.where(table.c.attempts == 0).limit(1))
    return sorted(found, key=lambda row: (row.kind != Kind.BASELINE, row.attempts == 0, row.number))


def _kinds(connection: Connection, asking: Asking) -> frozenset[Kind] | None:
    """Which kinds may be given; None: any. A sweep that is paused or ended gives none of its own."""
    sweep = asking.sweep
    if asking.run is not None:
        named = runs.find(connection, asking.run)
        sweep = named.sweep
    kinds = asking.kinds
    if kinds is None and asking.run is None:
        kinds = SWEEP_KINDS
    if sweep is None:
        return kinds
    state = SweepState(sweeps.find(connection, sweep).state)
    if state in (SweepState.PENDING, SweepState.RUNNING):
        return kinds
    return (frozenset(Kind) if kinds is None else kinds) - SWEEP_KINDS


def _is_wandb(connection: Connection, agent: str) -> bool:
    table = schema.agents
    kind = connection.execute(select(table.c.kind).where(table.c.id == agent)).scalar()
    return kind is not None and kind.startswith("wandb")


def _fit_for_wandb(connection: Connection, run: Row[Any]) -> bool:
    """The real `wandb agent` never gets a run id twice, except after mark_preempting."""
    if run.attempts == 0:
        return True
    table = schema.attempts
    statement = select(table.c.outcome).where(table.c.run == run.id, table.c.number == run.attempts)
    return connection.execute(statement).scalar() == Outcome.PREEMPTED


def _reach(work: Work, run: Row[Any], asking: Asking) -> str | None:
    """ "start", "checkpoint" or "zero" (its checkpoint is out of reach, and was for long enough); None: not yet, or
    the agent that wrote it is at work, and will come for it."""
    mark = runs.checkpoint(work.connection, run.id) if run.attempts else None
    if mark is None:
        return "start"
    if mark.host in asking.reachable:
        return "checkpoint"
    late = work.now >= run.pending_since + asking.checkpoint_wait
    if not late:
        return None
    gone = asking.leaving | {asking.agent}
    kept = _writer_comes(work.connection, run, mark.attempt, work.now, asking.seconds, gone)
    return None if kept else "zero"


def awaited(
    connection: Connection, run: str, now: float, seconds: float, leaving: frozenset[str]
) -> bool:
    """Whether the run waits for the agent that wrote its newest checkpoint. Raises NotFound."""
    row = runs.find(connection, run)
    mark = runs.checkpoint(connection, run)
    if mark is None or row.state != RunState.PENDING:
        return False
    return _writer_comes(connection, row, mark.attempt, now, seconds, leaving)


def _writer_comes(
    connection: Connection,
    run: Row[Any],
    attempt: int,
    now: float,
    seconds: float,
    gone: frozenset[str],
) -> bool:
    """Whether the agent that made the attempt may come: one of swept's own, heard of within a lease, not `gone`."""
    if now >= run.pending_since + WRITER_WAIT:
        return False
    agents, attempts = schema.agents, schema.attempts
    statement = (
        select(agents.c.id)
        .join(attempts, attempts.c.agent == agents.c.id)
        .where(attempts.c.run == run.id, attempts.c.number == attempt)
        .where(agents.c.ended.is_(None), agents.c.last_seen > now - seconds)
        .where(~agents.c.kind.startswith("wandb"))  # it takes up no run again
    )
    writer = connection.execute(statement).scalar()
    return writer is not None and writer not in gone


def _take(work: Work, run: Row[Any], asking: Asking, *, from_zero: bool, requeue: bool) -> Lease:
    taken = begin(
        work,
        run,
        Move.CLAIM,
        agent=asking.agent,
        host=asking.host,
        seconds=asking.seconds,
        requeue=requeue and run.kind != Kind.MANUAL,
        request=asking.request,
        from_zero=from_zero,
    )
    if from_zero:
        work.event(
            "run.from_zero",
            sweep=run.sweep,
            run=run.id,
            reason=f"no agent that reaches its checkpoint came within {asking.checkpoint_wait:.0f} s",
        )
    if run.sweep is not None and Kind(run.kind) in SWEEP_KINDS:
        owner = sweeps.find(work.connection, run.sweep)
        if owner.state == SweepState.PENDING:
            sweeps.become(
                work, owner, SweepState.RUNNING, reason="its first run was claimed", stale=False
            )
    return lease(work.connection, taken.token)


def begin(
    work: Work,
    run: Row[Any],
    move: Move,
    *,
    agent: str,
    host: str,
    seconds: float,
    requeue: bool,
    request: str | None = None,
    from_zero: bool = False,
) -> Row[Any]:
    """The run's next attempt, under a lease of its own."""
    number = run.attempts + 1
    values = {"attempts": number, "started": func.coalesce(schema.runs.c.started, work.now)}
    if move is Move.REOPEN:  # what was ordered was for the time before
        values |= {"desired": Desired.GO.value, "desired_why": "", "desired_by": ""}
    moves.move(
        work,
        run,
        move,
        reason=run.why.get("reason", ""),
        values=values,
        attempt=number,
        agent=agent,
        host=host,
    )
    add_attempt(work, run.id, number, agent, host)
    return leases.issue(
        work,
        run.id,
        number,
        agent=agent,
        seconds=seconds,
        requeue=requeue,
        request=request,
        from_zero=from_zero,
    )


def add_attempt(
    work: Work, run: str, number: int, agent: str, host: str, first_step: int | None = None
) -> None:
    work.connection.execute(
        insert(schema.attempts),
        {
            "run": run,
            "number": number,
            "agent": agent,
            "host": host,
            "started": work.now,
            "first_step": first_step,
        },
    )


def lease(connection: Connection, token: str) -> Lease:
    """The lease as its holder gets it: the config with overrides, no checkpoint that is out of reach."""
    row = leases.of_token(connection, token)
    assert row is not None
    run = runs.get(connection, row.run)
    run = replace(
        run,
        config=visible.override(run.config, run.overrides),
        checkpoint=None if row.from_zero else run.checkpoint,
    )
    return Lease(run, row.attempt, token, row.expires)


def newest(connection: Connection, run: str) -> Lease | None:
    """The run's newest lease, also one that is over; None: never claimed. Raises NotFound."""
    runs.find(connection, run)
    table = schema.leases
    statement = select(table.c.token).where(table.c.run == run)
    token = connection.execute(statement.order_by(table.c.attempt.desc()).limit(1)).scalar()
    return None if token is None else lease(connection, token)


# -- without a claim ------------------------------------------------------------------------------


def open_attempt(
    work: Work, run: str, *, agent: str, host: str, seconds: float, resumable: bool
) -> Lease:
    """Take a named run. `resumable`: the attempt goes on after the last visible step."""
    row = runs.find(work.connection, run)
    first_step = row.last_step + 1 if resumable and row.last_step is not None else None
    if row.state == RunState.RUNNING:
        held = leases.of_run(work.connection, run)
        if held is None or held.agent != agent:
            raise Conflict(f"run {run} is running under another agent")
        _next_attempt(work, row, held, host)
        leases.renew(work, held.token, seconds)
        token = held.token
    else:
        move = _opening(row)
        wandb = _is_wandb(work.connection, agent)
        requeue = not wandb and row.kind != Kind.MANUAL
        token = begin(
            work, row, move, agent=agent, host=host, seconds=seconds, requeue=requeue
        ).token
    if first_step is not None:
        table = schema.attempts
        work.connection.execute(
            update(table)
            .where(table.c.run == run, table.c.number == row.attempts + 1)
            .values(first_step=first_step)
        )
    return lease(work.connection, token)


def _opening(run: Row[Any]) -> Move:
    """Only a manual run is opened again after its end: no search has taken its value for final."""
    if run.kind == Kind.PRIOR:
        raise Conflict(f"run {run.id} is a copy of an earlier training: it is never started")
    if run.state == RunState.CRASHED:
        return Move.REVIVE
    again = run.kind == Kind.MANUAL and RunState(run.state).ended
    return Move.REOPEN if again else Move.CLAIM


def _next_attempt(work: Work, run: Row[Any], held: Row[Any], host: str) -> None:
    """Another attempt row under the same lease: the program began again (a second `wandb.init`)."""
    table = schema.attempts
    work.connection.execute(
        update(table)
        .where(table.c.run == run.id, table.c.number == run.attempts)
        .values(
            ended=work.now,
            outcome=Outcome.FINISHED.value,
            reason="the program began another attempt",
        )
    )
    number = run.attempts + 1
    add_attempt(work, run.id, number, held.agent, host)
    work.connection.execute(
        update(schema.runs).where(schema.runs.c.id == run.id).values(attempts=number)
    )
    leases.change(work, held.token, attempt=number)
    work.event("run.attempt", sweep=run.sweep, run=run.id, attempt=number)
