"""Hyperband's early stopping as W&B runs it (`sweeps` 0.3.0), decided from the curves alone.

A run is judged at the last rung that it has passed. Rungs count *reports* of the objective (finite ones:
NaN and infinite reports are as if never made), not steps. At a rung, the values that all runs had at that
report are sorted, and the threshold is the one at place ⌊n / η⌋, so that about the best 1/η lie at or before
it. A run that is worse than the threshold stops; equal is good enough. `strict` compares the run's value at
the rung; without it, its best value so far.

Source: Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar 2018, "Hyperband", and W&B's implementation, whose
choices (the value at the rung and not the best before it, no minimum number of runs) are kept. One thing is ours: a
run that has reported its last step is let finish.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swept.model import Decision, Desired, Goal, History, Kind, Run, RunState
from swept.spec import Spec
from swept.stopping.comparable import comparable
from swept.stopping.rungs import ETA
from swept.stopping.rungs import rungs as steps_of
from swept.stopping.track import longest
from swept.sweepfile.schema import Hyperband, Metric

MOST_RUNGS = 100
LAST_RUNG = 10**9
"""No curve has more reports: rungs beyond it cannot matter and would overflow."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run judged at `rung` (in reports, from 1): `value` against `threshold`, smaller being better."""

    rung: int
    value: float
    threshold: float
    runs: int  # how many runs had reached the rung

    @property
    def stop(self) -> bool:
        return self.value > self.threshold


def rungs(rules: Hyperband) -> list[int]:
    """The reports at which runs are judged, rising. Where `max_iter` is given, `min_iter` has no effect.

    `max_iter` with `s`: max_iter / η, max_iter / η² …, s of them, those below 1 left out. Else min_iter,
    min_iter η, min_iter η² … (cut into integers, as W&B does; at most 100, none beyond 10⁹).
    """
    if rules.max_iter is not None:
        return _backward(rules.max_iter, rules.eta, rules.s or 0)
    if rules.min_iter is not None:
        return _forward(rules.min_iter, rules.eta)
    return []


def reports(values: Iterable[float], sign: float) -> list[float]:
    """The finite values in order, signed so that smaller is better."""
    return [sign * value for value in values if math.isfinite(value)]


def thresholds(rules: Hyperband, curves: Sequence[Sequence[float]]) -> list[tuple[int, float, int]]:
    """(rung, threshold, runs that reached it) for each rung that some curve has reached."""
    longest = max((len(curve) for curve in curves), default=0)
    share = 1.0 / rules.eta
    found = []
    for rung in rungs(rules):
        if rung > longest:
            break
        values = sorted(curve[rung - 1] for curve in curves if len(curve) >= rung)
        found.append((rung, values[int(share * len(values))], len(values)))
    return found


def judge(
    rules: Hyperband, levels: Sequence[tuple[int, float, int]], curve: Sequence[float]
) -> Verdict | None:
    """The verdict on one curve at the last rung it has passed; None before the first.

    `levels` is `thresholds(...)` of all curves, this one among them.
    """
    passed = bisect_right(levels, len(curve), key=lambda level: level[0])
    if not passed:
        return None
    rung, threshold, runs = levels[passed - 1]
    value = curve[rung - 1] if rules.strict else min(curve)
    return Verdict(rung, value, threshold, runs)


def _backward(max_iter: int, eta: float, s: int) -> list[int]:
    found: list[int] = []
    rung = float(max_iter)
    for _ in range(s):
        rung /= eta
        if rung < 1:
            break
        found.append(int(rung))
    return sorted(found)


def _forward(min_iter: int, eta: float) -> list[int]:
    found: list[int] = []
    rung: float = min_iter
    for _ in range(MOST_RUNGS):
        if rung > LAST_RUNG:
            break
        found.append(int(rung))
        rung *= eta
    return found


# -- decisions ------------------------------------------------------------------------------------


def rules_of(spec: Spec) -> Hyperband | None:
    """W&B's `early_terminate`; or what `swept.early_stopping: hyperband` means; None without either."""
    options = spec.options
    if spec.early_terminate is not None or options.early_stopping != "hyperband":
        return spec.early_terminate
    eta = options.stopping_eta or ETA
    levels = steps_of(longest(spec), eta, options.stopping_min_epochs)
    return Hyperband(min_iter=levels[0], eta=eta) if levels else None


def decide(spec: Spec, history: History) -> list[Decision]:
    """A stop for each running run that is worse than the threshold of its last rung, in order of number."""
    rules, metric = rules_of(spec), spec.metric
    if rules is None or metric is None:
        return []
    runs = comparable(spec, history)
    curves = {run.id: _reports(run, metric.goal) for run in runs}
    levels = thresholds(rules, list(curves.values()))
    unit = "step" if spec.options.epochs is None else "epoch"
    decisions = []
    for run in runs:
        if not _open(run) or _complete(spec, run):
            continue
        verdict = judge(rules, levels, curves[run.id])
        if verdict is not None and verdict.stop:
            reason = _reason(run, verdict, metric, rules, unit)
            decisions.append(Decision(run.id, Desired.STOP, reason, run.steps))
    return decisions


def _open(run: Run) -> bool:
    """Whether nothing has been decided on a run that can be stopped."""
    running = run.kind is Kind.SEARCH and run.state is RunState.RUNNING
    return running and run.desired is Desired.GO


def _complete(spec: Spec, run: Run) -> bool:
    """Whether the run has reported its last step; programs count them from 0 or from 1."""
    full = spec.epochs_of(run.config)
    if full is None or not run.curve:
        return False
    return run.steps + (run.curve[0].step == 0) >= full


def _reports(run: Run, goal: Goal) -> list[float]:
    return reports((point.value for point in run.curve), goal.sign)


def _reason(run: Run, verdict: Verdict, metric: Metric, rules: Hyperband, unit: str) -> str:
    """The rung, the two figures, and how many runs were compared."""
    sign = metric.goal.sign
    steps = [point.step for point in run.curve if math.isfinite(point.value)]
    value, threshold = _apart(sign * verdict.value, sign * verdict.threshold)
    what = f"{metric.name} {value}" if rules.strict else f"the best {metric.name} so far, {value},"
    side = "above" if metric.goal is Goal.MINIMIZE else "below"
    return (
        f"{unit} {steps[verdict.rung - 1]} (report {verdict.rung}): {what} is {side} the "
        f"{threshold} of the best {_share(rules.eta)} of {verdict.runs} runs at this rung"
    )


def _apart(a: float, b: float) -> tuple[str, str]:
    """Two different figures, with as many digits as it takes to see it."""
    for digits in range(4, 17):
        if f"{a:.{digits}g}" != f"{b:.{digits}g}":
            return f"{a:.{digits}g}", f"{b:.{digits}g}"
    return repr(a), repr(b)


def _share(eta: float) -> str:
    """1/η in words."""
    words: dict[float, str] = {2: "half", 3: "third", 4: "quarter"}
    return words.get(eta, f"1/{eta:g}")
