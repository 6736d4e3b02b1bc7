"""Who stands where at the rungs: which runs go on, make way, or are continued.

The mechanism of successive halving with promotion, common to `asha` and `auto`, which differ in where their rungs are,
in what a run is worth there, in whom they refuse to continue, and in their words.

Whenever a worker is free, the highest rung that has a run among its best ⌊n/η⌋ that is still paused there continues
the best such run; only without one does a new run begin. A run that would be continued at once does not pause. Runs
are started for their whole length, so that schedules over all epochs stay right.

Two things are ours. A program that keeps no checkpoints cannot pause: there a run outside of the best max(1, ⌊n/η⌋) of
its rung so far is stopped. And at the end of a sweep, when no run may be started any more, each rung sends one run on
even where ⌊n/η⌋ is 0, so that something is trained to its end; workers that are idle bring on further ones.

Source: Li et al. 2020, *A system for massively parallel hyperparameter tuning*, algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from swept.model import Continue, Decision, Desired, History, Kind, Run, RunState
from swept.spec import Spec
from swept.stopping.exhausted import exhausted
from swept.stopping.rungs import Rungs
from swept.stopping.track import LEAST_REPORTS, Track, blank, diverged, tracks
from swept.sweepfile.schema import Metric

_UNDER_WAY = frozenset({RunState.PENDING, RunState.RUNNING})


@dataclass(frozen=True, slots=True)
class Entry:
    """A run at a rung: the report that counts there (its place in the curve), and its signed value."""

    value: float
    number: int
    track: Track
    report: int

    @property
    def order(self) -> tuple[float, int]:
        """Best first; of equal ones the older."""
        return self.value, self.number


@dataclass(frozen=True)
class Standings:
    """Every rung with the runs that have reached it. `closing`: no further run may start. `taken`: the numbers of running
    runs that are taken for paused."""

    metric: Metric
    rungs: Rungs
    tracks: tuple[Track, ...]
    closing: bool
    taken: frozenset[int] = field(default=frozenset(), kw_only=True)

    @cached_property
    def entries(self) -> tuple[tuple[Entry, ...], ...]:
        """For each rung the runs there, best first."""
        return tuple(
            tuple(sorted(self._entries(place), key=lambda entry: entry.order))
            for place in range(len(self.rungs.levels))
        )

    def _entries(self, place: int) -> Iterator[Entry]:
        level, until = self.rungs.levels[place], self.rungs.following(place)
        for track in self.tracks:
            report = track.entry(level, until)
            if report is not None:
                yield Entry(track.value(report), track.run.number, track, report)

    def best(self, place: int, least: int = 0) -> tuple[Entry, ...]:
        """The best 1/η of a rung, at least `least`; no diverged run, unless all look like it."""
        there = self.entries[place]
        some = any(math.isfinite(entry.value) for entry in there)
        passing = there[: self.count(place, least)]
        return tuple(entry for entry in passing if math.isfinite(entry.value) or not some)

    def count(self, place: int, least: int = 0) -> int:
        """How many of a rung go on."""
        return max(int(len(self.entries[place]) / self.rungs.eta), least)

    @property
    def fewest(self) -> int:
        """How many of a rung go on at least, where the program keeps no checkpoints."""
        return 1

    def resumes(self) -> bool | None:
        """Whether the program keeps checkpoints; None: too early to tell.

        A checkpoint arrives a moment after the report of its step, so that one report without any says nothing.
        """
        if any(track.run.resumable or track.began for track in self.tracks):
            return True
        waited = any(
            len(entry.track.run.curve) - entry.report >= LEAST_REPORTS for entry in self.entries[0]
        )
        return False if waited else None

    # -- who goes on ------------------------------------------------------------------------------

    @cached_property
    def whole(self) -> bool:
        """Whether a run of the search was trained to its end."""
        return any(track.complete for track in self.tracks if track.run.kind is Kind.SEARCH)

    @cached_property
    def under_way(self) -> int:
        """How many runs are running, or about to."""
        return sum(track.run.state in _UNDER_WAY for track in self.tracks) - len(self.taken)

    @property
    def settled(self) -> bool:
        """Whether enough is known to refuse a run."""
        return False

    def refuses(self, track: Track) -> bool:
        """Whether a run is not to be continued, well as it stands, once that is `settled`."""
        return False

    def side_by_side(self, workers: int) -> int:
        """How many runs of a rung idle workers bring on at the end of a sweep, where no more start."""
        return 1

    def queue(self) -> Iterator[tuple[int, Entry]]:
        """The paused runs that may go on, with their rungs, in the order of the rule."""
        settled = self.settled
        for place, entry in self._waiting(least=0):
            if not (settled and self.refuses(entry.track)):
                yield place, entry

    def _waiting(self, least: int) -> Iterator[tuple[int, Entry]]:
        """Those that are paused at a rung among whose best they are, the farthest first."""
        for place in reversed(range(len(self.rungs.levels))):
            for entry in self.best(place, least):
                if self._waits(entry.track.run) and self.rungs.at(entry.track) == place:
                    yield place, entry

    def _waits(self, run: Run) -> bool:
        paused = run.state is RunState.PAUSED and run.paused_by == "search"
        return paused or run.number in self.taken

    def without_rung(self) -> Iterator[Track]:
        """Runs that another rule paused before the first rung."""
        for track in self.tracks:
            if self._waits(track.run) and self.rungs.at(track) is None:
                yield track

    def last(self, idle: int) -> Iterator[tuple[int, Entry]]:
        """The runs to be continued at the end of the sweep by so many idle workers. One is trained to its end whatever
        is known of it; beside and after it only those that may still win."""
        if not self.closing:
            return
        needed = not self.whole and not self.under_way
        for place, entry in self._waiting(self.side_by_side(self.under_way + idle)):
            if needed or not self.refuses(entry.track):
                needed = False
                yield place, entry

    def paused(self, track: Track) -> Standings:
        """As if that run were paused. Where runs stand at the rungs does not change, and is not looked up again."""
        after = replace(self, taken=self.taken | {track.run.number})
        after.__dict__["entries"] = self.entries
        return after

    def goes_on(self, place: int, entry: Entry, resumes: bool) -> bool:
        """Whether the run keeps its worker: it is the next to be continued, or cannot be paused and is good enough."""
        if not resumes:
            return self._stays(place, entry)
        after, number = self.paused(entry.track), entry.number
        found = next(after.queue(), None) or next(after.last(idle=1), None)
        return found is not None and found[1].number == number

    def _stays(self, place: int, entry: Entry) -> bool:
        """Without checkpoints: whether it goes on rather than be stopped. Nothing is refused before a run was trained to
        its end, and if none was, the last one is."""
        if not self.whole and self.closing and self.under_way == 1:
            return math.isfinite(entry.value)
        refused = self.whole and self.settled and self.refuses(entry.track)
        return entry in self.best(place, least=self.fewest) and not refused

    # -- decisions --------------------------------------------------------------------------------

    def decisions(self) -> Iterator[Decision]:
        """A pause, a stop or a `go` for each running run that has come to a rung, in order of number.

        The `go` is what remembers that a run was let pass: better ones that come later do not take it back.
        """
        standings = self
        for track in self.tracks:
            decision = standings.decision(track) if is_open(track.run) else None
            if decision is not None:
                yield decision
                if decision.desired is Desired.PAUSE:
                    standings = standings.paused(track)

    def decision(self, track: Track) -> Decision | None:
        """On one running run."""
        if given_up := diverged(track, self.tracks):
            return Decision(track.run.id, Desired.STOP, given_up, track.run.steps)
        due = self.rungs.due(track)
        resumes = self.resumes() if due else None
        if due is None or resumes is None:
            return None
        place = due[0]
        entry = next(entry for entry in self.entries[place] if entry.track is track)
        # Once without a checkpoint is enough: it would begin again and again.
        resumes = resumes and (track.run.resumable or len(track.run.attempts) <= 1)
        if self.goes_on(place, entry, resumes):
            desired = Desired.GO
        elif resumes:
            desired = Desired.PAUSE
        elif math.isfinite(entry.value):
            desired = Desired.STOP
        else:
            return None  # whether it has diverged, other runs will show
        least = int(desired is Desired.GO) if resumes else self.fewest
        reason = self.reason(place, entry, desired, least)
        return Decision(track.run.id, desired, reason, track.run.steps)

    def promotions(self) -> Iterator[Continue]:
        """Paused runs that go on, in the order of the rule."""
        yield from (Continue(e.track.run.id, self.why(place, e)) for place, e in self.queue())
        for track in self.without_rung():
            reason = f"paused at step {track.run.steps}, before the first rung"
            yield Continue(track.run.id, {"reason": reason, "strategy": "continue"})

    def finishing(self, idle: int) -> Iterator[Continue]:
        """The paused runs that `idle` workers continue at the end of a sweep, where no run is to be started."""
        closing = replace(self, closing=True)
        for place, entry in closing.last(idle):
            least = closing.side_by_side(self.under_way + idle)
            yield Continue(entry.track.run.id, self.why(place, entry, least))

    # -- in words ---------------------------------------------------------------------------------

    def reason(self, place: int, entry: Entry, desired: Desired, least: int) -> str:
        """Why a run goes on, pauses or stops at a rung; begins with the rung's name."""
        return self.sentence(place, entry, least)

    def why(self, place: int, entry: Entry, least: int = 0) -> dict[str, Any]:
        """Why a paused run is continued; `least`: so many of its rung go on in any case."""
        return {
            "reason": self.sentence(place, entry, least),
            "strategy": "continue",
            "rung": self.rungs.levels[place],
        }

    def sentence(self, place: int, entry: Entry, least: int = 0) -> str:
        """The rung, the value, the run's rank there, and how many go on."""
        there, count = self.entries[place], self.count(place, least)
        rank = next(i for i, other in enumerate(there, 1) if other.number == entry.number)
        value = f"{self.metric.goal.sign * entry.value:.4g}"
        shown = value if math.isfinite(entry.value) else "(no number)"
        go = {0: "none goes on yet", 1: "the best goes on"}.get(count, f"the best {count} go on")
        name = f"{self.rungs.name(place)} {self.metric.name}"
        return f"{name} {shown} is number {rank} of {len(there)}; {go}"


def is_open(run: Run) -> bool:
    """Whether nothing has been decided on a run that can be paused or stopped."""
    running = run.kind is Kind.SEARCH and run.state is RunState.RUNNING
    return running and run.desired is Desired.GO


def pressing(spec: Spec, history: History, rungs: Rungs) -> bool:
    """Whether a decision may be due. Cheap, and asked at every report; the rungs are looked at only then."""
    running = replace(history, runs=tuple(run for run in history.runs if is_open(run)))
    return blank(spec, running) or any(rungs.due(track) for track in tracks(spec, running))


def counted(tracks: Iterable[Track]) -> tuple[Track, ...]:
    """Those that stand at rungs."""
    return tuple(track for track in tracks if track.valued)


def full(spec: Spec, history: History) -> bool:
    """Whether no further run may start."""
    if spec.max_runs is not None and history.counted() >= spec.max_runs:
        return True
    return exhausted(spec, history)
