"""swept's own early stopping: which run deserves the next steps, by what runs like it became.

The mechanism is that of `standings`: a run pauses at its rungs unless it would be continued at once, and paused runs of
the better half of a rung go on to the next one, the farthest first; at first only the best third. Here a run's value on
the way is between what it has now and its best so far, and some runs meet their first judgement later than others. Once
most steps were spent on continuing, the model of learning curves has a say: a run goes on only with a chance to become
the best by a margin, so that nearly equal runs are not all trained to the end; and one with a good chance goes on
whatever its rank, since what ends best may begin slowly. A program without checkpoints is stopped instead of paused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from scipy.special import ndtr

from swept.model import Desired, History, Kind
from swept.spec import Spec
from swept.stopping.exhausted import configurations
from swept.stopping.forecast import Forecast
from swept.stopping.ladder import rungs_of
from swept.stopping.rungs import Rungs
from swept.stopping.standings import Entry, Standings, counted, full
from swept.stopping.track import Track, longest

MARGIN, CHANCE = 0.15, 0.10
"""A run is worth continuing if it ends better than the best by MARGIN (of w) with at least this CHANCE."""
FLOOR = 0.60
"""No run is refused while less than this share of all steps was spent on continuing: a wrong model must not starve
the sweep of whole trainings."""
GOOD_CHANCE = 0.30
"""With at least this chance a paused run goes on although its rank would not let it."""
SIFTING, SIFTED = 4.0, 3.0
"""Until the search has spent so many whole trainings, about the best 1/SIFTED of a rung go on: the first runs are drawn
without knowledge, and a new one promises more than their second-best third."""
AT_ONCE = 64
"""So many paused runs are looked at together."""
FEW, PATIENCE = 2.0, 0.5
"""Without checkpoints, in times the runs of which one should pass every rung by its rank: with less than FEW to come, the
best so far at a rung goes on in any case; otherwise from PATIENCE on, until one was trained to its end."""


def where(spec: Spec) -> Rungs | None:
    """The rungs, and what is judged at them; None where the file does not say how long a run is."""
    most = longest(spec)
    return None if most is None else rungs_of(most)


def standings(spec: Spec, history: History) -> Standings | None:
    """None where the file says neither a metric nor how long a run is."""
    forecast = Forecast.of(spec, history)
    if forecast is None or spec.metric is None:
        return None
    rungs, there = rungs_of(forecast.most), counted(forecast.runs)
    return _Predicted(spec.metric, rungs, there, full(spec, history), forecast)


@dataclass(frozen=True)
class _Predicted(Standings):
    """The standings with a forecast, which may refuse to continue a run, and tells in its reasons how runs will end."""

    forecast: Forecast

    @property
    def fewest(self) -> int:
        """The first runs are no better than chance: they are trained to their end without need only where too few are
        to come for one to pass every rung by its rank, or where none did although enough came."""
        spec, enough = self.forecast.spec, self.rungs.eta ** len(self.rungs.levels)
        limits = [most for most in (spec.max_runs, configurations(spec)) if most is not None]
        few = bool(limits) and min(limits) < FEW * enough
        return int(few or (not self.whole and len(self.tracks) >= PATIENCE * enough))

    def count(self, place: int, least: int = 0) -> int:
        if not self._sifting:
            return super().count(place, least)
        return max(int(len(self.entries[place]) / SIFTED), least)

    @cached_property
    def _sifting(self) -> bool:
        """Not where no more runs are to come, or those that make way are gone for good."""
        if self.closing or self.resumes() is False:
            return False
        searched = (each for each in self.forecast.runs if each.run.kind is Kind.SEARCH)
        return sum(each.reached for each in searched) < SIFTING * self.forecast.most

    def side_by_side(self, workers: int) -> int:
        return 1 if self.forecast.model is None else workers

    @cached_property
    def settled(self) -> bool:
        """Whether enough of the search's steps were taken beyond the first rung of a run."""
        spent = continued = 0
        for track in self.forecast.runs:
            if track.run.kind is Kind.SEARCH:
                spent += track.reached
                continued += track.reached - self._judged_first(track)
        return spent > 0 and continued / spent >= FLOOR

    def _judged_first(self, track: Track) -> int:
        """The step at which the run was judged first, or how far it has come on the way there: a metric may come only
        every k steps."""
        levels = self.rungs.of(track.full)
        first = self.rungs.first(track.run, levels)
        report = track.entry(first, next(level for level in (*levels, math.inf) if level > first))
        return track.reached if report is None else track.step(report)

    def _waiting(self, least: int) -> Iterator[tuple[int, Entry]]:
        """Looked at in parts, whose ends are predicted together: one by one costs most where many runs are refused."""
        waiting = super()._waiting(least)
        while part := list(islice(waiting, AT_ONCE)):
            self.forecast.foresee([self._places[entry.number] for _, entry in part])
            yield from part

    def queue(self) -> Iterator[tuple[int, Entry]]:
        """By rank, and then those that the model has high hopes of; while nothing was trained to its end, it knows no ends."""
        yield from super().queue()
        if self.whole and self.settled:
            yield from (each for each in self._left_behind() if self.insists(each[1].track))

    def _left_behind(self) -> list[tuple[int, Entry]]:
        """The paused runs that their ranks leave behind, as far as the model is made of them, the farthest first."""
        if self.forecast.model is None:
            return []
        known = set(self.forecast.model.seen.run.tolist())
        found = [
            (place, entry)
            for place in reversed(range(len(self.rungs.levels)))
            for entry in self.entries[place][self.count(place) :]
            if self._waits(entry.track.run)
            and self.rungs.at(entry.track) == place
            and self._places[entry.number] in known
            and math.isfinite(entry.value)
        ]
        self.forecast.foresee([self._places[entry.number] for _, entry in found])
        return found

    def refuses(self, track: Track) -> bool:
        """Whether the model gives it no chance to become the best by a margin. By any margin, where it is gone for good
        and nothing that is yet to come could use its steps."""
        chance = self._chance(track, 0.0 if self.closing and self.resumes() is False else MARGIN)
        return chance is not None and chance <= CHANCE

    def insists(self, track: Track) -> bool:
        """Whether the model gives it a good one."""
        chance = self._chance(track)
        return chance is not None and chance >= GOOD_CHANCE

    def _chance(self, track: Track, margin: float = MARGIN) -> float | None:
        """That it ends better than the best by a margin; None where the model knows nothing of it."""
        place = self._place(track)
        if place is None:
            return None
        mean, sd = self.forecast.final(place)
        return float(ndtr((self.forecast.best - margin - mean) / sd))

    def _place(self, track: Track) -> int | None:
        """Where the run is in the forecast; None where the model knows nothing of it."""
        if self.forecast.model is None:
            return None
        place = self._places[track.run.number]
        return place if np.isfinite(self.forecast.places[place]).all() else None

    @cached_property
    def _places(self) -> Mapping[int, int]:
        return {each.run.number: place for place, each in enumerate(self.forecast.runs)}

    # -- in words ---------------------------------------------------------------------------------

    def reason(self, place: int, entry: Entry, desired: Desired, least: int) -> str:
        name, figures = self.rungs.name(place), self._figures(entry.track)
        if desired is Desired.GO:
            return f"{name} {self._merit(place, entry)}{self._expected(figures, '; ')}"
        if desired is Desired.STOP:
            others = "not among the best so far, and without a checkpoint it cannot wait"
        else:
            others = "others are to catch up first"
        return f"{name} {self._expected(figures) or others}"

    def why(self, place: int, entry: Entry, least: int = 0) -> dict[str, Any]:
        track = entry.track
        steps = self.rungs.of(track.full)
        following = next((rung for rung in steps if rung > track.reached), track.full)
        figures = self._figures(track)
        reason = f"{self._merit(place, entry)} at step {track.reached}: on to step {following}"
        return {
            "reason": f"{reason}{self._expected(figures, '; ')}",
            "strategy": "continue",
            "until": following,
            **figures,
        }

    def _merit(self, place: int, entry: Entry) -> str:
        behind = entry not in self.best(place) and self.whole and self.settled
        return "likely to end best" if behind and self.insists(entry.track) else "among the best"

    def _expected(self, figures: Mapping[str, Any], before: str = "") -> str:
        if not figures:
            return ""
        low, high = figures["predicted_band"]
        return (
            f"{before}{self.metric.name} is expected to end at {figures['predicted_final']:.4g} "
            f"({low:.4g} to {high:.4g}); to beat is {figures['best_so_far']:.4g}"
        )

    def _figures(self, track: Track) -> dict[str, Any]:
        place, forecast = self._place(track), self.forecast
        if place is None:
            return {}
        mean, sd = forecast.final(place)
        return {
            "predicted_final": forecast.own(mean),
            "predicted_band": sorted([forecast.own(mean - sd), forecast.own(mean + sd)]),
            "best_so_far": forecast.own(forecast.leading),
        }
