"""Runs that the real `wandb agent` cannot take up again: a new run takes their place.

Its run ids are never re-issued, so a run with an earlier attempt goes to swept's own agents only. Where none comes
within `REPLACE_AFTER`, it is closed, and a `retry_of` that never started can go to anyone. It waits longer for the
agent that wrote its checkpoint, while that is at work.
"""

from __future__ import annotations

from collections.abc import Sequence

from swept.model import SWEEP_KINDS, Desired, Outcome, Run, RunState, Sweep
from swept.server.wandb.service import Service
from swept.store.base import RunFilter
from swept.store.visible import override

REPLACE_AFTER = 300.0  # as long as a run waits for an agent that reaches its checkpoint


def due(pending: Sequence[Run], now: float) -> list[Run]:
    """Those that have waited long enough. One that said it was being pre-empted goes on under its own id."""
    return [
        run
        for run in pending
        if run.state is RunState.PENDING
        and run.attempts
        and run.attempts[-1].outcome is not Outcome.PREEMPTED
        and now - run.pending_since >= REPLACE_AFTER
    ]


def replace_due(service: Service, sweep: Sweep) -> None:
    """Replace what is due; called where a `wandb agent` asks for work."""
    states = frozenset({RunState.PENDING})
    where = RunFilter(sweep=sweep.id, states=states, kinds=SWEEP_KINDS)
    with service.notes.replacing:
        for run in due(service.store.runs(where), service.now()):
            if not service.engine.awaited(run.id):
                _replace(service, run)


def _replace(service: Service, run: Run) -> None:
    """The new run first: a server killed in between has lost nothing, and finds it again."""
    siblings = service.store.runs(RunFilter(sweep=run.sweep))
    new = next((one for one in siblings if one.retry_of == run.id), None)
    if new is None:
        waited = f"for {REPLACE_AFTER:.0f} s no agent came that could go on with it"
        new = service.store.add_run(
            project=run.project,
            sweep=run.sweep,
            kind=run.kind,
            config=override(run.config, run.overrides),
            now=service.now(),
            parent=run.parent,
            seed=run.seed,
            why={**run.why, "reason": f"in place of run {run.number}: {waited}"},
            retry_of=run.id,
        )
    service.store.set_desired(
        run.id,
        Desired.STOP,
        reason=f"run {new.number} takes its place, from the beginning",
        by="search",
        now=service.now(),
    )
