"""Asynchronous successive halving with promotion: the best 1/η of a rung go on, the others pause there.

Whenever a worker is free, the highest rung that has a run among its best ⌊n/η⌋ that is still paused there continues
the best such run; only without one does a new run begin. A run that would be continued at once does not pause. Runs
are started for their whole length, so that schedules over all epochs stay right.

Two things are ours. A program that keeps no checkpoints cannot pause: there a run outside of the best max(1, ⌊n/η⌋) of
its rung so far is stopped. And at the end of a sweep, when no run may be started any more, each rung sends one run on
even where ⌊n/η⌋ is 0, so that something is trained to its end.

Source: Li et al. 2020, *A system for massively parallel hyperparameter tuning*, algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from swept.model import (
    Continue,
    Decision,
    Desired,
    History,
    Kind,
    Run,
    RunState,
)
from swept.spec import Spec
from swept.stopping import rungs
from swept.stopping.rungs import LEAST_REPORTS, Track
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
    """Every rung with the runs that have reached it. `closing`: no further run may start."""

    spec: Spec
    metric: Metric
    eta: float
    levels: tuple[int, ...]
    tracks: tuple[Track, ...]
    closing: bool = False

    @staticmethod
    def of(spec: Spec, history: History) -> Standings | None:
        """None where the file says neither a metric nor how long a run is."""
        metric = spec.metric
        steps = levels(spec)
        if metric is None or not steps:
            return None
        tracks = rungs.tracks(spec, history, metric.goal)
        full = spec.max_runs is not None and history.counted() >= spec.max_runs
        return Standings(spec, metric, eta(spec), steps, tuple(tracks), full)

    @cached_property
    def entries(self) -> tuple[tuple[Entry, ...], ...]:
        """For each rung the runs there, best first."""
        return tuple(
            tuple(sorted(self._entries(place), key=lambda entry: entry.order))
            for place in range(len(self.levels))
        )

    def _entries(self, place: int) -> Iterator[Entry]:
        until = rungs.following(self.levels, place, None)
        for track in self.tracks:
            report = track.entry(self.levels[place], until)
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
        return max(int(len(self.entries[place]) / self.eta), least)

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

    def queue(self, *, closing: bool = False) -> Iterator[tuple[int, Entry]]:
        """The paused runs that may go on, with their rungs, in the order of the rule."""
        for place in reversed(range(len(self.levels))):
            for entry in self.best(place, least=int(closing)):
                if self._waits(entry.track) and rungs.at(self.levels, entry.track) == place:
                    yield place, entry

    def without_rung(self) -> Iterator[Track]:
        """Runs that another rule paused before the first rung."""
        for track in self.tracks:
            if self._waits(track) and rungs.at(self.levels, track) is None:
                yield track

    @staticmethod
    def _waits(track: Track) -> bool:
        run = track.run
        return run.state is RunState.PAUSED and run.paused_by == "search"

    # -- decisions --------------------------------------------------------------------------------

    def judged(self, track: Track) -> tuple[int, Entry] | None:
        """The rung at which a running run is to be judged now, with its entry there."""
        place = rungs.at(self.levels, track)
        if place is None or track.complete or track.silent:
            return None
        if track.full is not None and not rungs.early(self.levels[place], track.full, self.eta):
            return None
        entry = next((entry for entry in self.entries[place] if entry.track is track), None)
        if entry is None or track.began >= track.run.curve[entry.report].step + track.offset:
            return None  # no value yet; or it was continued from here
        span = rungs.following(self.levels, place, track.full) - self.levels[place]
        told = track.run.desired_why.startswith(_at(self.levels[place]))
        return None if told or not rungs.within(track, entry.report, span) else (place, entry)

    def paused(self, track: Track) -> Standings:
        """As if that run were paused."""
        run = replace(track.run, state=RunState.PAUSED, paused_by="search")
        tracks = tuple(replace(each, run=run) if each is track else each for each in self.tracks)
        return replace(self, tracks=tracks)

    def goes_on(self, place: int, entry: Entry, resumes: bool) -> bool:
        """Whether the run keeps its worker: it is the next to be continued, or cannot be paused and is good enough."""
        if not resumes:
            return entry in self.best(place, least=1)
        after, number = self.paused(entry.track), entry.number
        found = next(after.queue(), None) or after.last()
        return found is not None and found[1].number == number

    def last(self) -> tuple[int, Entry] | None:
        """The run to be continued at the end of the sweep."""
        idle = not any(track.run.state in _UNDER_WAY for track in self.tracks)
        return next(self.queue(closing=True), None) if self.closing and idle else None

    def sentence(self, place: int, entry: Entry, least: int = 0) -> str:
        """The rung, the value, the run's rank there, and how many go on."""
        there, count = self.entries[place], self.count(place, least)
        rank = next(i for i, other in enumerate(there, 1) if other.number == entry.number)
        value = f"{self.metric.goal.sign * entry.value:.4g}"
        shown = value if math.isfinite(entry.value) else "(no number)"
        go = {0: "none goes on yet", 1: "the best goes on"}.get(count, f"the best {count} go on")
        return f"{_at(self.levels[place])} {self.metric.name} {shown} is number {rank} of {len(there)}; {go}"


def eta(spec: Spec) -> float:
    """About the best 1/η of a rung go on."""
    return spec.options.stopping_eta or rungs.ETA


def levels(spec: Spec) -> tuple[int, ...]:
    """The sweep's rungs; none where the file does not say how long a run is."""
    return rungs.rungs(rungs.longest(spec), eta(spec), spec.options.stopping_min_epochs)


def decide(spec: Spec, history: History) -> list[Decision]:
    """A pause, a stop or a `go` for each running run that has come to a rung, in order of number.

    The `go` is what remembers that a run was let pass: better ones that come later do not take it back.
    """
    standings = Standings.of(spec, history)
    if standings is None or not any(_open(track.run) for track in standings.tracks):
        return []
    decisions = []
    for track in standings.tracks:
        if not _open(track.run):
            continue
        decision = _given_up(standings, track) or _decision(standings, track)
        if decision is not None:
            decisions.append(decision)
            if decision.desired is Desired.PAUSE:
                standings = standings.paused(track)
    return decisions


def promotions(spec: Spec, history: History) -> tuple[Continue, ...]:
    """Paused runs that go on, in the order of the rule."""
    standings = Standings.of(spec, history)
    if standings is None:
        return ()
    early = [_early(track.run) for track in standings.without_rung()]
    return (*(_continue(standings, *found) for found in standings.queue()), *early)


def last(spec: Spec, history: History) -> tuple[Continue, ...]:
    """The one paused run that goes on at the end of a sweep, where nothing else is left to do."""
    standings = Standings.of(spec, history)
    found = replace(standings, closing=True).last() if standings else None
    return (_continue(standings, *found, least=1),) if standings and found else ()


def _given_up(standings: Standings, track: Track) -> Decision | None:
    reason = rungs.diverged(track, standings.tracks)
    return Decision(track.run.id, Desired.STOP, reason, track.run.steps) if reason else None


def _decision(standings: Standings, track: Track) -> Decision | None:
    judged, resumes = standings.judged(track), standings.resumes()
    if judged is None or resumes is None:
        return None
    place, entry = judged
    # Once without a checkpoint is enough: it would begin again and again.
    resumes = resumes and (track.run.resumable or len(track.run.attempts) <= 1)
    if standings.goes_on(place, entry, resumes):
        desired = Desired.GO
    elif resumes:
        desired = Desired.PAUSE
    elif math.isfinite(entry.value):
        desired = Desired.STOP
    else:
        return None  # whether it has diverged, other runs will show
    least = int(desired is Desired.GO or not resumes)
    reason = standings.sentence(place, entry, least)
    return Decision(track.run.id, desired, reason, track.run.steps)


def _continue(standings: Standings, place: int, entry: Entry, *, least: int = 0) -> Continue:
    why = {
        "reason": standings.sentence(place, entry, least),
        "strategy": "continue",
        "rung": standings.levels[place],
    }
    return Continue(entry.track.run.id, why)


def _early(run: Run) -> Continue:
    reason = f"paused at step {run.steps}, before the first rung"
    return Continue(run.id, {"reason": reason, "strategy": "continue"})


def _open(run: Run) -> bool:
    running = run.kind is Kind.SEARCH and run.state is RunState.RUNNING
    return running and run.desired is Desired.GO


def _at(rung: int) -> str:
    """How every order given at that rung begins."""
    return f"rung {rung}:"
