"""The search space: W&B's distributions, each mapped to the unit interval and back.

| symbol | shape | meaning |
|---|---|---|
| u | (d,) | a point of the unit cube, one coordinate a searched parameter, in `Space.parameters`' order |
| d | | `Space.dimension`; constants are not coordinates |

The unit scale of a number is its distribution's cumulative probability, so that a uniform point of the cube is a
draw of W&B's (checked against `sweeps` 0.3.0). Finite domains get cells of equal width, a value standing in the
middle of its cell; categories that are all numbers are ordered by size. Quantized draws are rounded to a multiple
of q and may so lie up to q/2 outside min and max, as with W&B.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.model import Config

Path: TypeAlias = tuple[str, ...]
Array: TypeAlias = NDArray[np.float64]

CATEGORICAL = frozenset({"categorical", "categorical_w_probabilities"})
LOGARITHMIC = frozenset(
    {
        "log_uniform_values",
        "inv_log_uniform_values",
        "q_log_uniform_values",
        "log_normal",
        "q_log_normal",
    }
)
UNBOUNDED = frozenset({"normal", "q_normal", "log_normal", "q_log_normal"})
BETA = frozenset({"beta", "q_beta"})

EDGE = 1e-9
"""Distributions with tails are cut at these probabilities: the cube's faces must be finite values."""


def number(value: Any) -> bool:
    """Whether `value` is an int or a float, NaN and infinities included; booleans are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(a: Any, b: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but True is not 1, at any depth."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(itertools.starmap(same, zip(a, b, strict=True)))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One searched parameter.

    `low` and `high` bound the values themselves: the exponents of W&B's `log_uniform`, `inv_log_uniform` and
    `q_log_uniform` have been turned into values and the distribution into its `…_values` form. They are None for
    categories and for normal, log-normal and beta distributions. `values` are distinct; `probabilities` go with
    them, and are None where all are alike. `path` holds the keys of a nested parameter (default: `name` at its dots).
    """

    name: str
    distribution: str
    path: Path = ()
    values: tuple[Any, ...] = ()
    probabilities: tuple[float, ...] | None = None
    low: float | None = None
    high: float | None = None
    q: float | None = None
    mu: float = 0.0
    sigma: float = 1.0
    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        if not self.path:
            object.__setattr__(self, "path", tuple(self.name.split(".")))

    # -- what it is ---------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """categorical, int or real. Quantized by a whole q, values are integers, as with W&B."""
        if self.distribution in CATEGORICAL:
            return "categorical"
        whole = self.distribution == "int_uniform" or isinstance(self.q, int)
        return "int" if whole else "real"

    @property
    def log(self) -> bool:
        return self.distribution in LOGARITHMIC

    @property
    def ordered(self) -> bool:
        """Whether all its values are numbers."""
        return self.kind != "categorical" or all(map(number, self.values))

    @property
    def levels(self) -> int | None:
        """How many values it has; None without a finite number of them."""
        if self.distribution in CATEGORICAL:
            return len(self.values)
        if self.distribution == "int_uniform":
            return int(self._high) - int(self._low) + 1
        if self.q is None or self.distribution in UNBOUNDED:
            return None
        least, most = self.range
        return round((most - least) / self.q) + 1

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest value that a draw can have; for tails, at `EDGE`. Numbers only."""
        if self.distribution in CATEGORICAL:
            return min(self.values), max(self.values)
        return self._value(0.0), self._value(1.0)

    # -- between values and the unit interval ---------------------------------------------------

    def contains(self, value: Any) -> bool:
        """Whether `value` lies in the domain. Quantized ones: in its range, whatever the step."""
        if self.distribution in CATEGORICAL:
            return self._index(value) is not None
        if not number(value) or not math.isfinite(value):
            return False
        if self.kind == "int" and value != int(value):
            return False
        if self.distribution in UNBOUNDED and self.q is None:
            return not self.log or bool(value > 0)
        least, most = self.range
        return bool(least <= value <= most)

    def to_unit(self, value: Any) -> float:
        """The coordinate of `value`; NaN where it is of another type or no category.

        Numbers outside of min and max get coordinates outside of [0, 1] (a model may use them), except on a log
        scale below zero, which has none.
        """
        if self.distribution in CATEGORICAL:
            index = self._index(value)
            return math.nan if index is None else (self._rank(index) + 0.5) / len(self.values)
        if not number(value) or not math.isfinite(value):
            return math.nan
        if self.kind == "int" and value != int(value):
            return math.nan
        if self.q is not None and self.contains(value):
            return min(max(self._unit(float(value)), 0.0), 1.0)
        return self._unit(float(value))

    def from_unit(self, u: float) -> Any:
        """The value at coordinate `u`, which is cut to [0, 1]: always one of the domain."""
        u = min(max(float(u), 0.0), 1.0)
        if self.distribution in CATEGORICAL:
            cell = min(int(u * len(self.values)), len(self.values) - 1)
            return deepcopy(self.values[self._order()[cell]])
        return self._value(u)

    def sample(self, rng: np.random.Generator) -> Any:
        """A draw from its distribution."""
        if self.probabilities is not None:
            edges = np.cumsum(self.probabilities)
            drawn = int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
            return deepcopy(self.values[min(drawn, len(self.values) - 1)])
        if self.distribution in CATEGORICAL:
            return deepcopy(self.values[int(rng.integers(len(self.values)))])
        return self.from_unit(rng.random())

    def typed(self, value: Any) -> Any:
        """`value` as this parameter writes it: 5.0 → 5, 1 → 1.0, the category that equals it. Else unchanged."""
        if self.distribution in CATEGORICAL:
            index = self._index(value)
            return value if index is None else deepcopy(self.values[index])
        if not number(value) or not math.isfinite(value):
            return value
        if self.kind == "int":
            return int(value) if value == int(value) else value
        return float(value)

    def at_most(self, limit: float) -> Any | None:
        """The largest value of the domain that is not above `limit`; None without one, or without an order."""
        if self.distribution in CATEGORICAL:
            fitting = [value for value in self.values if number(value) and value <= limit]
            return max(fitting) if self.ordered and fitting else None
        least, most = self.range
        if limit < least:
            return None
        value = min(limit, most)
        if self.q is not None:
            value = max(math.floor(value / self.q + EDGE) * self.q, least)
        return math.floor(value) if self.kind == "int" else float(value)

    def grid_values(self) -> Sequence[Any]:
        """The values that W&B's grid visits, in its order; empty where it has none (see `griddable`)."""
        if self.distribution in CATEGORICAL:
            return self.values
        if self.distribution == "int_uniform":
            return range(int(self._low), int(self._high) + 1)
        if self.distribution == "q_uniform" and self.q is not None:
            return _Steps(self._low, self._high, self.q)
        return ()

    @property
    def griddable(self) -> bool:
        """W&B's grid takes categories without probabilities, int_uniform and q_uniform."""
        return self.distribution in ("categorical", "int_uniform", "q_uniform")

    # -- the arithmetic -------------------------------------------------------------------------

    @property
    def _low(self) -> float:
        return 0.0 if self.low is None else self.low

    @property
    def _high(self) -> float:
        return 1.0 if self.high is None else self.high

    def _index(self, value: Any) -> int | None:
        return next((i for i, known in enumerate(self.values) if same(known, value)), None)

    def _order(self) -> list[int]:
        """Cell → index into `values`."""
        cells = range(len(self.values))
        return sorted(cells, key=lambda i: self.values[i]) if self.ordered else list(cells)

    def _rank(self, index: int) -> int:
        return self._order().index(index)

    def _unit(self, x: float) -> float:
        if self.distribution == "int_uniform":
            return (x - self._low + 0.5) / (self._high - self._low + 1)
        if self.distribution in UNBOUNDED:
            if self.log and x <= 0:
                return 0.0 if x == 0 and self.q is not None else math.nan
            z = ((math.log(x) if self.log else x) - self.mu) / self.sigma
            return 0.5 * math.erfc(-z / math.sqrt(2.0))
        if self.distribution in BETA:
            return _beta_probability(x, self.a, self.b)
        if self.log:
            if x <= 0:
                return 0.0 if x == 0 and self.q is not None else math.nan
            return math.log(x / self._low) / math.log(self._high / self._low)
        return (x - self._low) / (self._high - self._low)

    def _value(self, u: float) -> Any:
        """u in [0, 1] → a value of a numeric domain."""
        if self.distribution == "int_uniform":
            low, high = int(self._low), int(self._high)
            return min(low + int(u * (high - low + 1)), high)
        raw = self._quantile(u)
        if self.q is None:
            return raw
        # np.round, as W&B does: halves go to the even multiple
        steps = float(np.round(raw / self.q))
        return int(steps) * self.q if isinstance(self.q, int) else steps * self.q

    def _quantile(self, u: float) -> float:
        if self.distribution in UNBOUNDED:
            z = NormalDist(self.mu, self.sigma).inv_cdf(min(max(u, EDGE), 1.0 - EDGE))
            return math.exp(z) if self.log else z
        if self.distribution in BETA:
            return _beta_quantile(min(max(u, EDGE), 1.0 - EDGE), self.a, self.b)
        if self.log:
            raw = self._low * math.exp(u * math.log(self._high / self._low))
        else:
            raw = self._low + u * (self._high - self._low)
        return float(min(max(raw, self._low), self._high))


@dataclass(frozen=True)
class Space:
    """Searched parameters, and the constants that every config has.

    `parameters` are kept in W&B's order: sorted by name, level by level. `constants` maps paths to values.
    """

    parameters: tuple[Parameter, ...]
    constants: Mapping[Path, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ordered = sorted(self.parameters, key=lambda parameter: parameter.path)
        object.__setattr__(self, "parameters", tuple(ordered))
        object.__setattr__(self, "constants", dict(sorted(self.constants.items())))

    @property
    def dimension(self) -> int:
        return len(self.parameters)

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The constants by dotted name."""
        return {".".join(path): value for path, value in self.constants.items()}

    def parameter(self, name: str) -> Parameter | None:
        return next((found for found in self.parameters if found.name == name), None)

    def names(self) -> tuple[str, ...]:
        """All dotted names, searched and constant."""
        return (*(parameter.name for parameter in self.parameters), *self.fixed)

    # -- configs --------------------------------------------------------------------------------

    def config(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The nested config of `values` (by dotted name) and the constants."""
        made: dict[str, Any] = {}
        for path, value in self.constants.items():
            _put(made, path, deepcopy(value))
        for name, value in values.items():
            _put(made, self._path(name), value)
        return made

    def get(self, config: Config, name: str, default: Any = None) -> Any:
        """The value of a dotted name in a nested config."""
        found: Any = config
        for key in self._path(name):
            if not isinstance(found, Mapping) or key not in found:
                # Programs report flat configs too, with the dots in the keys.
                return config.get(name, default)
            found = found[key]
        return found

    def put(self, config: Config, name: str, value: Any) -> dict[str, Any]:
        """A copy of `config` with `name` set to `value`."""
        made = deepcopy(dict(config))
        _put(made, self._path(name), value)
        return made

    def contains(self, config: Config) -> bool:
        """Whether each searched parameter has a value of its domain."""
        return all(parameter.contains(self.get(config, parameter.name)) for parameter in self)

    def typed(self, config: Config) -> dict[str, Any]:
        """A copy of `config` with the searched parameters' values as the space writes them."""
        made = deepcopy(dict(config))
        for parameter in self:
            value = self.get(config, parameter.name, _MISSING)
            if value is not _MISSING:
                made.pop(parameter.name, None)
                _put(made, parameter.path, parameter.typed(value))
        return made

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    # -- the cube -------------------------------------------------------------------------------

    def to_unit(self, config: Config) -> Array:
        """u, shape (d,): NaN where a value is missing or of no use; see `Parameter.to_unit`."""
        coordinates = [p.to_unit(self.get(config, p.name)) for p in self]
        return np.array(coordinates, dtype=np.float64)

    def from_unit(self, u: Sequence[float] | Array) -> dict[str, Any]:
        """The config at u, shape (d,), snapped to integers, steps and categories."""
        return self.config(
            {p.name: p.from_unit(x) for p, x in zip(self.parameters, u, strict=True)}
        )

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """A config drawn from the distributions."""
        return self.config({parameter.name: parameter.sample(rng) for parameter in self})

    # -- the grid -------------------------------------------------------------------------------

    def grid_size(self) -> int | None:
        """How many points W&B's grid has; None where a parameter has no finite grid."""
        if not all(parameter.griddable for parameter in self):
            return None
        return math.prod(len(parameter.grid_values()) for parameter in self)

    def grid(self, index: int) -> dict[str, Any]:
        """Point `index` (from 0) of the grid: the last name varies fastest."""
        values: dict[str, Any] = {}
        for parameter in reversed(self.parameters):
            levels = parameter.grid_values()
            index, digit = divmod(index, len(levels))
            values[parameter.name] = deepcopy(levels[digit])
        return self.config(values)

    def grid_points(self) -> Iterator[dict[str, Any]]:
        """All points in W&B's order."""
        return (self.grid(index) for index in range(self.grid_size() or 0))

    def _path(self, name: str) -> Path:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter.path
        for path in self.constants:
            if ".".join(path) == name:
                return path
        return tuple(name.split("."))


_MISSING = object()


class _Steps(Sequence[float]):
    """numpy's arange(low, high, q) without building it: W&B's grid over q_uniform leaves `high` out."""

    def __init__(self, low: float, high: float, q: float) -> None:
        fractional = any(isinstance(bound, float) for bound in (low, high, q))
        self._low, self._q = (float(low) if fractional else low), q
        # arange steps by the difference of its first two values, rounding included
        self._step = (self._low + q) - self._low
        self._count = max(math.ceil((high - low) / q), 0)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        position = index % self._count
        return self._low + self._q if position == 1 else self._low + position * self._step


def _put(config: dict[str, Any], path: Path, value: Any) -> None:
    *parents, last = path
    for key in parents:
        inner = config.get(key)
        if not isinstance(inner, dict):
            inner = dict(inner) if isinstance(inner, Mapping) else {}
            config[key] = inner
        config = inner
    config[last] = value


def _beta_probability(x: float, a: float, b: float) -> float:
    from scipy.special import betainc  # heavy; few sweeps have a beta distribution

    return float(betainc(a, b, min(max(x, 0.0), 1.0)))


def _beta_quantile(u: float, a: float, b: float) -> float:
    from scipy.special import betaincinv

    return float(betaincinv(a, b, u))
