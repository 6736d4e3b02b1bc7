"""The rungs of a training: the steps at which runs are compared, paused and continued.

The first rung is about 4 % of a full training, and each next one twice as far, up to three quarters of the way; then
comes the end. A run is always started for its full length, so that schedules over all steps stay right.
"""

from __future__ import annotations

from functools import lru_cache

FIRST = 0.04
LAST = 0.75
FACTOR = 2


@lru_cache(maxsize=256)
def ladder(full: int) -> tuple[int, ...]:
    """The rungs of a training of `full` ≥ 1 steps, rising; the last one is its end."""
    first = max(1, round(FIRST * full))
    rungs = []
    while first < LAST * full:
        rungs.append(first)
        first *= FACTOR
    return (*rungs, full)
