"""Whether a sweep has nothing left to try: then its last runs are trained to their end, as at the end of a budget."""

from __future__ import annotations

from swept.model import History, Run
from swept.points import key, points
from swept.spec import Spec
from swept.stopping.comparable import comparable, withdrawn

_MOST = 4096
"""Larger spaces are not looked at: no sweep comes to their end."""


def exhausted(spec: Spec, history: History) -> bool:
    """Whether every configuration of a finite space, or every point of a grid, was suggested."""
    size = configurations(spec)
    if size is None or size > _MOST or len(history.runs) < size:
        return False
    tried = [run for run in comparable(spec, history) if not withdrawn(run)]
    if spec.method == "grid":
        there = {key(spec, run.config) for run in tried}
        return all(key(spec, point) in there for point in points(spec))
    return _all_tried(spec, tried)


def configurations(spec: Spec) -> int | None:
    """How many different ones the method can try; None without a limit."""
    if spec.method == "random":
        return None  # it repeats itself
    if spec.method == "grid":
        return spec.grid_size
    from swept.stopping.forecast import features_of  # numpy: only for a search that has a model

    return features_of(spec).features.combinations


def _all_tried(spec: Spec, tried: list[Run]) -> bool:
    from swept.models.features import rounded
    from swept.stopping.forecast import features_of

    where = features_of(spec)
    found = [where.features.locate(run.config, {}) for run in tried]
    there = {rounded(place).tobytes() for place in found if place is not None}
    return all(rounded(row).tobytes() in there for row in where.features.all_points())
