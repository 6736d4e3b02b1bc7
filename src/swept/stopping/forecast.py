"""What the sweep so far says about how runs will end: a model of learning curves, in the metric's own terms.

| symbol | meaning |
|---|---|
| v | a value on the way, signed so that smaller is better |
| r | (v - low) / (median - low) over what was observed, at most 10; low is the best, but for one run far beyond all others |
| w | log(r + c), standardised: what the model sees. c ≥ 0.05: differences below it are noise, not progress |

The logarithm spreads the good end, where the search has to tell runs apart, and presses the bad end together. One run
far beyond all others (an accuracy of 10⁶ by a bug) does not set the scale, which it would flatten: where r < 0, w goes on
as log c - log(1 + log(1 - r/c)), as steep at 0, so that nothing is cut, and the next run as good moves the scale.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from swept.model import Config, History, Run, RunState
from swept.models.curves import CurveModel, Index, Observations, condition, fit
from swept.models.features import Features
from swept.models.thinning import thinned
from swept.spec import Spec
from swept.stopping.ladder import rungs_of
from swept.stopping.track import Track, longest, tracks

Array = NDArray[np.float64]

PAST = 0.5
"""Of a value on the way half is the best so far, half what it has now: a lucky dip is not believed, and a step up on
the way is forgiven."""
OFFSET = 0.05
WORST = 10.0
FIT_MOST = 120
"""θ is fitted on at most so many observations."""
_REMEMBERED = 20_000
_NODES, _TAIL = 201, 6.0
_KEPT = ((35, 7), (70, 4), (110, 3))
"""Up to so many runs, so many of the last observations of each are kept; beyond, two."""
BEST, OTHERS = 300, 200
"""The model is made of at most so many runs, by what they are worth now."""
_NEVER_WHOLE = frozenset({RunState.FAILED, RunState.CRASHED, RunState.KILLED})
LONE = 2.0
"""A run is far beyond all others where it is better than the second by so many times the second's lead over the median."""
_EXPONENT = 700.0
_LARGEST = float(np.finfo(np.float64).max) * 1e-4
"""Values are cut there, so that no difference overflows."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Between signed values v and the model's w."""

    low: float
    spread: float  # median - low
    offset: float
    centre: float
    deviation: float
    beyond: bool  # whether a run is better than `low`

    def inward(self, v: Array) -> Array:
        v = np.clip(v, -_LARGEST, _LARGEST)
        r = np.minimum(v - self.low, WORST * self.spread) / self.spread
        return (_log(r, self.offset, self.beyond) - self.centre) / self.deviation

    def outward(self, w: float) -> float:
        raw, floor = self.centre + self.deviation * w, math.log(self.offset)
        if self.beyond and raw < floor:
            r = -self.offset * math.expm1(min(math.expm1(min(floor - raw, 7.0)), _EXPONENT))
        else:
            r = math.exp(min(raw, 50.0)) - self.offset
        return max(self.low + self.spread * r, -_LARGEST)

    @property
    def mark(self) -> float:
        """The w of `low`."""
        return (math.log(self.offset) - self.centre) / self.deviation


@dataclass(frozen=True)
class Forecast:
    """The runs of a sweep, and the model of their curves."""

    spec: Spec
    features: Features
    most: int  # steps of the longest training
    runs: tuple[Track, ...]

    @classmethod
    def of(cls, spec: Spec, history: History) -> Forecast | None:
        """None where the sweep does not say how many steps a training has, or has no metric."""
        most = longest(spec)
        if most is None or spec.metric is None:
            return None
        return cls(spec, features_of(spec).features, most, tracks(spec, history, PAST))

    def rungs(self, each: Track) -> tuple[int, ...]:
        """Where the run is judged, and its end."""
        return rungs_of(self.most).of(each.full)

    @cached_property
    def places(self) -> Array:
        """(runs, d): where each run lies, NaN for one outside of the space."""
        where = features_of(self.spec)
        rows = [where.locate(each.run) for each in self.runs]
        return np.array(rows).reshape(len(rows), self.features.dimension)

    @cached_property
    def _inside(self) -> NDArray[np.bool_]:
        """(runs,): which of them lie in the space."""
        return np.asarray(np.isfinite(self.places).all(axis=1), dtype=np.bool_)

    # -- the model ------------------------------------------------------------------------------

    @cached_property
    def _values(self) -> tuple[Index, Array, Array]:
        """(index of the run, progress, v) of the observations that the model is given, in order."""
        kept = next((k for most, k in _KEPT if len(self.runs) <= most), 2)
        found = [
            (number, progress, value)
            for number in self._modelled
            for progress, value in list(self._observed(self.runs[number]))[-kept:]
        ]
        if not found:
            return np.empty(0, dtype=np.intp), np.empty(0), np.empty(0)
        run, t, v = zip(*found, strict=True)
        return np.array(run, dtype=np.intp), np.array(t), np.array(v)

    @property
    def _modelled(self) -> list[int]:
        """Which runs the model is made of: of many the best ones, and some of the others, evenly spread."""
        told = [n for n, each in enumerate(self.runs) if self._inside[n] and _tells(each)]
        now = [self.runs[n].now for n in told]
        worth = np.array([math.inf if v is None else v for v in now])
        return [told[n] for n in thinned(worth, BEST, OTHERS)]

    def _observed(self, each: Track) -> Iterator[tuple[float, float]]:
        """(progress, v) of the reports that count at the rungs passed, and of the last one: each once, where it was
        made. What a training ended at by itself before its last step, it has at the end too."""
        told = -1
        for rung, following in itertools.pairwise((*self.rungs(each), math.inf)):
            place = each.entry(int(rung), following) if rung <= each.reached else None
            if place is not None and place > told:
                told = place
                yield self._progress(each.step(place), each), each.value(place)
        last = each.entry(each.reached)
        if last is not None and last > told:
            yield self._progress(each.reached, each), each.value(last)
        if last is not None and each.ended_itself and each.reached < each.full:
            yield 1.0, each.value(last)

    def _progress(self, step: int, each: Track) -> float:
        return min(math.log(step) / math.log(each.full), 1.0) if each.full > 1 else 1.0

    @cached_property
    def scale(self) -> Scale | None:
        """None while fewer than two runs have a finite value, or all have the same."""
        run, _, v = self._values
        return _scale(v, run)

    @cached_property
    def model(self) -> CurveModel | None:
        if self.scale is None:
            return None
        run, t, v = self._values
        X = self.features.columns(self.places[run])
        theta = _theta_of(X, t, run, v, self.features.group)
        return _condition(_pack(X, t, run, _inward(v, self.scale), self.features.group, theta))

    @property
    def best(self) -> float:
        """The best w observed at any step, which others have to beat; of a run far beyond all others the scale's low: it
        must not be the end of the search."""
        assert self.scale is not None
        return max(self.leading, self.scale.mark)

    @property
    def leading(self) -> float:
        """The best w observed at any step."""
        model = self.model
        assert model is not None
        return float(model.seen.y.min())

    def final(self, number: int) -> tuple[float, float]:
        """Mean and deviation of w at the end of the run at place `number`, its own luck included."""
        self.foresee([number])
        return self._finals[number]

    def foresee(self, numbers: Sequence[int]) -> None:
        """Think of the ends of these runs together, which costs less than one by one."""
        new = [n for n in numbers if n not in self._finals and self._inside[n]]
        if new and self.model is not None:
            which = np.array(new, dtype=np.intp)
            self._finals.update(zip(new, self._predicted(which), strict=True))

    @cached_property
    def _finals(self) -> dict[int, tuple[float, float]]:
        """`final`, as far as it was asked for."""
        return {}

    def _predicted(self, which: Index) -> list[tuple[float, float]]:
        model = self.model
        assert model is not None
        mean, sd = model.predict(self.features.columns(self.places[which]), which)
        return list(zip(mean.tolist(), sd.tolist(), strict=True))

    def gain(self, mark: float, mean: Array, sd: Array) -> float:
        """By how much, in the metric's own unit, the best of ends W ~ N(mean, sd²), both (m,), is expected to be better
        than `mark` (all in w): ∫ P(min W < w) dv(w) up to the mark, as if they were independent."""
        assert self.scale is not None
        bottom = float(np.min(mean - _TAIL * sd, initial=mark))
        w = np.linspace(bottom, mark, _NODES)
        some = 1.0 - np.exp(log_ndtr((mean - w[:, None]) / sd).sum(1))
        v = np.array([self.scale.outward(each) for each in w])
        return float(0.5 * ((some[1:] + some[:-1]) * np.diff(v)).sum())

    def own(self, w: float) -> float:
        """w in the metric's own unit and direction."""
        assert self.scale is not None
        assert self.spec.metric is not None
        return self.spec.metric.goal.sign * self.scale.outward(w)


def _tells(each: Track) -> bool:
    """Whether the model is given the run: one that failed was on the way to nothing, good as it stood, and one that a
    person cancelled is no data point."""
    return bool(each.run.curve) and each.run.state not in _NEVER_WHOLE


class _Places:
    """The features of a spec, and where runs lie in them, remembered: a history is looked at again and again."""

    def __init__(self, spec: Spec) -> None:
        self.features = Features.of(spec)
        self._found: dict[int, tuple[Config, Config | None, Array]] = {}

    def locate(self, run: Run) -> Array:
        known = self._found.get(id(run.config))
        effective = run.effective_config
        if known is not None and known[0] is run.config and known[1] is effective:
            return known[2]
        place = self.features.locate(run.config, effective or {})
        found = np.full(self.features.dimension, np.nan) if place is None else place
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[id(run.config)] = run.config, effective, found
        return found


_SPECS: dict[int, tuple[Spec, _Places]] = {}


def features_of(spec: Spec) -> _Places:
    known = _SPECS.get(id(spec))
    if known is not None and known[0] is spec:
        return known[1]
    if len(_SPECS) >= 8:
        _SPECS.clear()
    places = _Places(spec)
    _SPECS[id(spec)] = spec, places
    return places


_Packed: TypeAlias = tuple[tuple[bytes, tuple[int, ...], str], ...]


def _pack(*arrays: NDArray[Any]) -> _Packed:
    return tuple((array.tobytes(), array.shape, array.dtype.str) for array in arrays)


def _unpack(packed: _Packed) -> list[NDArray[Any]]:
    return [np.frombuffer(data, kind).reshape(shape) for data, shape, kind in packed]


def _scale(v: Array, run: Index) -> Scale | None:
    finite = np.isfinite(v)
    run, v = run[finite], np.clip(v[finite], -_LARGEST, _LARGEST)
    if len(v) < 2 or not np.ptp(v) > 0.0:
        return None
    low = _low(v, run)
    beyond = bool(low > v.min())
    v = _cut(v, low)
    spread = float(np.median(v)) - low
    if not spread > 0.0:
        spread = float(v.max()) - low
    raw = _log(np.clip(v - low, 0.0, WORST * spread) / spread, OFFSET, beyond=False)
    return Scale(low, spread, OFFSET, float(raw.mean()), float(raw.std()) + 1e-9, beyond)


def _low(v: Array, run: Index) -> float:
    """The best value; not that of one run far beyond all others."""
    best = int(np.argmin(v))
    others = v[run != run[best]]
    if not len(others):
        return float(v[best])
    second = float(others.min())
    lead = float(np.median(others)) - second
    return max(float(v[best]), second - LONE * lead) if lead > 0.0 else float(v[best])


def _log(r: Array, offset: float, beyond: bool) -> Array:
    """log(r + offset), and below r = 0 what goes on falling, ever more slowly."""
    inside = np.log(np.maximum(r, 0.0) + offset)
    return inside - np.log1p(np.log1p(np.maximum(-r, 0.0) / offset)) if beyond else inside


def _cut(v: Array, low: float) -> Array:
    """Without figures that are beyond all measure, even where most of them are."""
    quarter = float(np.quantile(v, 0.25)) - low
    return np.minimum(v, low + (1.0 + WORST) * quarter) if quarter > 0.0 else v


def _inward(v: Array, scale: Scale) -> Array:
    finite = np.isfinite(v)
    w = np.empty_like(v)
    w[finite] = scale.inward(v[finite])
    # A training that diverged is as bad as the worst seen: its neighbourhood is left, and no figure is made up.
    w[~finite] = w[finite].max()
    return w


def _theta_of(X: Array, t: Array, run: Index, v: Array, group: Index) -> Array:
    """θ is that of the first runs, up to a number which grows by eighths, in their own scale: it changes slowly, and
    its fit is most of the cost."""
    old = run < _milestone(int(run.max()) + 1)
    if _scale(v[old], run[old]) is None:
        old = np.ones(len(run), dtype=np.bool_)
    return _theta(_pack(X[old], t[old], run[old], v[old], group))


def _milestone(runs: int) -> int:
    """The largest of 8, 9, 10, 11, 13, 15 … that is not above `runs`; few runs are taken as they are."""
    reached = runs
    step = 8
    while step <= runs:
        reached = step
        step += max(1, step // 8)
    return reached


@lru_cache(maxsize=8)
def _theta(packed: _Packed) -> Array:
    """The fit as a function of its data, remembered: a decision and the suggestion after it share one."""
    X, t, run, v, group = _unpack(packed)
    scale = _scale(v, run)
    assert scale is not None
    return fit(Observations(X, t, run, _inward(v, scale)), group, FIT_MOST)


@lru_cache(maxsize=8)
def _condition(packed: _Packed) -> CurveModel:
    X, t, run, y, group, theta = _unpack(packed)
    return condition(Observations(X, t, run, y), group, theta)
