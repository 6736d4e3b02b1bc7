"""How far a suggestion keeps from what was tried: next to a run there is little to learn, however tempting its value.

A landscape may be flat between steps (a table, a training that rounds its values) or shaken by luck: there the model's
slope towards a better value leads to the same value again and again. Where it is smooth, only near runs find the bottom.
Which it is, the sweep's own runs say (`share_kept`).
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.models.distance import squared_distances
from swept.models.features import Axis, Features

Array: TypeAlias = NDArray[np.float64]

CROWD = 0.25
"""Of the unit cube's volume, the balls around what was tried take up no more than this."""
FEW = 10
"""A parameter of at most so many levels, or an unordered one, is told apart by its level, not by a distance."""
SAME = 1e-6
"""Places at less than this distance are one."""
CLOSE = 2.0
"""A run within so many times the distance of an older one tells whether it pays to go nearer."""
GAINED, IN_VAIN = 0.25, 2.0
"""What the distance is multiplied by after a close run that was better than all before, and after one that was not."""
LEAST = 2.0**-8
"""The share of the distance that is kept in any case."""


def radius(features: Features, tried: int, wide: float) -> float:
    """`wide` √r, but less where the balls of that radius would take up more than CROWD of the cube; r: parameters that
    have more than a few levels. The others' combinations share out what was `tried`: each has a cube of its own."""
    levels = [
        len(axis.lattice) for axis in features.axes if _few(axis) and axis.lattice is not None
    ]
    real = features.dimension - len(levels)
    if not real:
        return SAME
    balls = max(tried / math.prod(levels), 1.0)
    log_ball = real / 2 * math.log(math.pi) - math.lgamma(real / 2 + 1)
    log_room = (math.log(CROWD / balls) - log_ball) / real
    return min(wide * math.sqrt(real), math.exp(log_room))


def share_kept(X: Array, values: Array, distance: float) -> float:
    """The share of `distance` to keep, 1 at first, by what came of runs close to older ones: X (n, p) in the model's
    columns, with `values` (n,), smaller is better, both in the order of the runs."""
    share, best = 1.0, math.inf
    for i, value in enumerate(values):
        gained, best = value < best, min(best, float(value))
        if SAME < gap(X[i : i + 1], X[:i])[0] < CLOSE * share * distance:
            share = max(GAINED * share, LEAST) if gained else min(IN_VAIN * share, 1.0)
    return share


def gap(A: Array, B: Array) -> Array:
    """The distance (m,) from each row of A (m, p) to the nearest of B (k, p); infinite without any."""
    if not len(B):
        return np.full(len(A), np.inf)
    return np.asarray(np.sqrt(squared_distances(A, B).min(1)))


def _few(axis: Axis) -> bool:
    return axis.lattice is not None and (axis.category or len(axis.lattice) <= FEW)
