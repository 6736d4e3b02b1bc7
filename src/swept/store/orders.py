"""What people and `decide` want of a run."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, update

from swept.errors import Conflict
from swept.model import Desired, Move, Run, RunState
from swept.store import moves, runs, schema
from swept.store.work import Work

_STRENGTH = {Desired.GO: 0, Desired.PAUSE: 1, Desired.STOP: 2}


def set_desired(
    work: Work, run: str, desired: Desired, *, reason: str, by: str, step: int | None
) -> Run:
    """Act at once on an idle run; give a running one an order."""
    row = runs.find(work.connection, run)
    if row.state == RunState.RUNNING:
        _order(work, row, desired, reason, by, step)
    else:
        move = _move(row, desired, by)
        if move is not None:
            _told(work, row, desired, reason, by, step)
            moves.move(work, row, move, reason=reason, by=by)
    return runs.get(work.connection, run)


def _move(row: Row[Any], desired: Desired, by: str) -> Move | None:
    """Where an idle run goes; None: nothing changes. Raises Conflict for people."""
    state = RunState(row.state)
    if state is RunState.PAUSED and desired is Desired.STOP:
        return Move.STOP
    if state is RunState.PENDING and desired is Desired.STOP:
        return Move.KILL
    if by == "search":
        return None  # a late decision; and the search continues runs by a suggestion only
    if state is RunState.PAUSED:
        return Move.RESUME if desired is Desired.GO else None
    if state is RunState.PENDING and desired is Desired.GO:
        return None
    hint = f"`swept retry {row.id}` starts it anew" if state.ended else ""
    raise Conflict(f"run {row.id} is {state}: it cannot be asked to {desired}", hint=hint)


def _order(
    work: Work, row: Row[Any], desired: Desired, reason: str, by: str, step: int | None
) -> None:
    if by == "search" and _weaker(row, desired):
        return
    if by != "search" and row.desired_by == "cancel":
        raise Conflict(f"run {row.id} is being cancelled with its sweep")
    who = "search" if by == "search" else "person"
    if (row.desired, row.desired_why, row.desired_by) == (desired, reason, who):
        return
    table = schema.runs
    work.connection.execute(
        update(table)
        .where(table.c.id == row.id)
        .values(desired=desired.value, desired_why=reason, desired_by=who)
    )
    _told(work, row, desired, reason, by, step)


def _weaker(row: Row[Any], desired: Desired) -> bool:
    """A person's order, and a stop, are not taken back by the search."""
    given = Desired(row.desired)
    return (
        given is not Desired.GO
        and (row.desired_by in ("person", "cancel") or given is Desired.STOP)
        and _STRENGTH[desired] <= _STRENGTH[given]
    )


def _told(
    work: Work, row: Row[Any], desired: Desired, reason: str, by: str, step: int | None
) -> None:
    work.event(
        "run.decided" if by == "search" else "run.asked",
        sweep=row.sweep,
        run=row.id,
        desired=desired,
        reason=reason,
        by=by,
        step=step,
    )
