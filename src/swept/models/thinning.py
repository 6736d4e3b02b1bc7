"""Which observations a model is made of where there are more than it can hold: it costs O(n³)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def thinned(values: Array, best: int, others: int) -> NDArray[np.intp]:
    """Indices of `values` (n,), rising: the smallest ones, where the optimum is, and some of the others, evenly spread
    over their order, so that the model knows the rest of the space too. All, where there are no more."""
    if len(values) <= best + others:
        return np.arange(len(values))
    order = np.argsort(values, kind="stable")
    rest = np.sort(order[best:])
    spread = np.linspace(0, len(rest) - 1, others).round().astype(np.intp)
    return np.sort(np.concatenate([order[:best], rest[spread]]))
