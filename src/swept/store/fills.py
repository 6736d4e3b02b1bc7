"""What the search sees of a sweep, and how its suggestions enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, update

from swept.errors import Conflict
from swept.model import (
    SEEN_KINDS,
    Continue,
    History,
    Move,
    Run,
    RunState,
    Start,
    SweepState,
)
from swept.store import moves, runs, schema, sweeps
from swept.store.curves import Curves
from swept.store.work import Work


def history(connection: Connection, sweep: str, curves: Curves) -> History:
    """One snapshot of the sweep's own runs and priors, and the fill token. Raises NotFound."""
    owner = sweeps.find(connection, sweep)
    table = schema.runs
    own = and_(table.c.sweep == sweep, table.c.kind.in_(sorted(SEEN_KINDS)))
    return History(tuple(runs.load(connection, own, curves)), owner.fill, owner.spec_version)


def add(
    work: Work, sweep: str, token: int, suggestions: Sequence[Start | Continue]
) -> list[Run] | None:
    """Apply suggestions made from the snapshot with `token`; None: stale, nothing is changed."""
    owner = sweeps.find(work.connection, sweep)
    if owner.fill != token:
        return None
    if SweepState(owner.state).ended:
        raise Conflict(f"sweep {sweep} is {owner.state}: it takes no suggestions")
    if not suggestions:
        return []
    table = schema.sweeps
    work.connection.execute(update(table).where(table.c.id == sweep).values(fill=owner.fill + 1))
    applied = (_apply(work, owner, suggestion) for suggestion in suggestions)
    return [runs.get(work.connection, run) for run in applied if run is not None]


def _apply(work: Work, owner: Row[Any], suggestion: Start | Continue) -> str | None:
    if isinstance(suggestion, Start):
        return runs.create(
            work,
            project=owner.project,
            sweep=owner.id,
            kind=suggestion.kind,
            config=suggestion.config,
            parent=suggestion.parent,
            seed=suggestion.seed,
            why=suggestion.why,
        )
    run = runs.find(work.connection, suggestion.run)
    if run.sweep != owner.id or run.state != RunState.PAUSED or run.paused_by != "search":
        return None  # someone stopped or took it since the snapshot
    reason = str(suggestion.why.get("reason", ""))
    moves.move(work, run, Move.RESUME, reason=reason, by="search", why=dict(suggestion.why))
    return suggestion.run
