"""A run's way: how far it has come, how long its training is, and what it was worth on the way.

Steps count from 1, also where the program counts from 0. Values are signed, so that smaller is better; infinite means
diverged.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

from swept.model import History, Run, RunState
from swept.spec import Spec
from swept.stopping.comparable import comparable

ENDLESS = 10**9
"""The steps of a training whose length the file does not say."""
LEAST_REPORTS = 3
"""After so many reports in a row that are no numbers a run has diverged; sooner it may be a hiccup."""
UNKNOWN = 1 / 6
"""While no run has reported a number, one is waited for so long, as a share of a training: it may come every k steps."""
_GOING = frozenset({RunState.PENDING, RunState.RUNNING, RunState.PAUSED})
_NO_VALUE = frozenset({RunState.KILLED, RunState.FAILED, RunState.CRASHED})


@dataclass(frozen=True, slots=True)
class Track:
    """A run's reports, the steps of its whole training, and the goal's sign.

    `offset`: 1 where the program counts its steps from 0. `past`: how much the best value so far counts in its value, from 0 (it is worth what it has now) to 1.
    """

    run: Run
    full: int
    sign: float
    past: float = 0.0
    offset: int = 0

    @property
    def reached(self) -> int:
        """The last reported step, 0 before the first."""
        return self.run.steps + self.offset

    @property
    def complete(self) -> bool:
        """Whether nothing is left to save: it has reported its last step, or its program ended well before."""
        return self.reached >= self.full or self.ended_itself

    @property
    def ended_itself(self) -> bool:
        """Whether the program ended by itself (patience, say): a whole training, however few steps it took."""
        return self.run.state is RunState.FINISHED and bool(self.run.curve)

    @property
    def going(self) -> bool:
        """Whether more may come."""
        return self.run.state in _GOING

    @property
    def valued(self) -> bool:
        """Whether others are compared with it: a run that failed has no value."""
        return self.run.state not in _NO_VALUE

    def step(self, place: int) -> int:
        """The step of the report with that place in its curve."""
        return self.run.curve[place].step + self.offset

    def entry(self, rung: int, until: float = math.inf) -> int | None:
        """The place in its curve of the report that counts at `rung`; None: it has none yet.

        That is the first finite one at or after the rung and before the step `until`; without one the first at all,
        once its last reports were no numbers, or nothing more is to come. A training that was whole before the rung
        stands there with its last report.
        """
        curve, offset = self.run.curve, self.offset
        first = bisect_left(curve, rung - offset, key=lambda point: point.step)
        if first == len(curve):
            return first - 1 if self.ended_itself else None
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
        if not self.past:
            return self.sign * now
        seen = (point.value for point in curve[: place + 1])
        least = min(self.sign * value for value in seen if math.isfinite(value))
        return self.past * least + (1.0 - self.past) * self.sign * now

    def at(self, rung: int, until: float = math.inf) -> float | None:
        """What it was worth at the rung, of which `until` is the next; None before it."""
        place = self.entry(rung, until)
        return None if place is None else self.value(place)

    @property
    def now(self) -> float | None:
        """What it was worth at its last report; None before the first, and while that may be a hiccup."""
        return self.at(self.reached) if self.run.curve else None

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
        return len(attempts) > 1 and not attempts[-1].reported

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
    first = track.step(len(track.run.curve) - LEAST_REPORTS)
    if not any(other.shows(first, track.reached) for other in others if other is not track):
        return ""
    return f"step {track.reached}: diverged, its last {LEAST_REPORTS} reports are no numbers"


def tracks(spec: Spec, history: History, past: float = 0.0) -> tuple[Track, ...]:
    """The runs that may be held against each other, in order of number; none without a metric.

    `past` is that of each track, unless the file says that a run counts by its best value.
    """
    return _told(_tracks(spec, history, past))


def _told(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """Without the reports that are no numbers where the metric only does not come: at a step where no run has one, before
    a number of the same run, or at the end of one that goes on, for no
    longer than numbers are apart."""
    missing = {p.step for each in tracks for p in each.run.curve if not math.isfinite(p.value)}
    if not missing:
        return tracks
    told = [[p.step for p in each.run.curve if math.isfinite(p.value)] for each in tracks]
    missing -= {step for steps in told for step in steps}
    apart = max((_apart(steps) for steps in told if steps), default=None)
    return tuple(
        _without(each, missing, steps, each.full * UNKNOWN if apart is None else apart)
        for each, steps in zip(tracks, told, strict=True)
    )


def _apart(steps: Sequence[int]) -> int:
    """How many steps lie between two numbers at most."""
    return max(after - before for before, after in pairwise((0, *steps)))


def _without(track: Track, missing: Set[int], told: Sequence[int], apart: float) -> Track:
    curve = track.run.curve
    last = told[-1] if told else 0
    waits = track.going and track.run.steps - last <= apart
    end = math.inf if waits else last
    kept = tuple(p for p in curve if p.step not in missing or p.step > end)
    return track if len(kept) == len(curve) else replace(track, run=replace(track.run, curve=kept))


def _tracks(spec: Spec, history: History, past: float) -> tuple[Track, ...]:
    if spec.metric is None:
        return ()
    past = 1.0 if spec.options.at == "best" else past
    most, sign = longest(spec) or ENDLESS, spec.metric.goal.sign
    return tuple(
        Track(run, spec.epochs_of(run.config) or most, sign, past, _offset(run))
        for run in comparable(spec, history)
    )


def _offset(run: Run) -> int:
    return int(bool(run.curve) and run.curve[0].step == 0)


def blank(spec: Spec, history: History) -> bool:
    """Whether a run's last reports are no numbers, whatever others report."""
    return any(track.blank for track in _tracks(spec, history, 0.0))


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
