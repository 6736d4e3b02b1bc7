"""Which run is best, and how runs rank: finished search runs, by their value at the end.

A run that was stopped early was compared with others at an early step only; it cannot win unless nothing
finished. A run that failed or crashed never does. Nor does one from before a change of the sweep's fixed values:
50 epochs say nothing about 100. Ties go to the lower run number, so that the answer never depends on the order of arrival.

Under `early_stopping: auto` runs were trained to different lengths, and the model of their curves advises instead
(`swept.analysis.recommend`): its `Advice` names the run, whatever was seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swept.analysis.configuration import value_in
from swept.analysis.estimate import steps_done
from swept.analysis.figures import figure
from swept.model import SWEEP_KINDS, Goal, Kind, Run, RunState
from swept.space import same

_HOPEFUL = (RunState.STOPPED, RunState.PAUSED, RunState.RUNNING, RunState.PENDING)
"""States other than finished in which a value so far is worth something."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The id of the run that the model of learning curves names as best, and what another training of it is expected to
    end at: `value`, within `low` to `high` (one standard deviation), in the metric's unit, after `full` steps."""

    run: str
    value: float
    low: float
    high: float
    full: int


@dataclass(frozen=True, slots=True)
class Best:
    """The best run; `finished` is False where only a part of a run was trained: nothing has finished, or the model of
    learning curves names it all the same, by its `advice`."""

    run: Run
    value: float
    step: int
    finished: bool
    advice: Advice | None = None

    @property
    def expected(self) -> str:
        """What to expect of another training of it; "" where no model says so."""
        advice = self.advice
        if advice is None:
            return ""
        band = f"{(advice.high - advice.low) / 2:.2g}"
        return (
            f"seen {figure(self.value)}; another training of it is expected to end at "
            f"{figure(advice.value)} ± {band}"
        )

    @property
    def note(self) -> str:
        """What stands against taking its value for that of a whole training."""
        if self.finished:
            return ""
        if self.advice is not None:
            return (
                f"run {self.run.number} went to step {steps_done(self.run)} of {self.advice.full}: "
                "no training of it is whole"
            )
        return (
            f"no search run has finished: run {self.run.number} ({self.run.state}) is the best by its "
            f"value at step {self.step} so far"
        )


def value_of(run: Run, goal: Goal, at: str = "last") -> float | None:
    """The run's value: at its last visible step, or (`at="best"`) the best along the curve."""
    return run.best_value(goal) if at == "best" else run.value


def value_at(run: Run, step: int) -> float | None:
    """The objective at the last report at or before `step`; None without one or where it is not finite."""
    seen = [point.value for point in run.curve if point.step <= step]
    return seen[-1] if seen and math.isfinite(seen[-1]) else None


def same_training(runs: Iterable[Run], fixed: Mapping[str, Any]) -> list[Run]:
    """Without the sweep's own runs that were given other fixed values, those of an earlier version of its file."""
    return [
        run
        for run in runs
        if run.kind not in SWEEP_KINDS
        or all(same(value_in(run.config, name), value) for name, value in fixed.items())
    ]


def ranked(runs: Iterable[Run], goal: Goal, at: str = "last") -> list[Run]:
    """The finished search runs that have a value, best first."""
    return _by_value(
        (run for run in runs if run.kind is Kind.SEARCH and run.state is RunState.FINISHED),
        goal,
        at,
    )


def best(runs: Sequence[Run], goal: Goal, at: str = "last") -> Best | None:
    """The best search run, None while none has a value."""
    finished = ranked(runs, goal, at)
    partial = _by_value(
        (run for run in runs if run.kind is Kind.SEARCH and run.state in _HOPEFUL),
        goal,
        at,
    )
    for found, complete in ((finished, True), (partial, False)):
        if found:
            value = value_of(found[0], goal, at)
            assert value is not None
            return Best(found[0], value, found[0].steps, complete)
    return None


def advised(advice: Advice, runs: Iterable[Run], goal: Goal, at: str = "last") -> Best | None:
    """The run of the advice as it is now; None where it is not among `runs`, or has no value."""
    run = next((run for run in runs if run.id == advice.run), None)
    value = value_of(run, goal, at) if run else None
    if run is None or value is None:
        return None
    return Best(run, value, run.steps, run.state is RunState.FINISHED, advice)


def baseline(runs: Iterable[Run]) -> Run | None:
    """The newest baseline run that got anywhere, else the newest at all."""
    found = [run for run in runs if run.kind is Kind.BASELINE]
    with_value = [run for run in found if run.value is not None]
    finished = [run for run in with_value if run.state is RunState.FINISHED]
    return next(reversed(finished or with_value or found), None)


def _by_value(runs: Iterable[Run], goal: Goal, at: str) -> list[Run]:
    valued = [(value_of(run, goal, at), run) for run in runs]
    known = [(goal.sign * value, run.number, run) for value, run in valued if value is not None]
    return [run for *_, run in sorted(known, key=lambda item: item[:2])]
