"""The rungs of successive halving: the steps at which runs are compared.

A rung is reached with the first report at or after its step, so that a metric which comes every k steps has rungs too.

Source: L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-tzur, M. Hardt, B. Recht, A. Talwalkar, *A system for
massively parallel hyperparameter tuning*, 2020 (on arXiv since 2018).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from swept.model import Run
from swept.stopping.track import ENDLESS, LEAST_REPORTS, Track

ETA = 3.0
BELOW_THE_END = 3
"""How many rungs there are without `min_epochs`: the first lies at about epochs / η³."""

First: TypeAlias = Callable[[Run, tuple[int, ...]], int]
"""At which step, of the rungs of its training and the end, a run is judged first."""


def lowest(run: Run, steps: tuple[int, ...]) -> int:
    return steps[0]


@dataclass(frozen=True, slots=True)
class Rungs:
    """A sweep's rungs: about the best 1/`eta` of each go on.

    `ahead`: a run is judged at a rung only where its training is at least so many times as long; else that would save
    hardly anything. `word` names a rung in reasons.
    """

    levels: tuple[int, ...]
    eta: float
    ahead: float
    word: str = "rung"
    first: First = lowest

    def of(self, full: int) -> tuple[int, ...]:
        """The steps at which a training of `full` steps is judged, and its end."""
        return (*(level for level in self.levels if early(level, full, self.ahead)), full)

    def at(self, track: Track) -> int | None:
        """The place of the last rung that the run has reached; None before the first."""
        passed = bisect_right(self.levels, track.reached)
        return passed - 1 if passed else None

    def following(self, place: int, full: float = math.inf) -> float:
        """The step at which the next rung comes, or the end."""
        return min(self.levels[place + 1], full) if place + 1 < len(self.levels) else full

    def due(self, track: Track) -> tuple[int, int] | None:
        """The rung at which a running run is to be judged now, and the place of the report that counts there."""
        place = self.at(track)
        if place is None or track.complete or track.silent:
            return None
        level = self.levels[place]
        if not early(level, track.full, self.ahead) or self._first(track) > level:
            return None
        report = track.entry(level, self.following(place))
        if report is None or track.began >= track.step(report):
            return None  # no value yet; or it was continued from here
        span = self.following(place, track.full) - level
        told = track.run.desired_why.startswith(self.name(place))
        return (place, report) if within(track, report, span) and not told else None

    def _first(self, track: Track) -> int:
        return self.first(track.run, self.of(track.full))

    def name(self, place: int) -> str:
        """How every order given at that rung begins: what remembers that a run was let pass there."""
        return f"{self.word} {self.levels[place]}:"


def rungs(full: int | None, eta: float, first: int | None = None) -> tuple[int, ...]:
    """The steps at which runs are compared, rising, all below `full`.

    With `first`: first, first η, first η² …. Without it: full / η³, full / η², full / η, rounded, from 1 on. One that
    lies nearer to the end than to the rung before it (in ratio) would save hardly anything, and is left out.
    """
    most = ENDLESS if full is None else full
    if first is not None:
        steps = _forward(first, eta, most)
    elif full is not None:
        steps = [round(full / eta**k) for k in range(BELOW_THE_END, 0, -1)]
    else:
        steps = []
    return tuple(
        sorted({step for step in steps if step >= 1 and early(step, most, math.sqrt(eta))})
    )


def early(rung: int, full: int, ahead: float) -> bool:
    """Whether it is worth it to judge a run of `full` steps at that rung."""
    return rung < full and rung * ahead <= full


def within(track: Track, report: int, span: float) -> bool:
    """Whether a run is still judged at the rung that it entered with that report; `span`: up to the next rung.

    For a quarter of the way to the next rung, and at least in LEAST_REPORTS reports, so that a decision which was
    missed, or an order that came late, loses nothing.
    """
    last = len(track.run.curve) - 1
    return last - report < LEAST_REPORTS or track.step(last) - track.step(report) <= span / 4


def _forward(first: int, eta: float, last: int) -> list[int]:
    found, rung = [], float(first)
    while rung <= last:
        found.append(int(rung))
        rung *= eta
    return found
