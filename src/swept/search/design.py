"""The space-filling design that a model-based search starts with.

A maximin Latin hypercube of midpoints: each parameter takes each of its `size` slices exactly once, and of
many such arrangements the one with the largest smallest distance is kept (McKay, Beckman, Conover 1979;
Johnson, Moore, Ylvisaker 1990). At five to ten points in a dozen dimensions it spreads better than a scrambled
Sobol sequence, whose balance needs far more points than dimensions (docs/design/search.md has the figures).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swept.search.seeds import Stream, generator

Array = NDArray[np.float64]

_ARRANGEMENTS = 64


def design_size(dimension: int, max_runs: int | None) -> int:
    """How many runs are spread out before the first model: 5 to 10, at most half of a small budget."""
    size = max(5, min(2 * dimension, 10))
    return size if max_runs is None else min(size, max(3, max_runs // 2))


def design(size: int, dimension: int, seed: int, block: int = 0) -> Array:
    """`size` points of the unit cube (size, dimension). Further blocks are further, independent designs."""
    rng = generator(seed, block, Stream.DESIGN)
    ranks = rng.permuted(
        np.broadcast_to(np.arange(size)[:, None], (_ARRANGEMENTS, size, dimension)), axis=1
    )
    points = np.asarray((ranks + 0.5) / size, dtype=np.float64)
    if size < 2:
        return np.asarray(points[0], dtype=np.float64)
    chosen = int(np.argmax([_closest(each) for each in points]))
    return np.asarray(points[chosen], dtype=np.float64)


def _closest(points: Array) -> float:
    """The smallest squared distance between two of the points (m, d)."""
    norms = (points * points).sum(1)
    squared = norms[:, None] + norms[None, :] - 2.0 * points @ points.T
    np.fill_diagonal(squared, np.inf)
    return float(squared.min())
