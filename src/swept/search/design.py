"""The space-filling design that a model-based search starts with.

A maximin Latin hypercube of midpoints: each parameter takes each of its `size` slices exactly once, and of
many such arrangements the one with the largest smallest distance is kept (McKay, Beckman, Conover 1979;
Johnson, Moore, Ylvisaker 1990). At five to ten points in a dozen dimensions it spreads better than a scrambled
Sobol sequence, whose balance needs far more points than dimensions (docs/design/search.md has the figures).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from swept.search.seeds import Stream, generator

Array = NDArray[np.float64]

STARTS = 5
_ARRANGEMENTS = 64
_TOGETHER = 4
"""So many blocks in a row keep away from one another."""


def design_size(max_runs: int | None) -> int:
    """How many runs are spread out before the first model: few, since already the first model finds better places
    than a design does; of a small budget at most half."""
    return STARTS if max_runs is None else min(STARTS, max(3, max_runs // 2))


def design(size: int, dimension: int, seed: int, block: int = 0) -> Array:
    """`size` points of the unit cube (size, dimension). Further blocks are further designs, which keep away from those
    before them, so that many workers are as well spread as few."""
    return _block(size, dimension, seed, block).copy()


@lru_cache(maxsize=64)
def _block(size: int, dimension: int, seed: int, block: int) -> Array:
    rng = generator(seed, block, Stream.DESIGN)
    ranks = rng.permuted(
        np.broadcast_to(np.arange(size)[:, None], (_ARRANGEMENTS, size, dimension)), axis=1
    )
    points = np.asarray((ranks + 0.5) / size, dtype=np.float64)
    before = range(block - block % _TOGETHER, block)
    earlier = [_block(size, dimension, seed, each) for each in before]
    if size + len(earlier) < 2:
        return np.asarray(points[0], dtype=np.float64)
    chosen = int(np.argmax([_closest(np.vstack([each, *earlier])) for each in points]))
    return np.asarray(points[chosen], dtype=np.float64)


def _closest(points: Array) -> float:
    """The smallest squared distance between two of the points (m, d)."""
    norms = (points * points).sum(1)
    squared = norms[:, None] + norms[None, :] - 2.0 * points @ points.T
    np.fill_diagonal(squared, np.inf)
    return float(squared.min())
