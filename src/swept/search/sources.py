"""Earlier trainings as knowledge: believed as far as the sweep's own runs bear them out.

| symbol | shape | meaning |
|---|---|---|
| k | | sources: the earlier sweeps, and the runs by hand as one |
| X | (n, p + k) | the model's columns, and one a source: WEIGHT there for its runs, 0 for the sweep's own |
| y | (n,) | signed values, those of a source on the scale of the sweep's own |

The additional columns have one lengthscale, fitted like the others. It is the correlation between a source and the
sweep: about 0.8 at first, 1 where the two agree, towards 0 where they do not (the coregionalisation of Swersky, Snoek,
Adams 2013, "Multi-task Bayesian optimization", with a stationary kernel). Other data shift and stretch a metric: a
source is first moved to where its model agrees with the sweep's own runs on average, and rescaled where its spread is of another
order. That hides where a source is wrong from runs that all follow it. So the sweep's fourth and fifth run are spread
out all the same (`TESTS`), and a source whose ranking of the own runs is no better than none is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.model import Goal, History, Run
from swept.models import gp
from swept.models.features import Features
from swept.search.observations import observe, standardise
from swept.search.ranks import rank_correlation
from swept.spec import Spec
from swept.stopping.comparable import prior

Array: TypeAlias = NDArray[np.float64]

WEIGHT = 0.5
"""The distance between a source and the sweep, in lengthscales that the model expects."""
OTHER_ORDER = 3.0
FEWEST_FOR_SPREAD = 3
TESTS = frozenset({3, 4})
"""Which of the sweep's own runs, counted from 0, put the sources to the test."""
FEWEST_FOR_RANKS = 5
BEST, OTHERS = 300, 200
"""Of a source so many runs are modelled at most: it costs O(n³)."""


@dataclass(frozen=True, slots=True)
class _Source:
    """`places` (n_s, d), signed `values` (n_s,), its own model, and what that expects (m,) where the sweep's own runs
    lie."""

    places: Array
    values: Array
    model: gp.Model
    expected: Array

    @classmethod
    def of(cls, features: Features, places: Array, values: Array, own: Array) -> _Source:
        z, scale = standardise(values)
        model = gp.fit(features.columns(places), z, features.group)
        mean, _ = model.predict(features.columns(own))
        return cls(places, values, model, scale.centre + scale.spread * mean)

    def bears_out(self, values: Array) -> bool:
        """Whether it ranks the sweep's own runs, by their `values` (m,), rather than not."""
        if len(values) < FEWEST_FOR_RANKS:
            return True
        agreed = rank_correlation(values, self.expected)
        return agreed is None or agreed > 0.0

    def aligned(self, values: Array) -> Array:
        """Its values, so that its model agrees on average with the sweep's own."""
        if not len(values):
            return self.values
        slope = _slope(self.expected, values)
        return slope * self.values + float(np.mean(values - slope * self.expected))


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources that bear out; `barren` (·, d): where earlier trainings gave no value."""

    features: Features
    parts: tuple[_Source, ...]
    barren: Array

    @classmethod
    def of(
        cls, spec: Spec, history: History, features: Features, located: Array, values: Array
    ) -> Sources:
        """`located` (m, d) and signed `values` (m,): the sweep's own runs."""
        goal = spec.metric.goal if spec.metric else Goal.MINIMIZE
        earlier = _by_source(prior(spec, history))
        seen = [observe(runs, features, goal).modelled(BEST + OTHERS, BEST) for runs in earlier]
        empty = np.empty((0, features.dimension))
        found = [
            _Source.of(features, each.located, each.values, located)
            for each in seen
            if len(each.values)
        ]
        parts = tuple(part for part in found if part.bears_out(values))
        return cls(features, parts, np.vstack([empty, *(each.barren for each in seen)]))

    @property
    def runs(self) -> int:
        """How many gave a value."""
        return sum(len(part.values) for part in self.parts)

    @property
    def located(self) -> Array:
        return np.vstack(
            [np.empty((0, self.features.dimension)), *(part.places for part in self.parts)]
        )

    def guess(self, U: Array) -> Array:
        """The mean of what the sources expect at U (m, d), each in its own units: (m,), about -2 to 2."""
        X = self.features.columns(U)
        means = [part.model.predict(X)[0] for part in self.parts]
        return np.mean(means, axis=0) if means else np.zeros(len(U))

    @property
    def group(self) -> NDArray[np.intp]:
        """Which lengthscale a column belongs to: one for all sources."""
        group = self.features.group
        return np.append(group, np.full(len(self.parts), self.features.dimension, dtype=np.intp))

    def columns(self, U: Array, source: int | None = None) -> Array:
        """U (m, d) → X (m, p + k), as the sweep's own or as one of the sources."""
        X = np.hstack([self.features.columns(U), np.zeros((len(U), len(self.parts)))])
        if source is not None:
            X[:, len(self.features.group) + source] = self._distance
        return X

    def joined(self, located: Array, values: Array) -> tuple[Array, Array]:
        """X and y of the sweep's own runs, `located` (m, d) with `values` (m,), and then of all sources."""
        X, y = [self.columns(located)], [values]
        for source, part in enumerate(self.parts):
            X.append(self.columns(part.places, source))
            y.append(part.aligned(values))
        return np.vstack(X), np.concatenate(y)

    @property
    def _distance(self) -> float:
        return WEIGHT * gp.expected_lengthscale(self.features.dimension + 1)


def _slope(expected: Array, values: Array) -> float:
    """1, unless the spreads are of another order."""
    if len(values) < FEWEST_FOR_SPREAD:
        return 1.0
    here, there = standardise(values)[1].spread, standardise(expected)[1].spread
    if not np.ptp(values) > 0.0 or not np.ptp(expected) > 0.0:
        return 1.0
    ratio = here / there
    return ratio if math.isfinite(ratio) and abs(math.log(ratio)) > math.log(OTHER_ORDER) else 1.0


def _by_source(runs: Iterable[Run]) -> list[list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(str(run.details.get("source") or ""), []).append(run)
    return list(found.values())
