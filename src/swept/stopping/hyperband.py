"""Hyperband's early stopping as W&B runs it (`sweeps` 0.3.0), decided from the curves alone.

A run is judged at the last rung that it has passed. Rungs count *reports* of the objective (finite ones:
NaN and infinite reports are as if never made), not steps. At a rung, the values that all runs had at that
report are sorted, and the threshold is the one at place ⌊n / η⌋, so that about the best 1/η lie at or before
it. A run that is worse than the threshold stops; equal is good enough. `strict` compares the run's value at
the rung; without it, its best value so far.

Source: Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar 2018, "Hyperband", and W&B's implementation, whose
choices (the value at the rung and not the best before it, no minimum number of runs) are kept.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swept.sweepfile.schema import Hyperband

MOST_RUNGS = 100
LAST_RUNG = 10**9
"""No curve has more reports: rungs beyond it cannot matter and would overflow."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run judged at `rung` (in reports, from 1): `value` against `threshold`, smaller being better."""

    rung: int
    value: float
    threshold: float
    runs: int  # how many runs had reached the rung

    @property
    def stop(self) -> bool:
        return self.value > self.threshold


def rungs(rules: Hyperband) -> list[int]:
    """The reports at which runs are judged, rising. Where `max_iter` is given, `min_iter` has no effect.

    `max_iter` with `s`: max_iter / η, max_iter / η² …, s of them, those below 1 left out. Else min_iter,
    min_iter η, min_iter η² … (cut into integers, as W&B does; at most 100, none beyond 10⁹).
    """
    if rules.max_iter is not None:
        return _backward(rules.max_iter, rules.eta, rules.s or 0)
    if rules.min_iter is not None:
        return _forward(rules.min_iter, rules.eta)
    return []


def reports(values: Iterable[float], sign: float) -> list[float]:
    """The finite values in order, signed so that smaller is better."""
    return [sign * value for value in values if math.isfinite(value)]


def thresholds(rules: Hyperband, curves: Sequence[Sequence[float]]) -> list[tuple[int, float, int]]:
    """(rung, threshold, runs that reached it) for each rung that some curve has reached."""
    longest = max((len(curve) for curve in curves), default=0)
    share = 1.0 / rules.eta
    found = []
    for rung in rungs(rules):
        if rung > longest:
            break
        values = sorted(curve[rung - 1] for curve in curves if len(curve) >= rung)
        found.append((rung, values[int(share * len(values))], len(values)))
    return found


def judge(
    rules: Hyperband, levels: Sequence[tuple[int, float, int]], curve: Sequence[float]
) -> Verdict | None:
    """The verdict on one curve at the last rung it has passed; None before the first.

    `levels` is `thresholds(...)` of all curves, this one among them.
    """
    passed = bisect_right(levels, len(curve), key=lambda level: level[0])
    if not passed:
        return None
    rung, threshold, runs = levels[passed - 1]
    value = curve[rung - 1] if rules.strict else min(curve)
    return Verdict(rung, value, threshold, runs)


def _backward(max_iter: int, eta: float, s: int) -> list[int]:
    found: list[int] = []
    rung = float(max_iter)
    for _ in range(s):
        rung /= eta
        if rung < 1:
            break
        found.append(int(rung))
    return sorted(found)


def _forward(min_iter: int, eta: float) -> list[int]:
    found: list[int] = []
    rung: float = min_iter
    for _ in range(MOST_RUNGS):
        if rung > LAST_RUNG:
            break
        found.append(int(rung))
        rung *= eta
    return found
