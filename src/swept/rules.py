"""What a sweep file says of its parameters together: constraints that every configuration keeps, and conditions
under which a parameter acts at all.

A parameter whose condition does not hold, or names one that does not act, is held at one value: configurations that
differ in it alone are the same, and nothing is learnt of it.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from swept.conditions import Condition, Meaningless, read_condition
from swept.model import Config
from swept.space import Parameter, Space

MOST_DRAWS: Final = 200_000
"""A draw is tried so often: with one feasible configuration in 10,000, all of them fail once in 10⁸."""
MOST_COUNTED: Final = 50_000
LEAST_SHARE: Final = 1e-4
"""A space of which less is feasible is refused: the search would be for the feasible, not for the best."""
_ENOUGH: Final = 20
_SENSELESS: Final = 200
MOST_POOLED, MOST_POOL_DRAWS = 256, 60_000


@dataclass(frozen=True)
class Rules:
    """`held`: what a parameter with a condition has where it does not act. `outside`: what is not varied, by
    name: constants, the program's own defaults, and parameters that cannot act."""

    space: Space
    constraints: tuple[Condition, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    held: Mapping[str, Any] = field(default_factory=dict)
    outside: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        space: Space,
        constraints: Iterable[str],
        conditions: Mapping[str, str],
        defaults: Callable[[str], Any],
        baseline: Mapping[str, Any],
        inert: Mapping[str, Any],
    ) -> Rules:
        """From the texts. `defaults` gives the program's own value of a name, None where it is not known; `inert` what
        parameters that cannot act are held at. Raises Meaningless."""
        read = tuple(map(read_condition, constraints))
        when = _in_order({name: read_condition(text) for name, text in conditions.items()})
        named = {name for each in (*read, *when.values()) for name in each.names}
        unsaid = {name: defaults(name) for name in sorted(named) if space.parameter(name) is None}
        held = {
            parameter.name: _held(
                parameter, [baseline.get(parameter.name), defaults(parameter.name)]
            )
            for parameter in space
            if parameter.name in when
        }
        return cls(space, read, when, held, {**unsaid, **space.fixed, **inert})

    def __bool__(self) -> bool:
        return bool(self.constraints or self.conditions)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names on which it depends whether a configuration is feasible."""
        return self._closure(name for each in self.constraints for name in each.names)

    @cached_property
    def controls(self) -> frozenset[str]:
        """The names on which it depends what acts."""
        return self._closure(self.conditions)

    # -- by values: name → value ------------------------------------------------------------------

    def idle(self, values: Mapping[str, Any]) -> list[str]:
        """The parameters that do not act with `values`, which must hold all of `controls`."""
        values, found = {**self.outside, **values}, []
        for name, condition in self.conditions.items():
            below = any(inner in found for inner in condition.names)
            if below or not _holds(condition, values):
                found.append(name)
                values[name] = self.held[name]
        return found

    def feasible(self, values: Mapping[str, Any]) -> bool:
        """Whether all constraints hold for `values`, which must hold all of `names`."""
        values = {**self.outside, **values}
        if self.conditions:
            values |= {name: self.held[name] for name in self.idle(values)}
        return all(_holds(constraint, values) for constraint in self.constraints)

    # -- by configurations ------------------------------------------------------------------------

    def settled(self, config: Config) -> dict[str, Any]:
        """A copy of `config` with what does not act at its one value."""
        made = dict(config)
        for name in self.idle(self._values(config, self.controls)) if self.conditions else ():
            made = self.space.put(made, name, self.held[name])
        return made

    def obeyed(self, config: Config) -> bool:
        return not self.constraints or self.feasible(
            self._values(config, self.names | self.controls)
        )

    @cached_property
    def pool(self) -> list[dict[str, Any]]:
        """Feasible values of `names`, drawn from their distributions: up to 256, and one if there is any."""
        rng, found = np.random.default_rng(0), list[dict[str, Any]]()
        parts = self._varied(self.names)
        for tries in range(MOST_DRAWS):
            if len(found) >= MOST_POOLED or (found and tries >= MOST_POOL_DRAWS):
                break
            values = {p.name: p.sample(rng) for p in parts}
            if self.feasible(values):
                found.append(values)
        return found

    def drawn(self, config: Config, rng: np.random.Generator) -> dict[str, Any] | None:
        """`config`, a draw of the space, or where it is not feasible another draw of the parameters that the
        constraints name: together draws of the distributions, given that the constraints hold. None if there was no
        feasible one in MOST_DRAWS."""
        if self.obeyed(config):
            return self.settled(config)
        parts = self._varied(self.names)
        others = self._values(config, self.names | self.controls)
        for _ in range(MOST_DRAWS):
            values = {**others, **{p.name: p.sample(rng) for p in parts}}
            if self.feasible(values):
                for p in parts:
                    config = self.space.put(config, p.name, values[p.name])
                return self.settled(config)
        return None

    # -- how much is feasible -----------------------------------------------------------------------

    def share(self) -> float:
        """Which part of the space is feasible, exactly if it is finite and small, else from draws: where it is
        large, roughly; 0 where none of MOST_COUNTED was. Raises Meaningless where a constraint has no meaning for any.
        """
        parts = self._varied(self.names | self.controls)
        levels = [p.levels for p in parts]
        size = math.prod(level for level in levels if level is not None)
        if None not in levels and size <= MOST_COUNTED:
            points: Iterable[tuple[Any, ...]] = itertools.product(*map(_all_values, parts))
            total = size
        else:
            rng = np.random.default_rng(0)
            points = (tuple(p.sample(rng) for p in parts) for _ in range(MOST_COUNTED))
            total = MOST_COUNTED
        names = [p.name for p in parts]
        seen = hits = senseless = 0
        reason = ""
        for point in points:
            seen += 1
            values = {**self.outside, **dict(zip(names, point, strict=True))}
            values |= {name: self.held[name] for name in self.idle(values)}
            try:
                hits += all(each.holds(values) for each in self.constraints)
            except Meaningless as why:
                senseless, reason = senseless + 1, str(why)
                if senseless == seen == _SENSELESS:
                    break
            if hits >= _ENOUGH and total == MOST_COUNTED:
                break
        if seen and senseless == seen:
            raise Meaningless(reason)
        return hits / max(seen, 1)

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """The points of W&B's grid that are feasible; of those that differ only in what does not act, the first."""
        seen, kept = set[str](), list[int]()
        for index, config in enumerate(self.space.grid_points()):
            if self.obeyed(config):
                key = json.dumps(self.settled(config), sort_keys=True, default=str)
                if key not in seen:
                    seen.add(key)
                    kept.append(index)
        return tuple(kept)

    def _varied(self, names: Container[str]) -> list[Parameter]:
        return [p for p in self.space if p.name in names and p.name not in self.outside]

    def _values(self, config: Config, names: Iterable[str]) -> dict[str, Any]:
        found = {name: self.space.get(config, name, _UNSAID) for name in names}
        return {name: value for name, value in found.items() if value is not _UNSAID}

    def _closure(self, names: Iterable[str]) -> frozenset[str]:
        """`names`, and those that the conditions on them name."""
        found: set[str] = set()
        open_names = list(names)
        while open_names:
            name = open_names.pop()
            if name not in found:
                found.add(name)
                open_names += self.conditions[name].names if name in self.conditions else ()
        return frozenset(found)


_UNSAID = object()


def circle(conditions: Mapping[str, Condition]) -> str | None:
    """A parameter that acts only if it acts itself, through whatever others; None without one."""
    left = dict(conditions)
    while left:
        free = [name for name, each in left.items() if not any(n in left for n in each.names)]
        if not free:
            return next(iter(left))
        for name in free:
            del left[name]
    return None


def _in_order(conditions: Mapping[str, Condition]) -> dict[str, Condition]:
    """Each after those that it names. Raises Meaningless for a circle."""
    if found := circle(conditions):
        raise Meaningless(f"whether `{found}` acts depends on itself")
    made: dict[str, Condition] = {}
    while len(made) < len(conditions):
        for name, each in conditions.items():
            if all(inner in made or inner not in conditions for inner in each.names):
                made.setdefault(name, each)
    return made


def _held(parameter: Parameter, wished: Iterable[Any]) -> Any:
    """The first of `wished` that is of its domain, else the first category, else the middle."""
    for value in wished:
        if value is not None and parameter.contains(parameter.typed(value)):
            return parameter.typed(value)
    return parameter.values[0] if parameter.values else parameter.from_unit(0.5)


def _holds(condition: Condition, values: Mapping[str, Any]) -> bool:
    try:
        return condition.holds(values)
    except (Meaningless, KeyError):
        return False


def _all_values(parameter: Parameter) -> list[Any]:
    if parameter.values:
        return list(parameter.values)
    levels = range(parameter.levels or 1)
    if parameter.q is None:
        return [parameter.from_unit((i + 0.5) / len(levels)) for i in levels]
    least = parameter.range[0]
    return [parameter.from_unit(parameter.to_unit(least + i * parameter.q)) for i in levels]
