"""How much of a metric's variation over the space each parameter explains: a response surface's total-order indices.

| symbol | shape | meaning |
|---|---|---|
| A, B | (N, d) | two independent sets of places, drawn evenly by the distributions (scrambled Sobol' sequence) |
| A_i | (N, d) | A with column i from B |
| f | | the mean of the model (`swept.analysis.surface`) |
| T_i | | Σ (f(A) - f(A_i))² / 2N V, where V is f's variance: what remains unknown of f if all but parameter i are known |

T is Jansen's estimator of the total-order index, as Saltelli et al. 2010, "Variance based sensitivity analysis of model
output" recommend it: it holds a parameter's part in interactions too, so the shares of all may sum to more than 1. It is never
negative and is 0 just for a parameter without effect. It answers the question that fANOVA (Hutter, Hoos, Leyton-Brown 2014,
"An efficient approach for assessing hyperparameter importance") answers with a random forest.

The whiskers come from random halves of the runs: the model is made anew of each. A half without replacement differs from
the whole as the whole differs from the truth; a bootstrap would show the model every repeated run as one without noise.
Whether the model is worth anything is asked of runs that it has not seen (k folds). If it is no better than the mean,
nothing is ranked.

A share is one of the whole range: beside five decades of a learning rate all else is next to nothing there, and may still
be what is left to gain. So it is asked too how far the metric moves along each parameter where the others are those of the
best runs, in its own unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from swept.analysis.surface import FEWEST, Surface, Told, fitted, standard, surface, told
from swept.model import Run
from swept.models import gp
from swept.models.features import WIDTH, Features
from swept.spec import Spec

Array: TypeAlias = NDArray[np.float64]

PLACES = 256
"""N, a power of two, as the sequence wants it."""
HALVES = 16
FOLDS = 5
WHISKERS = (0.05, 0.95)
PER_PARAMETER = 2
"""With fewer runs than so many times the parameters the shares say little."""
EXPLAINED, CHANCE = 0.05, 5.0
"""A model of n runs that explains less than EXPLAINED + CHANCE / n of runs that it has not seen is no better than their
mean: where a metric has nothing to do with the parameters, at most about one sweep in twenty comes so far (drawn with 3
and 13 parameters, 12 to 100 runs)."""
_LEVELS, _OTHERS = 17, 64
_EDGE = 1e-4
_SLIGHT = 0.01
"""A main effect of less than this share has no direction."""
_BEST, _FEWEST_BEST, _MOST_BEST = 0.25, 5, 12
"""Near the best: so much of the runs, so few at least, and so many at most."""
_BETWEEN = 0.5
"""Below it the best is said to lie between the ends: both lose an eighth of all there is to lose, or more."""


@dataclass(frozen=True, slots=True)
class Share:
    """`share`, `low` and `high` from 0 to 1; `sign` from -1 to 1: how far larger values are better (+) or worse (-). Of a
    metric without a goal: raise it (+) or lower it (-). `between`: the best lies between the ends of the range, which is
    why there is little of a direction. `inert`: why it cannot act, or "". `near`: how far the metric moves along its range
    beside the best runs' other values, in the metric's unit; NaN where nobody knows."""

    parameter: str
    share: float
    low: float
    high: float
    sign: float
    between: bool = False
    inert: str = ""
    near: float = math.nan


@dataclass(frozen=True, slots=True)
class Importance:
    """`runs` modelled; `explained`: the part of the variation between runs that a model which has not seen them predicts
    (R²; below 0 it is worse than the mean), NaN where there is none. `caution`: why the shares say little, or "". `apart`: the
    best's distance from the median of the better half, in the metric's unit; NaN where nothing is ranked.

    With a caution that nothing is explained, each share is 0 with whiskers from 0 to 1, in the order of the file."""

    runs: int
    explained: float
    caution: str
    rows: tuple[Share, ...]
    apart: float = math.nan

    @property
    def ranks(self) -> bool:
        """Whether the shares mean anything."""
        return any(row.share > 0.0 for row in self.rows)


def importance(spec: Spec, runs: Sequence[Run], metric: str = "") -> Importance:
    """Most important first, those that cannot act at the end. Costs about twenty fits of the model."""
    found = told(spec, runs, metric)
    return of_surface(spec, found, surface(found))


def of_surface(spec: Spec, found: Told, whole: Surface | None) -> Importance:
    """The same from what was told, and its surface."""
    inert = tuple(
        Share(name, 0.0, 0.0, 0.0, 0.0, inert=why.why) for name, why in spec.inert.items()
    )
    names = [axis.parameter.name for axis in found.features.axes]
    unknown = tuple(Share(name, 0.0, 0.0, 1.0, 0.0) for name in names)
    if whole is None:
        why = "the sweep has no metric" if not (spec.metric or found.runs) else _too_little(found)
        return Importance(found.runs, math.nan, why, (*unknown, *inert))
    explained = _explained(found)
    if not explained >= EXPLAINED + CHANCE / found.runs:
        caution = f"{_nothing(found.runs, explained)}{_left_out(found)}"
        return Importance(found.runs, explained, caution, (*unknown, *inert))
    rows = _rows(found, whole)
    return Importance(found.runs, explained, _caution(found), (*rows, *inert), _apart(found))


def _nothing(runs: int, explained: float) -> str:
    if explained < EXPLAINED:
        return (
            f"the model explains nothing: from {runs} runs it predicts one that it has not seen no better than their "
            "mean does"
        )
    return (
        f"the model explains nothing for certain: it predicts {100.0 * explained:.0f} % of the variation between runs that "
        f"it has not seen, and with {runs} runs chance alone may do so"
    )


def _too_little(found: Told) -> str:
    if not found.features.dimension:
        return "no parameter of the sweep can act"
    if found.runs < FEWEST:
        count = f"{found.runs} run{'' if found.runs == 1 else 's'}"
        return f"too few runs: {count} with a value at the end, {FEWEST} at least are needed{_left_out(found)}"
    return f"all {found.runs} runs gave the same value"


def _caution(found: Told) -> str:
    wanted = PER_PARAMETER * found.features.dimension
    if found.runs < wanted:
        return (
            f"few runs: {found.runs} for {found.features.dimension} parameters, {wanted} would say more"
            f"{_left_out(found)}"
        )
    return _left_out(found).removeprefix("; ")


def _left_out(found: Told) -> str:
    if not found.left_out:
        return ""
    count = f"{found.left_out} run{' that' if found.left_out == 1 else 's that'}"
    return f"; {count} ended early left out: how they would have ended is not known"


@dataclass(frozen=True, slots=True)
class _Places:
    """Columns of the model at A, at B, and at each A_i; `others`: coordinates of some of A, as drawn."""

    A: Array
    B: Array
    mixed: tuple[Array, ...]
    others: Array

    @classmethod
    def of(cls, features: Features) -> _Places:
        """Mixed as they were drawn, before what does not act is held at its one value: it may act in the mixture."""
        d = features.dimension
        drawn = qmc.Sobol(2 * d, rng=np.random.default_rng(0)).random(PLACES)
        A, B = _coordinates(features, drawn[:, :d]), _coordinates(features, drawn[:, d:])
        mixed = []
        for i in range(d):
            M = A.copy()
            M[:, i] = B[:, i]
            mixed.append(features.columns(features.snap(M)))
        return cls(
            features.columns(features.snap(A)),
            features.columns(features.snap(B)),
            tuple(mixed),
            A[:_OTHERS],
        )


def _coordinates(features: Features, drawn: Array) -> Array:
    """Even draws of the unit cube (m, d) as coordinates. Those of a normal distribution count its deviations."""
    U = drawn.copy()
    for i, axis in enumerate(features.axes):
        if axis.bell:
            U[:, i] = 0.5 + ndtri(np.clip(drawn[:, i], _EDGE, 1.0 - _EDGE)) / (2.0 * WIDTH)
    return U


def _rows(found: Told, whole: Surface) -> list[Share]:
    places = _Places.of(found.features)
    shares, variance = _total(whole.model, places)
    models = _half_models(found)
    halves = np.array([_total(model, places)[0] for model in models])
    low, high = np.quantile(halves, WHISKERS, axis=0)
    near = whole.spread * _near(found, whole, models)
    directions = _directions(whole, places.others, variance)
    rows = [
        Share(
            axis.parameter.name,
            float(shares[i]),
            float(min(low[i], shares[i])),
            float(max(high[i], shares[i])),
            *directions[i],
            near=float(near[i]),
        )
        for i, axis in enumerate(found.features.axes)
    ]
    return sorted(rows, key=lambda row: -row.share)


def _total(model: gp.Model, places: _Places) -> tuple[Array, float]:
    """T (d,), and V in units of z²."""
    at_a, at_b = model.mean(places.A), model.mean(places.B)
    variance = float(np.var(np.concatenate([at_a, at_b])))
    if not variance > 0.0:
        return np.zeros(len(places.mixed)), 0.0
    moved = [float(np.mean((at_a - model.mean(mixed)) ** 2)) for mixed in places.mixed]
    return np.minimum(0.5 * np.array(moved) / variance, 1.0), variance


def _beside(found: Told) -> tuple[Array, ...]:
    """Columns of the model along each parameter (runs times levels), the others those of the best runs."""
    features = found.features
    count = min(max(math.ceil(_BEST * found.runs), _FEWEST_BEST), _MOST_BEST)
    best = found.U[np.argsort(found.values, kind="stable")[:count]]
    drawn = np.repeat((np.arange(_LEVELS)[:, None] + 0.5) / _LEVELS, features.dimension, axis=1)
    levels = _coordinates(features, drawn)
    along = []
    for i, axis in enumerate(features.axes):
        U = np.repeat(best, _LEVELS, axis=0)
        U[:, i] = np.tile(axis.snap(levels[:, i]), len(best))
        along.append(features.columns(features.snap(U)))
    return tuple(along)


def _near(found: Told, whole: Surface, models: Sequence[gp.Model]) -> Array:
    """How far z moves along each parameter (d,) beside the best runs. Where runs were ended early, by the upper whisker:
    what is expected of them leans on the others, so that an effect which few have shown looks smaller than it is."""
    beside = _beside(found)
    moved = _moved(whole.model, beside)
    if not found.doubt.any():
        return moved
    halves = [_moved(model, beside) for model in models]
    return np.maximum(moved, np.quantile(halves, WHISKERS[1], axis=0))


def _moved(model: gp.Model, beside: tuple[Array, ...]) -> Array:
    """How far z moves along each parameter (d,), in the mean over the best runs: what each does to one run may
    differ, and is not to cancel."""
    means = (model.mean(columns).reshape(-1, _LEVELS) for columns in beside)
    return np.array([float(np.ptp(mean, axis=1).mean()) for mean in means])


def _apart(found: Told) -> float:
    better = np.sort(found.values)[: (found.runs + 1) // 2]
    return float(np.median(better) - better[0])


def _half_models(found: Told) -> list[gp.Model]:
    z, spread = standard(found)
    size = (found.runs + 1) // 2
    rng = np.random.default_rng(found.runs)
    models = []
    for _ in range(HALVES):
        chosen = np.sort(rng.permutation(found.runs)[:size])
        models.append(fitted(found, chosen, z, spread))
    return models


def _explained(found: Told) -> float:
    """R² over all folds of runs that were left out."""
    z, spread = standard(found)
    order = np.random.default_rng(found.runs).permutation(found.runs)
    missed = spent = 0.0
    for fold in np.array_split(order, min(FOLDS, found.runs)):
        rest = np.sort(np.setdiff1d(order, fold))
        model = fitted(found, rest, z, spread)
        expected = model.mean(found.features.columns(found.U[fold]))
        missed += float(np.sum((z[fold] - expected) ** 2))
        spent += float(np.sum((z[fold] - z[rest].mean()) ** 2))
    return 1.0 - missed / spent if spent > 0.0 else math.nan


def _directions(whole: Surface, others: Array, variance: float) -> list[tuple[float, bool]]:
    """`sign` and `between` of each: the correlation of its main effect with its coordinate, + where larger is better; less
    where the best lies between the ends."""
    features = whole.told.features
    found = [(0.0, False)] * features.dimension
    levels = (np.arange(_LEVELS) + 0.5) / _LEVELS
    for i, axis in enumerate(features.axes):
        if axis.category:
            continue
        U = np.repeat(others, _LEVELS, axis=0)
        U[:, i] = np.tile(axis.snap(levels), len(others))
        mean = whole.model.mean(features.columns(features.snap(U)))
        effect = mean.reshape(len(others), _LEVELS).mean(0)
        along = U[:_LEVELS, i]
        if np.var(effect) > _SLIGHT * variance and np.ptp(along) > 0.0:
            correlation = -np.corrcoef(effect, along)[0, 1]  # z: smaller is better
            one_sided = _one_sided(effect)
            found[i] = (float(correlation * one_sided), one_sided < _BETWEEN)
    return found


def _one_sided(effect: Array) -> float:
    """1 where the best is at an end of the range; 0 where both ends lose a quarter of all there is to lose: neither
    larger nor smaller values are better then."""
    lost = min(effect[0], effect[-1]) - effect.min()
    return float(max(0.0, 1.0 - 4.0 * lost / np.ptp(effect)))
