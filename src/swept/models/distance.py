"""Distances between places, by one matrix product."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def squared_distances(A: Array, B: Array) -> Array:
    """|a - b|² (m, n) of the rows of A (m, p) and B (n, p); of equal rows it may be off 0 by the last bits."""
    squared = (A * A).sum(1)[:, None] + (B * B).sum(1)[None, :] - 2.0 * (A @ B.T)
    return np.asarray(np.maximum(squared, 0.0))
