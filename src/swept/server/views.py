"""From the model's nouns to the wire's shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from swept.analysis.best import Advice, advised, best, same_training
from swept.model import Agent, Attempt, Event, File, Goal, Kind, Row, Run, Sweep
from swept.server.wandb import defined
from swept.server.wandb.service import DEFINED
from swept.spec import Spec
from swept.store.base import Lease
from swept.store.flat import PROGRAM_CONFIG
from swept.wire.agents import Claimed
from swept.wire.runs import AlertView, AttemptView, FileView, HistoryRow, OrderView, RunView
from swept.wire.sweeps import AdviceView, SweepView


def attempt_view(attempt: Attempt) -> AttemptView:
    return {
        "number": attempt.number,
        "agent": attempt.agent,
        "host": attempt.host,
        "started": attempt.started,
        "ended": attempt.ended,
        "outcome": attempt.outcome.value if attempt.outcome else None,
        "reason": attempt.reason,
        "exit_code": attempt.exit_code,
        "signal": attempt.signal,
        "first_step": attempt.first_step,
    }


_LARGE = ("charts", "metadata")
"""Details that are given with one run, not with a thousand."""


def run_view(run: Run, goal: Goal = Goal.MINIMIZE, *, whole: bool = False) -> RunView:
    """`whole`: one run, with what a thousand of them would be too much of."""
    effective = run.effective_config
    return {
        "id": run.id,
        "number": run.number,
        "name": run.name,
        "project": run.project,
        "sweep": run.sweep,
        "kind": run.kind.value,
        "state": run.state.value,
        "config": dict(run.config),
        "effective_config": None if effective is None else dict(effective),
        "value": run.value,
        "best_value": run.best_value(goal),
        "steps": run.steps,
        "curve": [[point.step, point.value] for point in run.curve],
        "attempts": [attempt_view(attempt) for attempt in run.attempts],
        "why": str(run.why.get("reason", "")),
        "ended_because": run.ended_because,
        "desired": run.desired.value,
        "parent": run.parent,
        "retry_of": run.retry_of,
        "seed": run.seed,
        "summary": dict(run.summary),
        "created": run.created,
        "started": run.started,
        "ended": run.ended,
        "resumable": run.resumable,
        "defined": defined.metrics(run.details.get(DEFINED)),
        "details": _details(run, whole),
    }


def program_config(run: Run) -> dict[str, Any]:
    """What the program set where the run's config says nothing: defaults of `init`, `wandb.config.update`."""
    own = run.details.get(PROGRAM_CONFIG)
    return _beside(own, run.config) if isinstance(own, Mapping) else {}


def _beside(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in own.items():
        known = given.get(name)
        if name not in given:
            found[name] = value
        elif isinstance(value, Mapping) and isinstance(known, Mapping) and _beside(value, known):
            found[name] = _beside(value, known)
    return found


def _details(run: Run, whole: bool) -> dict[str, Any]:
    """Without the server's own marks."""
    return {
        key: value
        for key, value in run.details.items()
        if not key.startswith("wandb_") and (whole or key not in _LARGE)
    }


def sweep_view(
    sweep: Sweep,
    spec: Spec,
    runs: Sequence[Run],
    agents: Sequence[Agent],
    *,
    live: Callable[[Agent], bool],
    advice: Advice | None = None,
    brief: bool = False,
) -> SweepView:
    """`live`: whether an agent is at work. `brief`: without the runs, as in the list of sweeps."""
    goal, at = spec.metric.goal if spec.metric else Goal.MINIMIZE, spec.options.at
    ours = same_training(runs, spec.space.fixed)
    found = (advised(advice, ours, goal, at) if advice else None) or best(ours, goal, at)
    ordered = sorted(agents, key=lambda agent: (agent.ended is not None, -agent.last_seen))
    return {
        "schema": 1,
        "id": sweep.id,
        "name": sweep.name,
        "project": sweep.project,
        "state": sweep.state.value,
        "method": spec.method,
        "metric": {"name": spec.metric.name, "goal": goal.value} if spec.metric else None,
        "best": run_view(found.run, goal) if found else None,
        "advice": advice_view(found.advice) if found and found.advice else None,
        "runs": [] if brief else [run_view(run, goal) for run in runs],
        "spec": dict(sweep.spec),
        "text": sweep.text,
        "path": sweep.path,
        "spec_version": sweep.spec_version,
        "created": sweep.created,
        "updated": sweep.updated,
        "ended_because": sweep.ended_because,
        "agents": [{**asdict(agent), "live": live(agent)} for agent in ordered],
        "counts": dict(Counter(run.state.value for run in runs if run.kind is not Kind.PRIOR)),
    }


def advice_view(advice: Advice) -> AdviceView:
    return {
        "run": advice.run,
        "value": advice.value,
        "low": advice.low,
        "high": advice.high,
        "full": advice.full,
    }


def claimed_view(lease: Lease, sweep: Sweep | None, spec: Spec | None) -> Claimed:
    run = lease.run
    return {
        "run": run.id,
        "number": run.number,
        "name": run.name,
        "kind": run.kind.value,
        "sweep": run.sweep,
        "project": run.project,
        "attempt": lease.attempt,
        "lease": lease.token,
        "config": spec.given(run.config, run.seed) if spec else dict(run.config),
        "seed": run.seed,
        "checkpoint": asdict(run.checkpoint) if run.checkpoint else None,
        "program": spec.program if spec else None,
        "command": list(spec.command or ()) if spec else [],
        "folder": sweep.folder if sweep else "",
        "epochs": spec.epochs_of(run.config) if spec else None,
        "metric": spec.metric.name if spec and spec.metric else None,
        "why": str(run.why.get("reason", "")),
        "adapter": spec.options.adapter if spec else None,
    }


def row_view(row: Row, keys: frozenset[str]) -> HistoryRow:
    metrics = {key: value for key, value in row.metrics.items() if not keys or key in keys}
    return {"step": row.step, "attempt": row.attempt, "metrics": metrics}


def order_view(event: Event) -> OrderView:
    data = event.data
    return {
        "time": event.time,
        "order": str(data.get("desired", "continue")),
        "by": str(data.get("by", "")),
        "step": data.get("step"),
        "reason": str(data.get("reason", "")),
    }


def alert_view(event: Event) -> AlertView:
    data = event.data
    return {
        "time": event.time,
        "title": data["title"],
        "text": data["text"],
        "level": data["level"],
    }


def file_view(file: File) -> FileView:
    return {"name": file.name, "size": file.size, "digest": file.digest, "time": file.time}


def problems_view(problems: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(problem) for problem in problems]
