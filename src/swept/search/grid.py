"""Grid search, point by point (`swept.points`).

A point is done once a run with its suggested values exists, whatever became of that run; failed and crashed ones
are not tried again. A value that stands twice in a list is visited once. Points that break a constraint are left out;
of those that differ only in parameters without effect (`swept.rules`) one is visited.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from swept.model import History, Kind, Start
from swept.points import key, points
from swept.search.numbering import next_number, suggested
from swept.search.seeds import run_seed
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
    done = {key(spec, run.config) for run in suggested(spec, history)}
    for index, config in enumerate(points(spec)):
        this = key(spec, config)
        if this not in done:
            done.add(this)
            yield index, config
