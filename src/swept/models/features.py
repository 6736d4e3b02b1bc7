"""A configuration as the model sees it: from the space's unit cube to the columns of a Gaussian process.

| symbol | shape | meaning |
|---|---|---|
| U | (m, d) | unit coordinates of the d active parameters, as `Parameter.to_unit` gives them |
| X | (m, p) | the model's columns: p ≥ d, since an unordered parameter takes one column a category |
| group | (p,) | which parameter a column belongs to |

Reals and integers enter by their unit coordinate (logarithmic where the distribution is), numeric categories
by rank in [0, 1], unordered categories one-hot with the weight √½, so that two different categories are at
distance 1 whatever their number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swept.model import Config
from swept.space import Parameter, Space

Array = NDArray[np.float64]

MOST_LEVELS = 100_000
MOST_STEPS = 1_000
"""Integers of more levels, and quantized parameters of more steps, are searched as if they were continuous: that
two suggestions meet on such a lattice is no concern."""
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


@dataclass(frozen=True, slots=True)
class Features:
    """The active parameters of a space, as axes of the search."""

    space: Space
    axes: tuple[Axis, ...]
    inert: Mapping[str, Any]  # what the parameters that cannot act are held at

    @classmethod
    def of(cls, space: Space, active: Sequence[Parameter], inert: Mapping[str, Any]) -> Features:
        return cls(space, tuple(_axis(parameter) for parameter in active), inert)

    @property
    def dimension(self) -> int:
        return len(self.axes)

    @property
    def group(self) -> NDArray[np.intp]:
        widths = [axis.width for axis in self.axes]
        return np.repeat(np.arange(self.dimension), np.array(widths, dtype=np.intp))

    @property
    def combinations(self) -> int | None:
        """How many different configurations there are; None where a parameter is (as good as) continuous."""
        lattices = self._lattices()
        return None if lattices is None else math.prod(len(lattice) for lattice in lattices)

    def all_points(self) -> Array:
        """Every configuration of a finite space, (combinations, d)."""
        lattices = self._lattices()
        if not lattices:
            return np.empty((1, 0))
        return np.stack([grid.ravel() for grid in np.meshgrid(*lattices, indexing="ij")], axis=1)

    def snap(self, U: Array) -> Array:
        """U (m, d) with every discrete coordinate at its nearest level."""
        snapped = [axis.snap(U[:, i])[:, None] for i, axis in enumerate(self.axes)]
        return np.concatenate([np.empty((len(U), 0)), *snapped], axis=1)

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
        u = np.array([self._coordinate(axis.parameter, config, effective) for axis in self.axes])
        return u if np.isfinite(u).all() else None

    def _coordinate(self, parameter: Parameter, config: Config, effective: Config) -> float:
        suggested = self.space.get(config, parameter.name)
        u = parameter.to_unit(self.space.get(effective, parameter.name, suggested))
        return u if math.isnan(u) else min(max(u, -_OUTSIDE), 1.0 + _OUTSIDE)

    def _lattices(self) -> list[Array] | None:
        """All lattices; None if a parameter has none."""
        found = [axis.lattice for axis in self.axes if axis.lattice is not None]
        return found if len(found) == self.dimension else None

    def _full(self, u: Array) -> Array:
        active = {axis.parameter.name: float(x) for axis, x in zip(self.axes, u, strict=True)}
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
