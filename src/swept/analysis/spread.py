"""Whether the finished runs differ at all, beyond what luck gives: a sweep whose runs perform the same has found nothing.

The yardstick is what repeated runs of one configuration differ by, where there are any. Else it is how much single
runs still move from report to report at their end: differences smaller than that cannot be told from chance.

Where runs were ended early, those that finished were chosen for being alike: they are the best. Then only what all runs show
counts, at the step that all of them have reached.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, stdev

from swept.analysis.best import value_at, value_of
from swept.analysis.figures import figure
from swept.analysis.noise import Noise
from swept.model import Goal, Run, RunState

FEWEST = 4
"""With fewer finished runs nothing is said of their spread."""
_LAST = 3  # a third of a curve, from its end
_FEWEST_REPORTS = 6
_EARLY = frozenset({RunState.STOPPED, RunState.PAUSED})


@dataclass(frozen=True, slots=True)
class Spread:
    """`deviation`: of the finished search runs' values. `luck`: what chance alone gives (None: not known), measured
    on `measured`. `chosen`: other runs were ended early, at other values, so that these are alike for being the best.
    `alike`: no more than luck, and not chosen."""

    runs: int
    worst: float
    best: float
    deviation: float
    luck: float | None
    measured: str
    chosen: bool = False

    @property
    def alike(self) -> bool:
        small = self.deviation == 0 or (self.luck is not None and self.deviation <= self.luck)
        return small and not self.chosen


def spread(
    ranked: Sequence[Run],
    goal: Goal,
    at: str,
    noise: Noise | None,
    runs: Sequence[Run] = (),
) -> Spread | None:
    """Of the finished search runs, best first; None for too few. `runs`: all of the sweep, those that were ended early
    among them."""
    values = [value for run in ranked if (value := value_of(run, goal, at)) is not None]
    if len(values) < FEWEST:
        return None
    luck, measured = _luck(ranked, noise)
    chosen = _chosen(ranked, [run for run in runs if run.state in _EARLY and run.curve])
    return Spread(len(values), values[-1], values[0], stdev(values), luck, measured, chosen)


def sentences(found: Spread, inert: Sequence[str]) -> list[str]:
    said = [
        f"{found.runs} finished search runs, from {figure(found.worst)} to {figure(found.best)}; "
        f"standard deviation {figure(found.deviation)}"
    ]
    if not found.alike:
        return said
    if found.deviation == 0:
        said.append(
            "all runs gave the same value to the last digit: the parameters do not reach the program"
        )
    else:
        said.append(
            f"that is no more than {found.measured} ({figure(found.luck)}): as far as can be told, all runs perform the "
            "same. The ranges are too narrow, or these parameters matter little here"
        )
    if inert:
        said.append(f"{', '.join(inert)} could not have mattered, see below")
    return said


def _chosen(finished: Sequence[Run], early: Sequence[Run]) -> bool:
    """Whether runs ended early for what they gave: not where all gave the very same as long as all were at it."""
    curves = [run for run in (*finished, *early) if run.curve]
    step = min((run.steps for run in curves), default=0)
    values = {value for run in curves if (value := value_at(run, step)) is not None}
    return bool(early) and len(values) > 1


def _luck(ranked: Sequence[Run], noise: Noise | None) -> tuple[float | None, str]:
    if noise is not None and not noise.identical:
        return noise.deviation, f"repeated runs of one configuration differ by ({noise.runs} runs)"
    moves = [move for run in ranked if (move := _restlessness(run)) is not None]
    if len(moves) < FEWEST:
        return None, ""
    return median(moves), "single runs move from one report to the next at their end"


def _restlessness(run: Run) -> float | None:
    """The deviation of the last third of a curve about its trend (von Neumann's: successive differences over √2)."""
    values = [point.value for point in run.curve if math.isfinite(point.value)]
    if len(values) < _FEWEST_REPORTS:
        return None
    tail = values[-max(len(values) // _LAST, 3) :]
    steps = [b - a for a, b in pairwise(tail)]
    return math.sqrt(sum(step * step for step in steps) / (2 * len(steps)))
