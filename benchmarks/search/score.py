"""The yardsticks, as pure functions of traces and of values by cell.

A cell is one (task, seed): the same for all methods, so that differences are taken pairwise. A trace is a list of
(steps spent, time, regret), a row for each gain; before the first the regret is 1.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Cell: TypeAlias = tuple[str, int]
Cells: TypeAlias = Mapping[Cell, float]
Trace: TypeAlias = Sequence[tuple[float, float, float]]

WORST: Final = 1.0
LEVEL: Final = 0.90
DRAWS: Final = 4000
FEWEST: Final = 4
"""With fewer cells an interval says nothing."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its bootstrap interval. `n`: over how many cells."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def behind(self) -> bool:
        """As a difference of regrets: worse by more than noise."""
        return self.n >= FEWEST and self.low > 0

    @property
    def ahead(self) -> bool:
        return self.n >= FEWEST and self.high < 0


# -- traces ---------------------------------------------------------------------------------------


def at_spent(trace: Trace, spent: float) -> float:
    """The regret once `spent` steps were paid for."""
    place = bisect_right(trace, spent, key=lambda row: row[0])
    return trace[place - 1][2] if place else WORST


def at_time(trace: Trace, time: float) -> float:
    """The regret after `time`, in steps of one worker."""
    place = bisect_right(trace, time, key=lambda row: row[1])
    return trace[place - 1][2] if place else WORST


def to_reach(trace: Trace, regret: float, budget: float) -> float:
    """The steps spent when `regret` was reached; `budget` where it never was."""
    return next((row[0] for row in trace if row[2] <= regret), budget)


def mean_to_reach(traces: Sequence[Trace], regret: float, budget: float) -> float:
    """The steps after which the mean regret of the traces is `regret` or less; `budget` where it never is.

    The mean changes only where a trace does.
    """
    changes = sorted({row[0] for trace in traces for row in trace})
    low, high = 0, len(changes)
    while low < high:
        middle = (low + high) // 2
        if np.mean([at_spent(trace, changes[middle]) for trace in traces]) <= regret:
            high = middle
        else:
            low = middle + 1
    return changes[low] if low < len(changes) else budget


# -- cells ----------------------------------------------------------------------------------------


def common(*tables: Cells) -> list[Cell]:
    """The cells that all of them have, in order."""
    shared = set(tables[0]).intersection(*tables[1:]) if tables else set()
    return sorted(shared)


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def bootstrap(
    rows: Array, statistic: Callable[[Array], Array], *, draws: int = DRAWS, level: float = LEVEL
) -> tuple[float, float]:
    """The percentile interval of `statistic` of resampled rows, shape (n, k) → weights (draws, n) → (draws,).

    `statistic` gets the rows' weights in each draw, which sum to 1. Source: Efron, Tibshirani 1993.
    """
    n = len(rows)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=draws) / n
    low, high = np.quantile(statistic(weights), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def difference(ours: Cells, theirs: Cells) -> Interval:
    """Mean of ours − theirs over the common cells; below 0, ours is better. NaN without a cell."""
    cells = common(ours, theirs)
    rows = np.array([ours[cell] - theirs[cell] for cell in cells])
    if not cells:
        return Interval(math.nan, math.nan, math.nan, 0)
    low, high = bootstrap(rows, lambda weights: weights @ rows)
    return Interval(float(rows.mean()), low, high, len(cells))


def ratio(ours: Cells, theirs: Cells) -> Interval:
    """Mean of ours divided by the mean of theirs, over the common cells; NaN where theirs is 0."""
    cells = common(ours, theirs)
    a, b = (np.array([table[cell] for cell in cells]) for table in (ours, theirs))
    if not cells or b.mean() == 0:
        return Interval(math.nan, math.nan, math.nan, len(cells))

    def of(weights: Array) -> Array:
        below = weights @ b
        above = weights @ a
        return np.asarray(np.where(below > 0, above / np.where(below > 0, below, 1.0), 1.0))

    low, high = bootstrap(a, of)
    return Interval(float(a.mean() / b.mean()), low, high, len(cells))


def average_ranks(tables: Mapping[str, Cells]) -> dict[str, float]:
    """The mean rank of each method over the cells that all have; 1 is best, ties share the mean of their places."""
    names = list(tables)
    cells = common(*tables.values())
    if not cells:
        return dict.fromkeys(names, math.nan)
    values = np.array([[tables[name][cell] for name in names] for cell in cells])
    better = (values[:, :, None] > values[:, None, :]).sum(axis=2)
    equal = (values[:, :, None] == values[:, None, :]).sum(axis=2)
    ranks = better + (equal + 1) / 2
    return dict(zip(names, ranks.mean(axis=0).tolist(), strict=True))


def best_peer(tables: Mapping[str, Cells], ours: str) -> str | None:
    """The method other than `ours` with the smallest mean over the cells that all have."""
    cells = common(*tables.values())
    others = [name for name in tables if name != ours]
    if not cells or not others:
        return None
    return min(others, key=lambda name: mean([tables[name][cell] for cell in cells]))


def verdict(found: Interval) -> str:
    """A difference of regrets in a word."""
    if found.n < FEWEST:
        return "not compared"
    if found.ahead:
        return "ahead"
    return "behind" if found.behind else "within noise"
