"""How much is kept of what an agent measures of the machine: the last hour as it came, and before it one row for each
interval, all of the same length, which doubles where a run has measured for too many. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

WHOLE_SECONDS = 3600
INTERVAL_SECONDS = 60
MOST_INTERVALS = 2000
PAUSE = 4
"""A gap between rows counts as so many intervals at the most: in a pause, and with a clock that was wrong, nothing was
measured. More than two, since the rows that have stayed are up to two intervals apart, and count as before."""


def superfluous(seconds: Iterable[int], newest: int) -> list[int]:
    """Which of the rows of these seconds go, now that the `newest` is there.

    Intervals begin at whole multiples of their length, and the first row of each stays. So what has stayed once is the
    first of its interval also when that is twice as long, and it makes no difference how often this was asked.
    """
    earlier = sorted({second for second in seconds if second < newest - WHOLE_SECONDS})
    interval = INTERVAL_SECONDS
    while _measured(earlier, interval) >= MOST_INTERVALS * interval:
        interval *= 2
    return [later for before, later in pairwise(earlier) if later // interval == before // interval]


def _measured(seconds: list[int], interval: int) -> int:
    return sum(min(later - before, PAUSE * interval) for before, later in pairwise(seconds))
