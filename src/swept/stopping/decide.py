"""Whether runs should go on: `decide(spec, history)`, a pure function of the sweep's log.

Only running runs of kind search are decided on, each once: a run that is already asked to stop is left alone.
Every run of the sweep counts in the rungs that it passes, baseline and repeats among them; runs from before a
change of the constants do not. A run that has reported its last step is let finish: nothing is left to save, and
"stopped" would keep a whole training out of the ranking.
"""

from __future__ import annotations

import math

from swept.model import Continue, Decision, Desired, Goal, History, Kind, Run, RunState
from swept.spec import Spec
from swept.stopping.comparable import comparable
from swept.stopping.hyperband import Verdict, judge, reports, thresholds
from swept.sweepfile.schema import Hyperband, Metric


def promotions(spec: Spec, history: History) -> tuple[Continue, ...]:
    """Paused runs that the early stopping wants continued, best first. Hyperband stops and never pauses: none."""
    return ()


def decide(spec: Spec, history: History) -> list[Decision]:
    """The changes worth telling, in order of run number; without early stopping, none."""
    rules, metric = spec.early_terminate, spec.metric
    if rules is None or metric is None:
        return []
    runs = comparable(spec, history)
    curves = {run.id: _reports(run, metric.goal) for run in runs}
    levels = thresholds(rules, list(curves.values()))
    unit = "step" if spec.options.epochs is None else "epoch"
    decisions = []
    for run in runs:
        if (
            _open(run)
            and not _complete(spec, run)
            and (verdict := judge(rules, levels, curves[run.id]))
            and verdict.stop
        ):
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
