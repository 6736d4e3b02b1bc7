"""The rungs of `auto`: the steps at which runs are compared, paused and continued.

The first rung is about 4 % of a full training, and each next one twice as far, up to three quarters of the way; then
comes the end. A run is always started for its full length, so that schedules over all steps stay right.
"""

from __future__ import annotations

from functools import lru_cache

from swept.model import Run
from swept.stopping.rungs import Rungs

FIRST = 0.04
LAST = 0.75
FACTOR = 2
"""How much farther the next rung is; and 1/FACTOR of the runs at one go on."""
HEDGE = (0.65, 0.20, 0.15)
"""How many of the runs meet their first judgement at the first, second, third rung: slow starters get their chance."""
_SPREAD = 2654435761  # Knuth's multiplier: 2³² over the golden ratio
UNHEDGED = 16
"""The first so many runs are all judged at the first rung."""


@lru_cache(maxsize=256)
def ladder(full: int) -> tuple[int, ...]:
    """The rungs of a training of `full` ≥ 1 steps, rising; the last one is its end."""
    first = max(1, round(FIRST * full))
    rungs = []
    while first < LAST * full:
        rungs.append(first)
        first *= FACTOR
    return (*rungs, full)


@lru_cache(maxsize=256)
def rungs_of(most: int) -> Rungs:
    """The rungs of a sweep whose longest training has `most` steps."""
    return Rungs(ladder(most)[:-1], FACTOR, 1.0 / LAST, "step", first_rung)


LATE = 24
"""After so many runs, which tell the search where to look first …"""
FOURTH = 3
OFTEN, SELDOM, FIRST_FEW = 8, 16, 40
"""… every eighth run, from the 40th on every sixteenth, is judged first at the fourth rung, about a third of the way:
only there can a run that starts slowly and ends best be seen, where curves cross late."""


def first_rung(run: Run, rungs: tuple[int, ...]) -> int:
    """Where the run is judged first: drawn by its own seed, once the first runs are through."""
    if len(rungs) > FOURTH + 1 and _late(run.number):
        return rungs[FOURTH]
    if run.number <= UNHEDGED or len(rungs) < 4:
        return rungs[0]
    draw = ((run.seed or 0) * _SPREAD % 2**32) / 2**32
    return rungs[0] if draw < HEDGE[0] else rungs[1] if draw < HEDGE[0] + HEDGE[1] else rungs[2]


def _late(number: int) -> bool:
    if number <= LATE:
        return False
    return number % (OFTEN if number < FIRST_FEW else SELDOM) == 1
