"""How far each run has come, and what it was worth on the way: the common view of promotions, decisions and models.

Steps count from 1, also where the program counts from 0. A value is signed, so that smaller is better, and is infinite
where the training had diverged (NaN or infinite). At a rung a run has the value of its first report at or after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swept.model import History, Kind, Point, Run, RunState
from swept.spec import Spec
from swept.stopping.comparable import comparable
from swept.stopping.ladder import ladder

Array = NDArray[np.float64]

_GOING = frozenset({RunState.PENDING, RunState.RUNNING, RunState.PAUSED})


@dataclass(frozen=True, slots=True)
class Progress:
    """One run: `steps` (k,) from 1 and signed `values` (k,) of its reports; `full` steps make a whole training."""

    run: Run
    full: int
    steps: Array
    values: Array
    lowest: bool  # the best so far is a run's value; else what it has just now counts too

    @property
    def reached(self) -> int:
        """The last reported step; 0 before the first."""
        return int(self.steps[-1]) if len(self.steps) else 0

    def at(self, rung: int) -> float | None:
        """The value at the rung; None before it."""
        place = int(np.searchsorted(self.steps, rung))
        if place >= len(self.steps):
            return None
        now = float(self.values[place])
        if not math.isfinite(now):
            return math.inf
        past = self.values[: place + 1]
        least = float(np.min(past, where=np.isfinite(past), initial=np.inf))
        # Half of each: a lucky dip is not believed, and a step up on the way is forgiven.
        return least if self.lowest else 0.5 * (least + now)

    @property
    def now(self) -> float | None:
        """The value at the last report; None before the first."""
        return self.at(self.reached) if len(self.steps) else None

    @property
    def going(self) -> bool:
        """Whether more may come."""
        return self.run.state in _GOING


def full_steps(spec: Spec) -> int | None:
    """The steps of the longest training of the sweep; None where the sweep does not say."""
    named = spec.options.epochs
    if named is None or isinstance(named, int):
        return named
    swept = [parameter for parameter in spec.space if parameter.name == named]
    if swept:
        most = swept[0].values or swept[0].range
        return int(max(most))
    return spec.epochs_of(spec.space.fixed)


def progress(spec: Spec, history: History) -> list[Progress]:
    """Every comparable run of the sweep, in order of number."""
    metric, most = spec.metric, full_steps(spec)
    if metric is None or most is None:
        return []
    lowest = spec.options.at == "best"
    return [
        _progress(run, spec.epochs_of(run.config) or most, metric.goal.sign, lowest)
        for run in comparable(spec, history)
    ]


def rungs_of(full: int, most: int) -> tuple[int, ...]:
    """The rungs of a training of `full` steps in a sweep whose longest has `most`."""
    return (*(rung for rung in ladder(most) if rung < full), full)


def _progress(run: Run, full: int, sign: float, lowest: bool) -> Progress:
    curve: Sequence[Point] = run.curve
    first = 1 if curve and curve[0].step == 0 else 0
    steps = np.array([point.step + first for point in curve], dtype=np.float64)
    return Progress(
        run,
        full,
        steps,
        sign * np.array([point.value for point in curve], dtype=np.float64),
        lowest,
    )


def steps_taken(runs: Sequence[Progress]) -> int:
    """What the search runs have cost so far, in steps."""
    return sum(each.reached for each in runs if each.run.kind is Kind.SEARCH)
