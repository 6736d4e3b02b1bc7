"""How far a sweep has come, what it has cost, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from swept.analysis.audit import saving
from swept.analysis.best import Advice, advised, best, same_training
from swept.analysis.estimate import Estimate, planned_runs, remaining, steps_done
from swept.analysis.noise import Noise, noise
from swept.analysis.targets import Target, targets
from swept.model import COUNTED_KINDS, SWEEP_KINDS, Goal, Run, RunState
from swept.spec import Spec
from swept.sweepfile.options import Price


@dataclass(frozen=True, slots=True)
class Progress:
    """`ended` of `cap` runs (None: open). `eta`: seconds until all have ended, None where that is not known, with what is
    missing in `eta_why`. Hours are slot-hours; `hours_saved` is None without early stopping. `energy` in kWh, `cost` in
    `currency`: None without a price. `noise`: one standard deviation of a single run's value, where repeats tell; None
    with the reason in `noise_why`."""

    ended: int
    cap: int | None
    eta: float | None
    eta_why: str
    hours_used: float
    hours_saved: float | None
    energy: float | None
    cost: float | None
    currency: str
    noise: float | None
    noise_why: str
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
    left = time_left(spec, runs, hours, over=over, slots=slots, now=now)
    return Progress(
        ended=sum(run.state.ended and counts(run) for run in runs),
        cap=planned_runs(spec),
        eta=left.seconds,
        eta_why=left.why,
        hours_used=hours,
        hours_saved=spared.hours if spared else None,
        energy=energy,
        cost=_cost(price, hours, energy),
        currency=price.currency,
        noise=luck.deviation if luck is not None and not luck.identical else None,
        noise_why=_not_known(luck),
        targets=targets(spec.options.targets, reached, goal),
    )


def eta(
    spec: Spec, runs: Sequence[Run], used: float, *, over: bool, slots: int, now: float
) -> float | None:
    """The seconds of `time_left`."""
    return time_left(spec, runs, used, over=over, slots=slots, now=now).seconds


def time_left(
    spec: Spec, runs: Sequence[Run], used: float, *, over: bool, slots: int, now: float
) -> Estimate:
    """By the runs that are planned or the hours that are left of `used`, whichever is used up first. Without an agent at
    work nothing comes nearer."""
    if over:
        return Estimate(0.0)
    if slots < 1:
        return Estimate(None, "no agent is at work")
    full = spec.epochs_of(spec.space.config({})) or longest_finished(runs)
    found = remaining(runs, max_runs=planned_runs(spec), epochs=full, slots=slots, now=now)
    limits = [] if found.seconds is None else [found.seconds]
    if spec.options.budget_hours is not None:
        limits.append(max(spec.options.budget_hours - used, 0.0) * 3600.0 / slots)
    if limits:
        return Estimate(min(limits))
    if full is None:
        return Estimate(
            None, "no run has finished yet, and `swept.epochs` does not say how long one is"
        )
    return Estimate(None, found.why.removeprefix("no estimate: ").removeprefix("estimating: "))


def longest_finished(runs: Sequence[Run]) -> int | None:
    """The steps of a full run by what runs did, for a file that does not say them: those that went to their end tell. Runs
    that were stopped do not."""
    ended = (run for run in runs if run.kind in SWEEP_KINDS and run.state is RunState.FINISHED)
    return max(filter(None, map(steps_done, ended)), default=None)


def _not_known(luck: Noise | None) -> str:
    """Trainings after the search, as `swept train` makes them, tell of this where they repeat a run at its length."""
    if luck is None:
        return "no configuration was run twice to its end, at one length"
    if luck.identical:
        return "repeats agree to the last digit, as if their seed did not reach the program"
    return ""


def _cost(price: Price, hours: float, energy: float | None) -> float | None:
    parts = [] if price.per_hour is None else [price.per_hour * hours]
    if price.per_kwh is not None and energy is not None:
        parts.append(price.per_kwh * energy)
    return sum(parts) if parts else None


def counts(run: Run) -> bool:
    """Whether it is one of the runs that `cap` counts: those that were withdrawn have never been."""
    withdrawn = run.state is RunState.KILLED and not run.attempts
    return run.kind in COUNTED_KINDS and not withdrawn
