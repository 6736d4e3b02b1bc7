"""Whether a sweep may start more runs: its budget, its target, and what an end means while runs are under way."""

from __future__ import annotations

from swept.model import SWEEP_KINDS, Done, History, RunState, Wait
from swept.search.numbering import suggested
from swept.spec import Spec


def room(spec: Spec, history: History, n: int) -> int:
    """How many of n new runs the budget still allows."""
    left = n if spec.max_runs is None else spec.max_runs - history.counted()
    return max(min(n, left), 0)


def budget_used(spec: Spec, history: History, now: float | None) -> str:
    """Why no new run may start, or ""."""
    return runs_used(spec, history) or hours_used(spec, history, now)


def runs_used(spec: Spec, history: History) -> str:
    """Why no new run may start, or "". Runs are counted, not how often they are continued."""
    if spec.max_runs is not None and history.counted() >= spec.max_runs:
        return f"the budget of {spec.max_runs} runs is used up"
    return ""


def hours_used(spec: Spec, history: History, now: float | None) -> str:
    """Why nothing may start or be continued, or ""."""
    hours = spec.options.budget_hours
    used = slot_hours(history, now)
    if hours is not None and used >= hours:
        return f"the budget of {hours:g} slot-hours is used up ({used:.1f} so far)"
    return ""


def slot_hours(history: History, now: float | None = None) -> float:
    """The hours that attempts have held a slot; running ones up to `now`, without it not at all."""
    seconds = 0.0
    for run in history.runs:
        for attempt in run.attempts if run.kind in SWEEP_KINDS else ():
            end = attempt.ended if attempt.ended is not None else now
            seconds += max((end or attempt.started) - attempt.started, 0.0)
    return seconds / 3600.0


def target_reached(spec: Spec, history: History) -> str:
    """Which run has reached `metric.target`, or "". W&B: "the sweep will finish once any run reaches" it."""
    if spec.metric is None or spec.metric.target is None:
        return ""
    goal, target = spec.metric.goal, spec.metric.target
    for run in suggested(spec, history):
        best = run.best_value(goal)
        if best is not None and not goal.better(target, best):
            return f"run {run.number} reached the target: {spec.metric.name} {best:.4g}"
    return ""


def close(history: History, why: str) -> Wait | Done:
    """Done, or Wait while something is under way that could still change the answer.

    A run that a person paused is waited for, because ending the sweep would end it for good; one that the search
    paused, and does not want continued, is not.
    """
    runs = [run for run in history.runs if run.kind in SWEEP_KINDS]
    under_way = sum(run.state in (RunState.PENDING, RunState.RUNNING) for run in runs)
    paused = sum(run.state is RunState.PAUSED and run.paused_by != "search" for run in runs)
    if not under_way and not paused:
        return Done(why)
    parts = [f"{under_way} under way"] * bool(under_way) + [
        f"{paused} paused by a person (resume or stop it)"
    ] * bool(paused)
    return Wait(f"{why}; {' and '.join(parts)}")
