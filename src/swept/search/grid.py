"""Grid search in W&B's order: the product over the sorted names, the last name fastest (`sweeps` 0.3.0).

A point is done once a run with its suggested values exists, whatever became of that run; failed and crashed ones
are not tried again. Values are equal as W&B has it: 1 equals 1.0, but not True. A value that stands twice in a
list is visited once. Points that break a constraint are left out; of those that differ only in parameters without
effect (`swept.rules`) one is visited.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from swept.model import Config, History, Kind, Start
from swept.search.numbering import next_number, suggested
from swept.search.seeds import run_seed
from swept.space import Space
from swept.spec import Spec


def propose(spec: Spec, history: History, n: int, *, seed: int) -> list[Start]:
    """The next n points; fewer, or none, at the end of the grid."""
    size, first = spec.grid_size or 0, next_number(history)
    starts = []
    for number, (index, config) in zip(range(first, first + n), _open(spec, history), strict=False):
        why = {
            "reason": f"grid point {index + 1} of {size}",
            "strategy": "grid",
            "point": index + 1,
            "points": size,
        }
        starts.append(Start(Kind.SEARCH, config, run_seed(seed, number), why))
    return starts


def _open(spec: Spec, history: History) -> Iterator[tuple[int, dict[str, Any]]]:
    """The points that no run has had, in order, with their places in it."""
    space = spec.space
    done = {_key(space, spec.rules.settled(run.config)) for run in suggested(spec, history)}
    for index, config in enumerate(_points(spec)):
        key = _key(space, config)
        if key not in done:
            done.add(key)
            yield index, config


def _points(spec: Spec) -> Iterator[dict[str, Any]]:
    if not spec.rules:
        return spec.space.grid_points()
    return (spec.rules.settled(spec.space.grid(index)) for index in spec.rules.grid)


def _key(space: Space, config: Config) -> str:
    """What tells two grid points apart: the swept values, 1.0 written as 1."""
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
