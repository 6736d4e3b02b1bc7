"""A metric as a function of the parameters: the Gaussian process that importance, slices and pairs look at.

| symbol | shape | meaning |
|---|---|---|
| U | (n, d) | where the runs lie, in the coordinates of `Features` |
| v | (n,) | what they gave at the end, signed so that smaller is better |
| z | (n,) | v standardised, its bad tail cut: what the model sees |
| s² | (n,) | what is not known of v for a run that was ended early, in units of z |

Runs of different lengths cannot be held against each other. So a run that was ended early counts with the end that the
model of learning curves expects of it, and with its doubt; where the length of a whole training is not known, it is
left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.analysis.best import same_training, value_of
from swept.model import SWEEP_KINDS, Goal, History, Run, RunState
from swept.models import gp
from swept.models.features import Features
from swept.space import number
from swept.spec import Spec
from swept.stopping.forecast import Forecast

Array: TypeAlias = NDArray[np.float64]

MODELLED = 500
"""A model is made of at most so many runs, evenly spread over their order: it costs O(n³)."""
FEWEST = 4
"""With fewer values there is nothing to model."""
_FENCE = 3.0
"""Values worse than the upper quartile by more than so many interquartile ranges are cut there (Tukey's outer fence)."""
_LARGEST = float(np.finfo(np.float64).max) * 1e-4
_EARLY = frozenset({RunState.STOPPED, RunState.PAUSED})


@dataclass(frozen=True, slots=True)
class Told:
    """What the runs say of one metric. `sign` times a value of the metric is `values`; `left_out`: runs that ended early,
    of which nobody knows how they had ended. `known`: whether it is known which direction is the better one."""

    features: Features
    U: Array
    values: Array
    doubt: Array
    sign: float
    known: bool
    left_out: int

    @property
    def runs(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Surface:
    """The model of what was told, in the metric's own unit and direction."""

    told: Told
    model: gp.Model
    centre: float
    spread: float

    def predict(self, U: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (both (m,)) of the metric at U (m, d), without a single run's luck."""
        mean, sd = self.model.predict(self.told.features.columns(U))
        return self.told.sign * (self.centre + self.spread * mean), self.spread * sd

    def mean(self, U: Array) -> Array:
        """The mean alone, at a fraction of the cost."""
        mean = self.model.mean(self.told.features.columns(U))
        return self.told.sign * (self.centre + self.spread * mean)

    @property
    def noise(self) -> float:
        """One standard deviation of a single run about the surface."""
        return self.spread * self.model.hyperparameters.noise_sd


def told(spec: Spec, runs: Sequence[Run], metric: str = "") -> Told:
    """`metric`: "" for the sweep's own. Another one is taken from the summaries of the finished runs."""
    features = Features.of(spec)
    ours = [run for run in same_training(runs, spec.space.fixed) if run.kind in SWEEP_KINDS]
    own = spec.metric is not None and metric in ("", spec.metric.name)
    ends = _objective(spec, ours) if own else _summaries(ours, metric)
    found = [
        (end, place)
        for end in ends
        if (place := features.locate(end.run.config, end.run.effective_config or {})) is not None
    ]
    if len(found) > MODELLED:
        spread = np.unique(np.linspace(0, len(found) - 1, MODELLED).round().astype(np.intp))
        found = [found[place] for place in spread]
    sign = spec.metric.goal.sign if own and spec.metric is not None else Goal.MAXIMIZE.sign
    early = sum(run.state in _EARLY and bool(run.curve) for run in ours)
    return Told(
        features=features,
        U=np.array([place for _, place in found]).reshape(len(found), features.dimension),
        values=sign * np.array([end.mean for end, _ in found], dtype=np.float64),
        doubt=np.array([end.doubt for end, _ in found], dtype=np.float64),
        sign=sign,
        known=own,
        left_out=early - sum(end.run.state in _EARLY for end in ends),
    )


def surface(found: Told) -> Surface | None:
    """None for too few runs, a space without a parameter that acts, and where all values are equal."""
    if found.runs < FEWEST or not found.features.dimension:
        return None
    z, centre, spread = _standardised(found.values)
    if not spread > 0.0:
        return None
    model = fitted(found, np.arange(found.runs), z, spread)
    return Surface(found, model, centre, spread)


def standard(found: Told) -> tuple[Array, float]:
    """z (n,), and its unit in v."""
    z, _, spread = _standardised(found.values)
    return z, spread


def fitted(found: Told, chosen: NDArray[np.intp], z: Array, spread: float) -> gp.Model:
    """The model of the chosen runs (indices), z (n,) being all of them in units of `spread`."""
    X, group = found.features.columns(found.U[chosen]), found.features.group
    model = gp.fit(X, z[chosen], group)
    doubt = found.doubt[chosen] / spread
    if not doubt.any():
        return model
    return gp.condition(X, z[chosen], group, model.hyperparameters, model.noise + doubt**2)


@dataclass(frozen=True, slots=True)
class End:
    """A run, and its value at the end; `low` to `high`: one standard deviation to each side of what is not known of it."""

    run: Run
    mean: float
    low: float
    high: float

    @property
    def doubt(self) -> float:
        return 0.5 * (self.high - self.low)


def expected_ends(spec: Spec, runs: Sequence[Run], states: frozenset[RunState]) -> tuple[End, ...]:
    """The runs in these states that have reported, and what the model of learning curves expects of them at their full
    length; none where that length is not known, or there is too little to model."""
    forecast = Forecast.of(spec, History(tuple(runs)))
    if forecast is None or forecast.model is None:
        return ()
    ends = []
    for place, each in enumerate(forecast.runs):
        now = each.now
        inside = bool(np.isfinite(forecast.places[place]).all())
        if each.run.state in states and inside and now is not None and math.isfinite(now):
            mean, sd = forecast.final(place)
            low, high = sorted([forecast.own(mean - sd), forecast.own(mean + sd)])
            ends.append(End(each.run, forecast.own(mean), low, high))
    return tuple(ends)


def _objective(spec: Spec, runs: Sequence[Run]) -> list[End]:
    assert spec.metric is not None
    goal, at = spec.metric.goal, spec.options.at
    ends = {
        run.id: End(run, value, value, value)
        for run in runs
        if run.state is RunState.FINISHED and (value := value_of(run, goal, at)) is not None
    }
    if any(run.state in _EARLY and run.curve for run in runs):
        ends |= {end.run.id: end for end in expected_ends(spec, runs, _EARLY)}
    return [ends[run.id] for run in runs if run.id in ends]


def _summaries(runs: Sequence[Run], metric: str) -> list[End]:
    ends = []
    for run in runs:
        value = run.summary.get(metric)
        if run.state is not RunState.FINISHED or not isinstance(value, int | float):
            continue
        if number(value) and math.isfinite(value):
            ends.append(End(run, float(value), float(value), float(value)))
    return ends


def _standardised(values: Array) -> tuple[Array, float, float]:
    """z, and the centre and the unit that lead back. A run that diverged to 10⁹ would be all the variation there is:
    the bad tail is cut. The good one is not."""
    values = np.clip(values, -_LARGEST, _LARGEST)
    low, high = np.quantile(values, [0.25, 0.75])
    if high > low:
        values = np.minimum(values, high + _FENCE * (high - low))
    centre = float(np.mean(values))
    unit = float(np.max(np.abs(values - centre)))
    if unit <= 1e-12 * abs(centre) or not unit > 0.0:  # equal, but for rounding
        return np.zeros_like(values), centre, 0.0
    spread = unit * float(np.sqrt(np.mean(((values - centre) / unit) ** 2)))
    return (values - centre) / spread, centre, spread
