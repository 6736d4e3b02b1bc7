"""Whether two lists of numbers agree on the order."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array: TypeAlias = NDArray[np.float64]


def rank_correlation(first: Array, second: Array) -> float | None:
    """Spearman's; None where one of them has no order, being constant or empty."""
    if any(not len(each) or (each == each[0]).all() for each in (first, second)):
        return None
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])
