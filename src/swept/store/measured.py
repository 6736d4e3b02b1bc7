"""How much is kept of what an agent measures of the machine: the last hour as it came, and before it one row for each
interval, all of the same length, which doubles where the run would have too many. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

WHOLE_SECONDS = 3600
INTERVAL_SECONDS = 60
MOST_INTERVALS = 2000


def superfluous(seconds: Iterable[int], newest: int) -> list[int]:
    """Which of the rows of these seconds go, now that the `newest` is there.

    Intervals begin at whole multiples of their length, and the first row of each stays. So what has stayed once is the
    first of its interval also when that is twice as long, and it makes no difference how often this was asked.
    """
    earlier = sorted(second for second in seconds if second < newest - WHOLE_SECONDS)
    if not earlier:
        return []
    interval = INTERVAL_SECONDS
    while newest // interval - earlier[0] // interval >= MOST_INTERVALS:
        interval *= 2
    return [later for before, later in pairwise(earlier) if later // interval == before // interval]
