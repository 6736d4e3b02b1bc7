"""How far a sweep has come, what it has cost, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from swept.analysis.audit import saving
from swept.analysis.best import Advice, advised, best, same_training
from swept.analysis.estimate import planned_runs, remaining
from swept.analysis.noise import noise
from swept.analysis.targets import Target, targets
from swept.model import COUNTED_KINDS, Goal, Run, RunState
from swept.spec import Spec
from swept.sweepfile.options import Price


@dataclass(frozen=True, slots=True)
class Progress:
    """`ended` of `cap` runs (None: open). `eta`: seconds until all have ended, None where that is not known. Hours are
    slot-hours; `hours_saved` is None without early stopping. `energy` in kWh, `cost` in `currency`: None without a price.
    `noise`: one standard deviation of a single run's value, where repeats tell."""

    ended: int
    cap: int | None
    eta: float | None
    hours_used: float
    hours_saved: float | None
    energy: float | None
    cost: float | None
    currency: str
    noise: float | None
    targets: tuple[Target, ...]


def progress(
    spec: Spec,
    runs: Sequence[Run],
    *,
    hours: float,
    over: bool,
    slots: int,
    now: float,
    advice: Advice | None = None,
) -> Progress:
    """`hours`: how long slots have been held so far; `over`: whether the sweep has ended; `slots`: how many trainings its live agents run at a time."""
    goal = spec.metric.goal if spec.metric else Goal.MINIMIZE
    at, seed = spec.options.at, spec.options.seed
    ours = same_training(runs, spec.space.fixed)
    found = (advised(advice, ours, goal, at) if advice else None) or best(ours, goal, at)
    reached = found.value if found and found.finished else None
    luck = noise(ours, goal, at, ignore=(seed,) if seed else ())
    spared = saving(spec, runs)
    price = spec.options.price or Price()
    energy = None if price.watts is None else hours * price.watts / 1000.0
    return Progress(
        ended=sum(run.state.ended and counts(run) for run in runs),
        cap=planned_runs(spec),
        eta=eta(spec, runs, hours, over=over, slots=slots, now=now),
        hours_used=hours,
        hours_saved=spared.hours if spared else None,
        energy=energy,
        cost=_cost(price, hours, energy),
        currency=price.currency,
        noise=luck.deviation if luck is not None and not luck.identical else None,
        targets=targets(spec.options.targets, reached, goal),
    )


def eta(
    spec: Spec, runs: Sequence[Run], used: float, *, over: bool, slots: int, now: float
) -> float | None:
    """Seconds, by the runs that are planned or the hours that are left of `used`, whichever is used up first. Without an
    agent at work nothing comes nearer."""
    if over:
        return 0.0
    if slots < 1:
        return None
    full = spec.epochs_of(spec.space.config({}))
    estimate = remaining(runs, max_runs=planned_runs(spec), epochs=full, slots=slots, now=now)
    limits = [] if estimate.seconds is None else [estimate.seconds]
    if spec.options.budget_hours is not None:
        limits.append(max(spec.options.budget_hours - used, 0.0) * 3600.0 / slots)
    return min(limits, default=None)


def _cost(price: Price, hours: float, energy: float | None) -> float | None:
    parts = [] if price.per_hour is None else [price.per_hour * hours]
    if price.per_kwh is not None and energy is not None:
        parts.append(price.per_kwh * energy)
    return sum(parts) if parts else None


def counts(run: Run) -> bool:
    """Whether it is one of the runs that `cap` counts: those that were withdrawn have never been."""
    withdrawn = run.state is RunState.KILLED and not run.attempts
    return run.kind in COUNTED_KINDS and not withdrawn
