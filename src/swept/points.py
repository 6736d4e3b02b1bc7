"""The points of a grid in W&B's order, and what tells two of them apart.

The product over the sorted names, the last name fastest (`sweeps` 0.3.0). Values are equal as W&B has it: 1 equals 1.0, but
not True. With constraints or conditions (`swept.rules`) the points are those that they leave.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from swept.model import Config
from swept.space import Space
from swept.spec import Spec


def points(spec: Spec) -> Iterator[dict[str, Any]]:
    """In order; a value that stands twice in a list gives two that are equal."""
    if not spec.rules:
        return spec.space.grid_points()
    return (spec.rules.settled(spec.space.grid(index)) for index in spec.rules.grid)


def key(spec: Spec, config: Config) -> str:
    """The swept values as they act, 1.0 written as 1: equal for equal points."""
    return _key(spec.space, spec.rules.settled(config))


def _key(space: Space, config: Config) -> str:
    return json.dumps(
        [_plain(space.get(config, parameter.name)) for parameter in space], default=str
    )


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
