"""How a run changes its state: by `TRANSITIONS`, guarded, with its event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, update

from swept.errors import Conflict
from swept.model import TRANSITIONS, Desired, Move, RunState
from swept.store import schema
from swept.store.work import Work

EVENTS: Mapping[Move, str] = {
    Move.CLAIM: "run.claimed",
    Move.FINISH: "run.finished",
    Move.FAIL: "run.failed",
    Move.STOP: "run.stopped",
    Move.KILL: "run.killed",
    Move.PAUSE: "run.paused",
    Move.RESUME: "run.resumed",
    Move.RELEASE: "run.released",
    Move.REQUEUE: "run.requeued",
    Move.CRASH: "run.crashed",
    Move.REVIVE: "run.revived",
    Move.REOPEN: "run.reopened",
}


def allowed(move: Move, state: str) -> bool:
    return RunState(state) in TRANSITIONS[move]


def move(
    work: Work,
    run: Row[Any],
    move: Move,
    *,
    reason: str,
    values: Mapping[str, Any] | None = None,
    **data: Any,
) -> RunState:
    """Take `run` (a row read in this transaction) where `move` leads; Conflict where it leads nowhere."""
    before = RunState(run.state)
    target = TRANSITIONS[move].get(before)
    if target is None:
        raise Conflict(f"run {run.id} is {before}: it cannot {move}")
    table = schema.runs
    changed = work.connection.execute(
        update(table)
        .where(table.c.id == run.id, table.c.state == before.value)
        .values(state=target.value, **_entering(target, work.now, reason), **(values or {}))
    ).rowcount
    if changed != 1:
        raise Conflict(f"run {run.id} is no longer {before}")
    work.event(
        EVENTS[move],
        sweep=run.sweep,
        run=run.id,
        reason=reason,
        before=before,
        after=target,
        **data,
    )
    return target


def _entering(state: RunState, now: float, reason: str) -> dict[str, Any]:
    """What goes with a state, apart from what the verb itself sets."""
    if state is RunState.PENDING:
        order = {"desired": Desired.GO.value, "desired_why": "", "desired_by": ""}
        return {"pending_since": now, "paused_by": "", **order}
    if state is RunState.RUNNING:
        return {"ended": None, "ended_because": ""}
    if state is RunState.PAUSED:
        return {}
    return {"ended": now, "ended_because": reason, "paused_by": ""}
