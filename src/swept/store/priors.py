"""Earlier trainings that join a sweep as knowledge: copies, so that the originals may be deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, update

from swept.errors import Conflict
from swept.model import Kind, Outcome, Run, RunState, SweepState
from swept.store import flat, history, points, runs, schema, sweeps, visible
from swept.store.work import Work

_OUTCOMES: Mapping[RunState, Outcome] = {
    RunState.FINISHED: Outcome.FINISHED,
    RunState.FAILED: Outcome.FAILED,
    RunState.STOPPED: Outcome.STOPPED,
    RunState.KILLED: Outcome.KILLED,
    RunState.CRASHED: Outcome.LOST,
}


def add(work: Work, sweep: str, names: Sequence[str]) -> list[Run]:
    """The sweep's copies of `names`, made where it has none yet. Raises NotFound and Conflict."""
    owner = sweeps.find(work.connection, sweep)
    if owner.state == SweepState.CANCELLED:
        raise Conflict(f"sweep {sweep} is cancelled: it takes no prior runs")
    originals = [runs.get(work.connection, name) for name in dict.fromkeys(names)]
    for original in originals:
        _check_ended(original)
    known = {run.parent: run.id for run in _priors(work, sweep)}
    fresh = [run for run in originals if run.sweep != sweep and run.id not in known]
    known |= {run.id: _copy(work, owner, run) for run in fresh}
    if fresh:
        table = schema.sweeps
        stale = {"fill": owner.fill + 1, "updated": work.now}
        work.connection.execute(update(table).where(table.c.id == sweep).values(**stale))
    return [runs.get(work.connection, known[run.id]) for run in originals if run.id in known]


def _check_ended(run: Run) -> None:
    if not run.state.ended:
        raise Conflict(
            f"run {run.id} is {run.state}: a search learns from runs that are over",
            hint="name it once it has ended",
        )


def _priors(work: Work, sweep: str) -> list[Run]:
    table = schema.runs
    return runs.load(work.connection, (table.c.sweep == sweep) & (table.c.kind == Kind.PRIOR.value))


def _copy(work: Work, owner: Row[Any], original: Run) -> str:
    """A run that has ended already, with one attempt that holds what the original's have to show."""
    identity = runs.create(
        work,
        project=owner.project,
        sweep=owner.id,
        kind=Kind.PRIOR,
        config=visible.override(original.config, original.overrides),
        parent=original.id,
        seed=original.seed,
        why={"reason": f"run {original.id} ({original.name}), for the search to learn from"},
        details={"prior": original.id, "source": original.sweep or ""},
    )
    source = runs.find(work.connection, original.id)
    started, ended = original.started or original.created, source.ended
    values = {
        "state": original.state.value,
        "attempts": 1,
        "started": started,
        "ended": ended,
        "ended_because": original.ended_because,
        "last_step": source.last_step,
        "latest": source.latest,
        "summary": source.summary,
    }
    table = schema.runs
    work.connection.execute(update(table).where(table.c.id == identity).values(**values))
    _attempt(work, identity, original, started, ended)
    flat.keep(work, identity, "summary", original.summary)
    flat.add_names(work, identity, source.latest)
    _rows(work, identity, owner.id, original)
    return identity


def _attempt(work: Work, run: str, original: Run, started: float, ended: float) -> None:
    last = original.attempts[-1] if original.attempts else None
    attempt = {
        "run": run,
        "number": 1,
        "agent": "",
        "host": last.host if last else "",
        "started": started,
        "ended": ended,
        "outcome": ((last and last.outcome) or _OUTCOMES[original.state]).value,
        "reason": last.reason if last else original.ended_because,
        "first_step": 0,
        "effective_config": original.effective_config,
    }
    work.connection.execute(insert(schema.attempts), attempt)


def _rows(work: Work, run: str, sweep: str, original: Run) -> None:
    """The visible rows; all of them, as an edited sweep may ask for another objective."""
    rows = {row.step: row for row in history.rows(work.connection, original.id)}
    metrics: dict[int, Mapping[str, Any]] = {step: row.metrics for step, row in rows.items()}
    objective = sweeps.metric(work.connection, sweep)
    if objective and not any(
        visible.lookup(row, objective) is not None for row in metrics.values()
    ):
        value = visible.summarized(original.summary, objective)
        step = max(metrics, default=0)
        metrics |= {} if value is None else {step: {**metrics.get(step, {}), objective: value}}
    kept = [
        {
            "run": run,
            "attempt": 1,
            "step": step,
            "metrics": row,
            "time": rows[step].time if step in rows else original.ended,
        }
        for step, row in metrics.items()
    ]
    work.upsert(schema.rows, kept)
    if objective:
        points.keep(work, run, sweep, 1, metrics, objective)
