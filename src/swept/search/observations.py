"""What the runs of a sweep tell a model: where they lie, and which value they have there.

| run | enters as |
|---|---|
| finished | its value: the objective at its last visible step |
| stopped, paused | the value at the step it reached |
| pending, running, paused before the first report | under way: a place that is taken, without a value |
| failed, out of memory, last value NaN or infinite, finished without a value | barren: no value, and its neighbourhood is left alone |
| killed, lost, stopped before the first report | nothing |

A run lies where it really ran (its effective configuration), else where it was suggested. Every run of the
sweep counts, whatever its kind: baseline and repeats are observations like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from swept.model import Goal, Outcome, Run, RunState
from swept.models.features import Features
from swept.models.thinning import thinned

Array = NDArray[np.float64]

_VALUED = frozenset({RunState.FINISHED, RunState.STOPPED, RunState.PAUSED})
_UNDER_WAY = frozenset({RunState.PENDING, RunState.RUNNING})
MODELLED, BETTER = 1_000, 400
"""A model is made of at most so many runs with a value, so many of them the best ones."""
MOST_BARREN = 500
_WINSOR = 2.5
"""Values worse than the median by more than so many standard deviations of the better half are cut there."""


@dataclass(frozen=True, slots=True)
class Observations:
    """`located` (n, d) with `values` (n,), signed so that smaller is better; `pending` and `barren` (·, d)."""

    located: Array
    values: Array
    pending: Array
    barren: Array
    left_out: int  # runs with a value whose configuration lies outside of the space

    def modelled(self, most: int = MODELLED, better: int = BETTER) -> Observations:
        """What a model can hold: of many runs with a value the better ones and some of the others, evenly spread
        over their order; of many barren ones the latest."""
        recent = replace(self, barren=self.barren[-MOST_BARREN:])
        if len(self.values) <= most:
            return recent
        chosen = thinned(self.values, better, most - better)
        return replace(recent, located=self.located[chosen], values=self.values[chosen])


@dataclass(frozen=True, slots=True)
class Scale:
    """Between signed values and the model's units: z = (value - centre) / spread."""

    centre: float
    spread: float

    def original(self, z: float) -> float:
        return self.centre + self.spread * z


def suggested_places(runs: Iterable[Run], features: Features) -> dict[int, Array | None]:
    """Where each run was suggested, by its number; None for a place outside of the space."""
    return {run.number: features.locate(run.config, {}) for run in runs}


def observe(
    runs: Iterable[Run],
    features: Features,
    goal: Goal,
    known: Mapping[int, Array | None] | None = None,
) -> Observations:
    """Comparable runs, sorted by what they tell. `known`: their `suggested_places`, as far as they were looked up."""
    located: list[Array] = []
    values: list[float] = []
    pending: list[Array] = []
    barren: list[Array] = []
    left_out = 0
    for run in runs:
        value = run.value if run.state in _VALUED else None
        place = _place(run, features, known or {})
        if place is None:
            left_out += value is not None
        elif value is not None:
            located.append(place)
            values.append(goal.sign * value)
        elif under_way(run):
            pending.append(place)
        elif _barren(run):
            barren.append(place)
    d = features.dimension
    return Observations(
        _rows(located, d), np.array(values), _rows(pending, d), _rows(barren, d), left_out
    )


def _place(run: Run, features: Features, known: Mapping[int, Array | None]) -> Array | None:
    if not run.effective_config and run.number in known:
        return known[run.number]
    return features.locate(run.config, run.effective_config or {})


def standardise(values: Array) -> tuple[Array, Scale]:
    """Signed values (n,), n ≥ 1, as z of about mean 0 and variance 1, and the way back.

    The bad tail is cut (winsorised): a diverged run with a loss of 10⁹ says "bad", and must not squeeze the
    differences among good runs into nothing. The good tail is never touched.
    """
    largest = float(np.finfo(np.float64).max) * 1e-4  # so that no sum or difference overflows
    values = np.clip(values, -largest, largest)
    middle = float(np.median(values))
    spread = _deviation(values[values <= middle] - middle)
    if spread > 0.0:
        values = np.minimum(values, middle + _WINSOR * spread)
    centre = float(np.mean(values))
    deviation = _deviation(values - centre)
    if deviation <= 1e-12 * abs(centre):  # equal values, but for rounding
        return np.zeros_like(values), Scale(centre, 1.0)
    return (values - centre) / deviation, Scale(centre, deviation)


def _deviation(differences: Array) -> float:
    """The root mean square, also where the squares would over- or underflow."""
    unit = float(np.max(np.abs(differences), initial=0.0))
    return unit * float(np.sqrt(np.mean((differences / unit) ** 2))) if unit > 0.0 else 0.0


def under_way(run: Run) -> bool:
    """Whether a run without a final value may still get one."""
    return run.state in _UNDER_WAY or (run.state is RunState.PAUSED and not run.curve)


def hopeful(run: Run) -> bool:
    """Whether a run has given, or may still give, a value to model."""
    return under_way(run) or (run.state in _VALUED and run.value is not None)


def fruitless(run: Run) -> bool:
    """Whether a run is over without a value that counts: it failed, ran out of memory, or never reported."""
    if run.state is RunState.FINISHED:
        return not run.curve
    return run.state is RunState.FAILED or _out_of_memory(run)


def _barren(run: Run) -> bool:
    if run.state in (RunState.FAILED, RunState.FINISHED):
        return True
    if run.state in _VALUED:
        return bool(run.curve)
    return _out_of_memory(run)


def _out_of_memory(run: Run) -> bool:
    out_of_memory = any(attempt.outcome is Outcome.OOM for attempt in run.attempts[-1:])
    return run.state is RunState.CRASHED and out_of_memory


def _rows(rows: list[Array], dimension: int) -> Array:
    return np.array(rows) if rows else np.empty((0, dimension))
