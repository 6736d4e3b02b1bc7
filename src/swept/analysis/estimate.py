"""When the sweep will be over, from how long its steps have taken so far.

Steps are the unit: a run that is stopped early costs its steps only, so the mean length of the runs that have ended
already says what early stopping saves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from swept.model import Attempt, Kind, Run, RunState
from swept.spec import Spec
from swept.stopping.comparable import withdrawn

_UNDER_WAY = (RunState.PENDING, RunState.RUNNING, RunState.PAUSED)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`seconds` until all planned runs have ended; None with the reason in `why`."""

    seconds: float | None
    why: str = ""


def planned_runs(spec: Spec) -> int | None:
    """How many runs there will be: the limit, or the grid (with its baseline) where that is smaller."""
    grid = spec.grid_size if spec.method == "grid" else None
    if grid is not None and spec.options.baseline is not None:
        grid += 1
    known = [count for count in (spec.max_runs, grid) if count is not None]
    return min(known, default=None)


def steps_done(run: Run) -> int:
    """How many steps a run has behind it: programs count them from 0 (the SDK does) or from 1."""
    return run.steps + 1 if run.curve and run.curve[0].step == 0 else run.steps


def seconds_per_step(runs: Iterable[Run], now: float) -> float | None:
    """The median over runs of wall seconds a step, first step (with its start-up) included; None before any step."""
    paces = []
    for run in runs:
        for attempt in run.attempts[-1:]:
            begun = (
                attempt.first_step
                if run.curve and run.curve[0].step == 0
                else attempt.first_step - 1
            )
            done = steps_done(run) - max(begun, 0)
            if done > 0:
                paces.append(_elapsed(run, attempt, now) / done)
    return median(paces) if paces else None


def remaining(
    runs: Sequence[Run], *, max_runs: int | None, epochs: int | None, slots: int, now: float
) -> Estimate:
    """How long these runs, and those to come, will take yet with `slots` of them at a time.

    `max_runs`: how many are planned (None: without end); `epochs`: steps of a full run (None: not known).
    """
    if epochs is None:
        return Estimate(None, "no estimate: the steps of a full run are not known (`swept.epochs`)")
    if max_runs is None:
        return Estimate(
            None, "no estimate: the number of runs is open (`run_cap` or `swept.budget`)"
        )
    pace = seconds_per_step(runs, now)
    if pace is None:
        return Estimate(None, "estimating: no step has been reported yet")
    typical = _typical_length(runs, epochs)
    under_way = [
        max(_expected(run, typical, epochs) - steps_done(run), 0.0)
        for run in runs
        if run.state in _UNDER_WAY
    ]
    to_come = max(max_runs - sum(_counts(run) for run in runs), 0)
    steps = sum(under_way) + to_come * typical
    longest = max(under_way, default=0.0)
    return Estimate(pace * max(steps / max(slots, 1), longest))


def _typical_length(runs: Iterable[Run], epochs: int) -> float:
    """Steps that a search run costs: the full length until three have ended, then the mean of those that have."""
    ended = [steps_done(run) for run in runs if run.state in (RunState.FINISHED, RunState.STOPPED)]
    return mean(ended) if len(ended) >= 3 else float(epochs)


def _expected(run: Run, typical: float, epochs: int) -> float:
    """A run past the typical length was spared by early stopping: it will probably go to the end."""
    return typical if steps_done(run) < typical else float(epochs)


def _counts(run: Run) -> bool:
    """Confirmation runs come on top of what is planned; withdrawn ones have never been."""
    return run.kind not in (Kind.CONFIRM, Kind.PRIOR) and not withdrawn(run)


def _elapsed(run: Run, attempt: Attempt, now: float) -> float:
    ended = attempt.ended if attempt.ended is not None else run.ended
    return max((now if ended is None else ended) - attempt.started, 0.0)
