"""How far a suggestion keeps from what was tried: next to a run there is little to learn, however tempting its value.

A landscape may be flat between steps (a table, a training that rounds its values) or shaken by luck: there the model's
slope towards a better value leads to the same value again and again. Where it is smooth, only near runs find the bottom.
Which it is, the sweep's own runs say (`trust`).
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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
NEARER, FARTHER = 0.25, 2.0
"""What the distance is multiplied by after a close run that was better than all before, and after one that was not."""
NEAREST = 2.0**-8


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
    ball = math.pow(math.pi, real / 2) / math.gamma(real / 2 + 1)
    room = math.pow(CROWD / (balls * ball), 1.0 / real)
    return min(wide * math.sqrt(real), room)


def trust(X: Array, values: Array, distance: float) -> float:
    """The share of `distance` to keep, 1 at first, by what came of runs close to older ones: X (n, p) in the model's
    columns, with `values` (n,), smaller is better, both in the order of the runs."""
    share, best = 1.0, math.inf
    for i, value in enumerate(values):
        gained, best = value < best, min(best, float(value))
        if SAME < gap(X[i : i + 1], X[:i])[0] < CLOSE * share * distance:
            share = max(NEARER * share, NEAREST) if gained else min(FARTHER * share, 1.0)
    return share


def gap(A: Array, B: Array) -> Array:
    """The distance (m,) from each row of A (m, p) to the nearest of B (k, p); infinite without any."""
    if not len(B):
        return np.full(len(A), np.inf)
    squared = (A * A).sum(1)[:, None] + (B * B).sum(1)[None, :] - 2.0 * (A @ B.T)
    return np.asarray(np.sqrt(np.maximum(squared.min(1), 0.0)))


def _few(axis: Axis) -> bool:
    return axis.lattice is not None and (axis.category or len(axis.lattice) <= FEW)
