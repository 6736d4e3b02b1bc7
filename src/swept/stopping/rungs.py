"""The rungs of successive halving, and what a run was worth at each.

Steps count from 1, also where the program counts from 0. A rung is reached with the first report at or after its step,
so that a metric which comes every k steps has rungs too. Values are signed, so that smaller is better; infinite means
diverged.

Source: L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-tzur, M. Hardt, B. Recht, A. Talwalkar, *A system for
massively parallel hyperparameter tuning*, 2020 (on arXiv since 2018).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from swept.model import Goal, History, Run, RunState
from swept.spec import Spec
from swept.stopping.comparable import comparable

ETA = 3.0
BELOW_THE_END = 3
"""How many rungs there are without `min_epochs`: the first lies at about epochs / η³."""
LAST_RUNG = 10**9
LEAST_REPORTS = 3
"""In how many reports from a rung on a run is judged there, at least: a decision may be missed, and that a program
keeps no checkpoints shows by the second report after."""
_NO_VALUE = frozenset({RunState.KILLED, RunState.FAILED, RunState.CRASHED})


@dataclass(frozen=True, slots=True)
class Track:
    """A run's way: its reports, how many steps it has in all (None: not known), and the goal's sign."""

    run: Run
    full: int | None
    sign: float
    lowest: bool  # its value is the best so far, not the one at the step

    @property
    def offset(self) -> int:
        """1 where the program counts its steps from 0."""
        return int(bool(self.run.curve) and self.run.curve[0].step == 0)

    @property
    def reached(self) -> int:
        """The last reported step, 0 before the first."""
        return self.run.steps + self.offset

    @property
    def complete(self) -> bool:
        """Whether it has reported its last step: nothing is left to save."""
        return self.full is not None and self.reached >= self.full

    def entry(self, rung: int, until: float) -> int | None:
        """The place in its curve of the report that counts at `rung`; None: it has none yet.

        That is the first finite one at or after the rung and before the step `until`; without one the first at all,
        once its last reports were no numbers, or nothing more is to come.
        """
        curve, offset = self.run.curve, self.offset
        first = bisect_left(curve, rung - offset, key=lambda point: point.step)
        if first == len(curve):
            return None
        for place in range(first, len(curve)):
            if place > first and curve[place].step + offset >= until:
                return first
            if math.isfinite(curve[place].value):
                return place
        return first if self.blank or self.run.state is not RunState.RUNNING else None

    def value(self, place: int) -> float:
        """What the run was worth at the report with that place in its curve."""
        curve = self.run.curve
        now = curve[place].value
        if not math.isfinite(now):
            return math.inf
        if not self.lowest:
            return self.sign * now
        seen = (point.value for point in curve[: place + 1])
        return min(self.sign * value for value in seen if math.isfinite(value))

    @property
    def began(self) -> int:
        """The step after which its newest attempt began: 0 from scratch."""
        attempts = self.run.attempts
        return attempts[-1].first_step + self.offset - 1 if attempts and self._resumed else 0

    @property
    def _resumed(self) -> bool:
        return self.run.attempts[-1].first_step > 0

    @property
    def silent(self) -> bool:
        """Whether a later attempt is under way that has not reported yet: the curve is an earlier one's."""
        attempts = self.run.attempts
        return len(attempts) > 1 and not self._resumed and attempts[-1].last_sequence == 0

    @property
    def blank(self) -> bool:
        """Whether its last reports were all no numbers."""
        last = self.run.curve[-LEAST_REPORTS:]
        return len(last) == LEAST_REPORTS and not any(math.isfinite(each.value) for each in last)

    def best(self) -> float:
        """The best value so far, infinite without any."""
        values = (self.sign * point.value for point in self.run.curve)
        return min((value for value in values if math.isfinite(value)), default=math.inf)

    def mean(self, step: int) -> float | None:
        """The mean of its finite reports up to `step`; infinite if none is finite, None without any report."""
        passed = bisect_right(self.run.curve, step - self.offset, key=lambda point: point.step)
        values = [self.sign * point.value for point in self.run.curve[:passed]]
        finite = [value for value in values if math.isfinite(value)]
        if not values:
            return None
        return fmean(finite) if finite else math.inf

    def shows(self, first: int, last: int) -> bool:
        """Whether it has a finite value within those steps."""
        begin = bisect_left(self.run.curve, first - self.offset, key=lambda point: point.step)
        end = bisect_right(self.run.curve, last - self.offset, key=lambda point: point.step)
        return any(math.isfinite(point.value) for point in self.run.curve[begin:end])


def diverged(track: Track, others: Iterable[Track]) -> str:
    """Why a run is given up: its last reports are no numbers, where another run has some; or ""."""
    if not track.blank or track.complete:
        return ""
    first = track.run.curve[-LEAST_REPORTS].step + track.offset
    if not any(other.shows(first, track.reached) for other in others if other is not track):
        return ""
    return f"step {track.reached}: diverged, its last {LEAST_REPORTS} reports are no numbers"


def tracks(spec: Spec, history: History, goal: Goal) -> list[Track]:
    """The runs that may be held against each other, in order of number; those that failed have no value."""
    lowest = spec.options.at == "best"
    return [
        Track(run, spec.epochs_of(run.config), goal.sign, lowest)
        for run in comparable(spec, history)
        if run.state not in _NO_VALUE
    ]


def longest(spec: Spec) -> int | None:
    """The steps of the longest full run; None where the file does not say."""
    named = spec.options.epochs
    if isinstance(named, int):
        return named
    parameter = spec.space.parameter(named) if named is not None else None
    if parameter is None:
        return spec.epochs_of(spec.space.config({}))
    most = max(parameter.values) if parameter.values else parameter.range[1]
    return int(most)


def rungs(full: int | None, eta: float, first: int | None = None) -> tuple[int, ...]:
    """The steps at which runs are compared, rising, all below `full`.

    With `first`: first, first η, first η² …. Without it: full / η³, full / η², full / η, rounded, from 1 on. One that
    lies nearer to the end than to the rung before it (in ratio) would save hardly anything, and is left out.
    """
    if first is not None:
        steps = _forward(first, eta, LAST_RUNG if full is None else full)
    elif full is not None:
        steps = [round(full / eta**k) for k in range(BELOW_THE_END, 0, -1)]
    else:
        steps = []
    return tuple(
        sorted({step for step in steps if step >= 1 and (full is None or early(step, full, eta))})
    )


def early(rung: int, full: int, eta: float) -> bool:
    """Whether it is worth it to judge a run of `full` steps at that rung."""
    return rung < full and rung * math.sqrt(eta) <= full


def _forward(first: int, eta: float, last: int) -> list[int]:
    found, rung = [], float(first)
    while rung <= last:
        found.append(int(rung))
        rung *= eta
    return found


def at(levels: Sequence[int], track: Track) -> int | None:
    """The place in `levels` of the last rung that the run has reached; None before the first."""
    passed = bisect_right(levels, track.reached)
    return passed - 1 if passed else None


def following(levels: Sequence[int], place: int, full: int | None) -> float:
    """The step at which the next rung comes, or the end."""
    if place + 1 < len(levels):
        return levels[place + 1]
    return math.inf if full is None else full


def within(track: Track, entry: int, span: float) -> bool:
    """Whether a run is still judged at the rung that it entered with the report `entry`; `span`: up to the next rung.

    For a quarter of the way to the next rung, and at least in LEAST_REPORTS reports, so that a decision which was
    missed, or an order that came late, loses nothing.
    """
    curve = track.run.curve
    return len(curve) - entry <= LEAST_REPORTS or curve[-1].step - curve[entry].step <= span / 4
