"""A configuration as the model sees it: from the space's unit cube to the columns of a Gaussian process.

| symbol | shape | meaning |
|---|---|---|
| U | (m, d) | unit coordinates of the d active parameters, as `Parameter.to_unit` gives them |
| X | (m, p) | the model's columns: p ≥ d, since an unordered parameter takes one column a category |
| group | (p,) | which parameter a column belongs to |

Reals and integers enter by their unit coordinate (logarithmic where the distribution is), numeric categories
by rank in [0, 1], unordered categories one-hot with the weight √½, so that two different categories are at
distance 1 whatever their number. Normal and log-normal distributions enter by their value (its logarithm), eight
standard deviations to the unit: their probability would press all that is far from the centre into the cube's faces.

What does not act (`swept.rules`) is held at one level, so that places which differ in it alone are the same.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from swept.model import Config
from swept.rules import Rules
from swept.space import UNBOUNDED, Parameter, Space
from swept.spec import Spec

Array = NDArray[np.float64]

MOST_LEVELS = 100_000
MOST_STEPS = 1_000
"""Integers of more levels, and quantized parameters of more steps, are searched as if they were continuous: that
two suggestions meet on such a lattice is no concern."""
MOST_RULED = 5_000
"""Finite spaces of at most so many points are counted by the rules."""
SHARES = (0.01, 0.03, 0.1, 0.25, 0.5, 0.75)
"""How far from a feasible place towards the wished one is looked, rising: the last that is feasible is kept."""
WIDTH = 4.0
"""How many standard deviations of a normal distribution are searched, to each side."""
_OUTSIDE = 0.5
"""How far beyond its bounds, in widths of the range, an effective value is believed."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One active parameter. `lattice` (levels,) holds the unit coordinates of its levels, rising."""

    parameter: Parameter
    lattice: Array | None
    category: bool  # unordered
    ranked: bool  # numeric categories

    @property
    def bell(self) -> bool:
        """Whether its coordinate counts standard deviations, from -4 to 4, and not probability."""
        return self.parameter.distribution in UNBOUNDED

    def coordinate(self, value: Any) -> float:
        """As `Parameter.to_unit`: NaN for no value of the parameter, beyond [0, 1] outside of its bounds."""
        u = self.parameter.to_unit(value)
        if not self.bell or math.isnan(u):
            return u
        x = math.log(value) if self.parameter.log and value > 0 else value
        if self.parameter.log and value <= 0:
            return 0.0
        return 0.5 + (x - self.parameter.mu) / self.parameter.sigma / (2.0 * WIDTH)

    def unit(self, u: float) -> float:
        """The space's own coordinate at u."""
        return float(ndtr(2.0 * WIDTH * (u - 0.5))) if self.bell else u

    def values(self, u: Array) -> list[Any]:
        """The values at u (m,)."""
        if self.lattice is None:
            return [self.parameter.from_unit(self.unit(float(x))) for x in u]
        return [self.parameter.from_unit(x) for x in self.lattice[self._nearest(u)]]

    @property
    def width(self) -> int:
        return len(self.lattice) if self.category and self.lattice is not None else 1

    def snap(self, u: Array) -> Array:
        """u (m,) moved to the nearest level."""
        return u if self.lattice is None else self.lattice[self._nearest(u)]

    def columns(self, u: Array) -> Array:
        """u (m,) → (m, width)."""
        if self.lattice is None or not (self.category or self.ranked):
            return u[:, None]
        index = self._nearest(u)
        if self.ranked:
            return (index / max(len(self.lattice) - 1, 1)).astype(np.float64)[:, None]
        return np.asarray(np.eye(len(self.lattice))[index] * math.sqrt(0.5))

    def _nearest(self, u: Array) -> NDArray[np.intp]:
        assert self.lattice is not None
        middles = 0.5 * (self.lattice[1:] + self.lattice[:-1])
        return np.searchsorted(middles, u)


@dataclass(frozen=True)
class Features:
    """The active parameters of a space, as axes of the search."""

    space: Space
    axes: tuple[Axis, ...]
    inert: Mapping[str, Any]  # what the parameters that cannot act are held at
    rules: Rules

    @classmethod
    def of(cls, spec: Spec) -> Features:
        inert = {name: found.default for name, found in spec.inert.items()}
        return cls(
            spec.space, tuple(_axis(parameter) for parameter in spec.active), inert, spec.rules
        )

    @property
    def dimension(self) -> int:
        return len(self.axes)

    @property
    def group(self) -> NDArray[np.intp]:
        widths = [axis.width for axis in self.axes]
        return np.repeat(np.arange(self.dimension), np.array(widths, dtype=np.intp))

    @property
    def combinations(self) -> int | None:
        """How many different configurations there are; None where a parameter is (as good as) continuous. With
        constraints or conditions in a large space, an upper bound."""
        lattices = self._lattices()
        if lattices is None:
            return None
        size = math.prod(len(lattice) for lattice in lattices)
        return len(self.all_points()) if self.rules and size <= MOST_RULED else size

    def all_points(self) -> Array:
        """Every configuration of a finite space that the rules allow, (combinations, d)."""
        return self._points

    @cached_property
    def _points(self) -> Array:
        lattices = self._lattices()
        if not lattices:
            return np.empty((1, 0))
        grids = np.meshgrid(*lattices, indexing="ij")
        points = np.stack([grid.ravel() for grid in grids], axis=1)
        if not self.rules:
            return points
        points = self._settled(points)
        points = points[np.sort(np.unique(points, axis=0, return_index=True)[1])]
        return points[self.feasible(points)]

    def snap(self, U: Array) -> Array:
        """U (m, d) with every discrete coordinate at its nearest level, and what does not act at its one."""
        snapped = [axis.snap(U[:, i])[:, None] for i, axis in enumerate(self.axes)]
        return self._settled(np.concatenate([np.empty((len(U), 0)), *snapped], axis=1))

    def _settled(self, U: Array) -> Array:
        if not self.rules.conditions or not len(U):
            return U
        U, where = U.copy(), {axis.parameter.name: i for i, axis in enumerate(self.axes)}
        held = {
            name: self.axes[i].coordinate(self.rules.held[name])
            for name, i in where.items()
            if name in self.rules.held
        }
        for row, values in zip(U, self._values(U, self.rules.controls), strict=True):
            for name in self.rules.idle(values):
                if name in held:
                    row[where[name]] = held[name]
        return U

    def feasible(self, U: Array) -> NDArray[np.bool_]:
        """Which of the places U (m, d) keep the constraints."""
        if not self.rules.constraints:
            return np.ones(len(U), dtype=np.bool_)
        names = self.rules.names | self.rules.controls
        found = [self.rules.feasible(values) for values in self._values(U, names)]
        return np.array(found, dtype=np.bool_)

    @property
    def ruled(self) -> NDArray[np.bool_]:
        """The parameters (d,) on which it depends whether a place is feasible."""
        named = [axis.parameter.name in self.rules.names for axis in self.axes]
        return np.array(named, dtype=np.bool_)

    def obey(self, U: Array, rng: np.random.Generator) -> Array:
        """U (m, d), snapped; a place that is not feasible is moved towards one that is, in the coordinates that matter,
        until it is feasible too."""
        bad = ~self.feasible(U)
        pool = self._pool
        if not bad.any() or not len(pool):
            return U
        U, wished = U.copy(), U[bad]
        target = wished.copy()
        drawn = rng.permutation(len(pool))  # none twice before all were taken
        target[:, self.ruled] = pool[np.resize(drawn, len(wished))]
        kept = self.snap(target)
        for share in SHARES:
            moved = self.snap(target + share * (wished - target))
            good = self.feasible(moved)
            kept[good] = moved[good]
        U[bad] = kept
        return U

    @cached_property
    def _pool(self) -> Array:
        """Feasible places in the coordinates that `ruled` marks."""
        axes = [axis for axis in self.axes if axis.parameter.name in self.rules.names]
        rows = [[axis.coordinate(v[axis.parameter.name]) for axis in axes] for v in self.rules.pool]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(axes))

    def _values(self, U: Array, names: Collection[str]) -> list[dict[str, Any]]:
        """What the parameters among `names` have at U (m, d)."""
        fixed = {name: value for name, value in self.inert.items() if name in names}
        named = [(i, axis) for i, axis in enumerate(self.axes) if axis.parameter.name in names]
        keys = [axis.parameter.name for _, axis in named]
        rows = (
            zip(*(axis.values(U[:, i]) for i, axis in named), strict=True)
            if named
            else [()] * len(U)
        )
        return [{**fixed, **dict(zip(keys, row, strict=True))} for row in rows]

    def steps(self) -> Array:
        """The distance (d,) between neighbouring levels, 0 for a continuous parameter."""
        sizes = [0 if axis.lattice is None else len(axis.lattice) for axis in self.axes]
        return np.array([1.0 / size if size else 0.0 for size in sizes])

    def categories(self) -> NDArray[np.bool_]:
        """Which parameters (d,) are unordered."""
        return np.array([axis.category for axis in self.axes], dtype=np.bool_)

    def columns(self, U: Array) -> Array:
        """U (m, d) → X (m, p)."""
        columns = [axis.columns(U[:, i]) for i, axis in enumerate(self.axes)]
        return np.concatenate([np.empty((len(U), 0)), *columns], axis=1)

    def config(self, u: Array) -> dict[str, Any]:
        """The configuration at u (d,), with fixed values, and inert parameters at their defaults."""
        config = dict(self.space.from_unit(self._full(u)))
        for name, value in self.inert.items():
            config = self.space.put(config, name, value)
        return config

    def locate(self, config: Config, effective: Config) -> Array | None:
        """Where a run lies, (d,), going by its effective values where it reported any.

        None if a value is missing, or is none that the parameter can take. Numbers beyond a bound are placed outside
        of [0, 1], at most half a range away.
        """
        u = np.array([self._coordinate(axis, config, effective) for axis in self.axes])
        return self._settled(u[None])[0] if np.isfinite(u).all() else None

    def _coordinate(self, axis: Axis, config: Config, effective: Config) -> float:
        suggested = self.space.get(config, axis.parameter.name)
        u = axis.coordinate(self.space.get(effective, axis.parameter.name, suggested))
        return u if math.isnan(u) else min(max(u, -_OUTSIDE), 1.0 + _OUTSIDE)

    def _lattices(self) -> list[Array] | None:
        """All lattices; None if a parameter has none."""
        found = [axis.lattice for axis in self.axes if axis.lattice is not None]
        return found if len(found) == self.dimension else None

    def _full(self, u: Array) -> Array:
        active = {
            axis.parameter.name: axis.unit(float(x)) for axis, x in zip(self.axes, u, strict=True)
        }
        return np.array([active.get(parameter.name, 0.5) for parameter in self.space.parameters])


def _axis(parameter: Parameter) -> Axis:
    categorical = parameter.kind == "categorical"
    return Axis(
        parameter,
        _lattice(parameter),
        category=categorical and not parameter.ordered,
        ranked=categorical and parameter.ordered,
    )


def _lattice(parameter: Parameter) -> Array | None:
    """The unit coordinates of a parameter's levels, rising; None for too many to list."""
    levels = parameter.levels
    if levels is None or levels > (MOST_LEVELS if parameter.q is None else MOST_STEPS):
        return None
    if parameter.q is None:
        return np.asarray((np.arange(levels) + 0.5) / levels)
    return _steps(parameter)


@lru_cache(maxsize=256)
def _steps(parameter: Parameter) -> Array:
    """The lattice of a quantized parameter: up to a thousand conversions, for every suggestion of its sweep."""
    least, _ = parameter.range
    levels, q = parameter.levels or 0, parameter.q or 0.0
    return np.unique([parameter.to_unit(least + i * q) for i in range(levels)])


def rounded(U: Array) -> Array:
    """Coordinates as they tell places apart, whatever their last bits."""
    return np.asarray(np.round(U, 9) + 0.0)
