"""How an attempt's end moves its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, update

from swept.model import SWEEP_KINDS, Desired, Kind, Move, Outcome, RunState, SweepState
from swept.store import flat, moves, points, runs, schema, sweeps, visible
from swept.store.base import Ended
from swept.store.work import Work


@dataclass(frozen=True, slots=True)
class Situation:
    """What besides the outcome says where the run goes."""

    desired: Desired = Desired.GO
    cancelled: bool = False  # the order to stop was a cancel
    resumable: bool = False  # a checkpoint is recorded
    retries_left: bool = True
    requeue: bool = True  # False: manual runs, and runs of the real `wandb agent`
    manual: bool = False
    sweep: SweepState | None = None  # None: not one of a sweep's own runs


def ending(outcome: Outcome, at: Situation) -> Move:
    """The move that `outcome` means. An order to stop or pause that is already given is kept whatever ended the
    attempt, short of its own success or failure: a run that was to stop does not come back by a lost machine."""
    if outcome in (Outcome.FINISHED, Outcome.FAILED, Outcome.KILLED):
        return {
            Outcome.FINISHED: Move.FINISH,
            Outcome.FAILED: Move.FAIL,
            Outcome.KILLED: Move.KILL,
        }[outcome]
    if outcome is Outcome.STOPPED or at.desired is Desired.STOP:
        return Move.KILL if at.cancelled else Move.STOP
    return _in_an_ended_sweep(_interrupted(outcome, at), at)


def _interrupted(outcome: Outcome, at: Situation) -> Move:
    if at.resumable and (outcome is Outcome.PAUSED or at.desired is Desired.PAUSE):
        return Move.PAUSE
    if outcome in (Outcome.OOM, Outcome.LOST):
        return Move.REQUEUE if at.requeue and at.retries_left else Move.CRASH
    if at.requeue or (outcome is Outcome.PREEMPTED and not at.manual):
        return Move.RELEASE
    return Move.KILL


def _in_an_ended_sweep(move: Move, at: Situation) -> Move:
    """Nothing would ever take up a pending or paused run there."""
    if move is Move.CRASH or at.sweep is None or not at.sweep.ended:
        return move
    return Move.KILL if at.sweep is SweepState.CANCELLED or move is Move.KILL else Move.STOP


def end(
    work: Work,
    lease: Row[Any],
    outcome: Outcome,
    *,
    reason: str,
    max_retries: int,
    lease_state: str = "ended",
    exit_code: int | None = None,
    signal: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Ended:
    """End the attempt of a live lease, and move its run."""
    run = runs.find(work.connection, lease.run)
    move = ending(outcome, _situation(work, run, lease, max_retries))
    retried = move is Move.REQUEUE
    state = moves.move(
        work,
        run,
        move,
        reason=reason,
        values=_values(run, move, retried, overrides),
        attempt=lease.attempt,
        outcome=outcome,
        exit_code=exit_code,
        signal=signal,
    )
    _close_attempt(work, lease, outcome, reason, exit_code, signal)
    table = schema.leases
    work.connection.execute(
        update(table)
        .where(table.c.token == lease.token, table.c.state == "live")
        .values(state=lease_state, answer=state.value, retried=int(retried))
    )
    flat.keep(work, run.id, "summary", {**run.latest, **run.summary})
    if state in (RunState.FINISHED, RunState.STOPPED):
        objective = sweeps.metric(work.connection, run.sweep)
        points.of_summary(work, run, lease.attempt, run.summary, objective)
    return Ended(runs.get(work.connection, run.id), state, retried)


def _situation(work: Work, run: Row[Any], lease: Row[Any], max_retries: int) -> Situation:
    own = run.sweep is not None and Kind(run.kind) in SWEEP_KINDS
    sweep = SweepState(sweeps.find(work.connection, run.sweep).state) if own else None
    return Situation(
        desired=Desired(run.desired),
        cancelled=run.desired_by == "cancel",
        resumable=runs.checkpoint(work.connection, run.id) is not None,
        retries_left=run.retries < max_retries,
        requeue=bool(lease.requeue),
        manual=run.kind == Kind.MANUAL,
        sweep=sweep,
    )


def _values(
    run: Row[Any], move: Move, retried: bool, overrides: Mapping[str, Any] | None
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if retried:
        values["retries"] = run.retries + 1
    if move is Move.PAUSE:
        values["paused_by"] = "search" if run.desired_by == "search" else "person"
    if overrides:
        values["overrides"] = visible.override(run.overrides, overrides)
    return values


def _close_attempt(
    work: Work,
    lease: Row[Any],
    outcome: Outcome,
    reason: str,
    exit_code: int | None,
    signal: int | None,
) -> None:
    table = schema.attempts
    work.connection.execute(
        update(table)
        .where(table.c.run == lease.run, table.c.number == lease.attempt)
        .values(
            ended=work.now,
            outcome=outcome.value,
            reason=reason,
            exit_code=exit_code,
            signal=signal,
        )
    )


def repeated(work: Work, lease: Row[Any]) -> Ended:
    """The answer that was given to this token's `complete` before."""
    run = runs.get(work.connection, lease.run)
    return Ended(run, RunState(lease.answer), bool(lease.retried))
