"""Where a person believes the optimum to be: `swept.prior`, and the normal distributions of W&B's schema.

| symbol | shape | meaning |
|---|---|---|
| P | (m, d) | points of the unit cube, as a space-filling design gives them |
| U | (m, d) | places, in the coordinates of `Features` |
| π(u) | | density of the belief, relative to its largest value: between FLOOR^d and 1 |
| n | | whole trainings that the sweep has seen |
| c | | credit, 0 to 1: ½ + Spearman's correlation of π with how good runs are, 1 below FEWEST runs |

A belief is used twice: half of the space-filling start is drawn from it (all of it, for normal distributions), and
while the model proposes, expected improvement is multiplied by π^(cβ/n), which fades as runs come in (πBO: Hvarfner,
Stoll, Souza, Lindauer, Hutter, Nardi 2022, equation 6, without the credit). FLOOR bounds what a wrong belief can cost,
and the credit lets go of one that the runs gainsay: where it is 0, the start is not drawn from it either.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from swept.models.features import WIDTH, Axis, Features
from swept.search.ranks import rank_correlation
from swept.spec import Spec

Array: TypeAlias = NDArray[np.float64]

SPREAD = 0.15
"""The standard deviation of a belief, in widths of the range."""
FLOOR = 0.05
BETA = 5.0
FEWEST = 4
CHOSEN = 0.6
"""The share of draws that have the believed category."""


@dataclass(frozen=True, slots=True)
class _Bell:
    """One parameter's belief. `told`: by `swept.prior`, not by its distribution."""

    axis: int
    centre: float
    spread: float
    category: bool
    levels: int
    told: bool

    def log_density(self, u: Array) -> Array:
        if self.category:
            near = (np.abs(u - self.centre) < 0.5 / self.levels).astype(np.float64)
            return np.log(np.maximum(near, (1.0 - CHOSEN) / CHOSEN / max(self.levels - 1, 1)))
        z = (u - self.centre) / self.spread
        return np.log(FLOOR + (1.0 - FLOOR) * np.exp(-0.5 * z * z))

    def quantile(self, p: Array) -> Array:
        if self.category:
            others = (p - CHOSEN) / (1.0 - CHOSEN)
            return np.where(p < CHOSEN, self.centre, np.clip(others, 0.0, 1.0))
        low, high = ndtr(-self.centre / self.spread), ndtr((1.0 - self.centre) / self.spread)
        return np.clip(self.centre + self.spread * ndtri(low + p * (high - low)), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Belief:
    """Independent beliefs about some of the parameters; about none, it changes nothing."""

    bells: tuple[_Bell, ...]
    credit: float
    trainings: float  # n

    @classmethod
    def of(
        cls, spec: Spec, features: Features, located: Array, values: Array, trainings: float
    ) -> Belief:
        """`located` (k, d) and `values` (k,), smaller is better: what runs gave there, infinite for nothing."""
        found = [_bell(spec, i, axis) for i, axis in enumerate(features.axes)]
        bells = tuple(bell for bell in found if bell is not None)
        return cls(bells, _credit(_log_density(bells, located), values), trainings)

    def places(self, P: Array, first: int = 0) -> Array:
        """A design P, whose first row has the number `first`, in coordinates: rows of even number, and everything
        that has a normal distribution, as the belief has it. Row 0 is the believed optimum itself."""
        U = P.copy()
        rows = np.arange(first, first + len(P))
        for bell in self.bells:
            if bell.told and not self.credit:
                continue
            drawn = bell.quantile(P[:, bell.axis])
            if bell.told:
                drawn = np.where(rows % 2 == 0, drawn, P[:, bell.axis])
                drawn = np.where(rows == 0, bell.centre, drawn)
            U[:, bell.axis] = drawn
        return U

    def pull(self, U: Array) -> Array:
        """cβ/n · log π(u) at U (m, d): (m,), to be added to a log acquisition."""
        return _log_density(self.bells, U) * (self.credit * BETA / max(self.trainings, 1.0))


def _log_density(bells: Iterable[_Bell], U: Array) -> Array:
    total = np.zeros(len(U))
    for bell in bells:
        total += bell.log_density(U[:, bell.axis])
    return total


def _credit(log_density: Array, values: Array) -> float:
    agreed = rank_correlation(log_density, -values) if len(values) >= FEWEST else None
    return 1.0 if agreed is None else float(np.clip(0.5 + agreed, 0.0, 1.0))


def _bell(spec: Spec, index: int, axis: Axis) -> _Bell | None:
    levels = len(axis.lattice) if axis.lattice is not None else 0
    spread = 0.5 / WIDTH if axis.bell else SPREAD
    value = spec.options.prior.get(axis.parameter.name)
    if value is not None:
        centre = axis.coordinate(value)
        if math.isfinite(centre):
            centre = min(max(centre, 0.0), 1.0)
            return _Bell(index, centre, spread, axis.category, levels, told=True)
    if axis.bell:
        return _Bell(index, 0.5, spread, False, levels, told=False)
    return None
