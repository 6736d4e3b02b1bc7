"""How a claim gets a run: from the queue, or from the search, which is asked where the queue is empty."""

from __future__ import annotations

from typing import TypeAlias

from swept.asked import member, seed_of
from swept.engine.ground import Ground
from swept.errors import ServerUnreachable
from swept.failures import FAILED, HELD_AFTER, failed_in_a_row, failures_in_common
from swept.model import (
    SWEEP_KINDS,
    Done,
    History,
    Kind,
    RunState,
    Suggestions,
    Sweep,
    SweepState,
    Wait,
)
from swept.search.fallback import fallback
from swept.store.base import Lease, RunFilter
from swept.think import Closed, ThinkError
from swept.wire.agents import ClaimRequest

Answer: TypeAlias = tuple[str, Lease | None, str]
"""What a claim gets: "run" | "wait" | "done", the lease, and why."""

HUNGRY_SECONDS = 30.0
"""A claim that waits asks again well within this; one that does not has gone away."""
FILL_TRIES = 3


class Filling(Ground):
    """Claims."""

    def claim(
        self, sweep_id: str, request: ClaimRequest, lease_seconds: float | None = None
    ) -> Answer:
        """A run for this request, filling the queue where it is empty. Asks the search, but waits for nothing else."""
        sweep = self.store.sweep(sweep_id)
        lease = self._take(sweep, request, lease_seconds)
        if lease is None and request.get("run"):
            return self._named(str(request.get("run")))
        if lease is None and sweep.state is SweepState.PAUSED:
            return "wait", None, "the sweep is paused"
        if lease is None and sweep.state.ended:
            return "done", None, sweep.ended_because or f"the sweep is {sweep.state.value}"
        if lease is None:
            if not _kinds(request) & SWEEP_KINDS:
                return "done", None, "no such run is pending"
            stay, why = self._fill(sweep, request)
            lease = self._take(sweep, request, lease_seconds)
            if lease is None:
                return ("wait" if stay else "done"), None, why
        self._hungry[sweep_id].pop(request["request"], None)
        return "run", lease, self._note(sweep) or str(lease.run.why.get("reason", ""))

    def _take(
        self, sweep: Sweep, request: ClaimRequest, lease_seconds: float | None
    ) -> Lease | None:
        return self.store.claim(
            sweep.id,
            agent=request["agent"],
            host=request["host"],
            request=request["request"],
            now=self.clock.now(),
            lease_seconds=lease_seconds or self.lease_seconds,
            kinds=_kinds(request),
            run=request.get("run"),
            reachable=frozenset(request.get("reachable", ())),
            leaving=frozenset(self._leaving),
        )

    def _named(self, run_id: str) -> Answer:
        run = self.store.run(run_id)
        if run.state.ended:
            return "done", None, f"run {run.name or run.id} is {run.state.value}"
        return "wait", None, f"run {run.name or run.id} is {run.state.value}"

    def _note(self, sweep: Sweep) -> str:
        """What the last failures share, once there are several in a row."""
        ways = frozenset(state for state in RunState if state.ended) - {RunState.KILLED}
        newest = self.store.runs(
            RunFilter(sweep=sweep.id, states=ways, kinds=SWEEP_KINDS, ended_last=HELD_AFTER)
        )
        if sum(run.state in FAILED for run in newest) < HELD_AFTER:
            return ""
        runs = [run for run in self.store.history(sweep.id).runs if run.kind in SWEEP_KINDS]
        row = failed_in_a_row(runs)
        well = [run for run in runs if run.state not in FAILED]
        return f"the last {len(row)} runs failed; {failures_in_common([*row, *well])}"

    def _fill(self, sweep: Sweep, request: ClaimRequest) -> tuple[bool, str]:
        """Ask the search for as many runs as claims wait: (whether it is worth waiting, why)."""
        now = self.clock.now()
        hungry = self._hungry[sweep.id]
        hungry[request["request"]] = now + HUNGRY_SECONDS
        lock = self._locks.of("fill", sweep.id)
        if not lock.acquire(blocking=False):
            return True, "the search is choosing the next runs"
        try:
            for late in [name for name, until in list(hungry.items()) if until < now]:
                hungry.pop(late, None)
            return self._filled(sweep, max(1, len(hungry)))
        finally:
            lock.release()

    def _filled(self, sweep: Sweep, n: int) -> tuple[bool, str]:
        for _ in range(FILL_TRIES):
            sweep = self.store.sweep(sweep.id)
            history = self.store.history(sweep.id)
            if sweep.state is SweepState.PAUSED:
                return True, "the sweep is paused"
            answer = self._suggest(sweep, history, n)
            if isinstance(answer, Wait):
                return True, answer.why
            if isinstance(answer, Done):
                ended = self._done(sweep, history, answer.why)
                if ended is None:
                    continue
                return ended
            added = self.store.add(sweep.id, history.token, answer, now=self.clock.now())
            if added is not None:
                return True, "the runs just chosen went to other agents"
        return True, "the sweep changed while the search was choosing"

    def _suggest(self, sweep: Sweep, history: History, n: int) -> Suggestions:
        spec = self.spec(sweep)
        now = self.clock.now()
        seed = seed_of(sweep.id)
        try:
            answer = self._think.suggest(spec.canonical(), history, n, seed=seed, now=now)
        except Closed as error:
            raise ServerUnreachable(
                "the server is ending", hint="ask again: the next command starts it"
            ) from error
        except ThinkError as error:
            self._tell("search.failed", sweep.id, f"the search {error}")
            return fallback(spec, history, n, seed=seed, because=f"the search {error}", now=now)
        if isinstance(answer, tuple) and not answer:
            return Wait("the search has nothing to add now")
        return answer

    def _done(self, sweep: Sweep, history: History, why: str) -> tuple[bool, str] | None:
        """End the sweep where nothing is under way; None: it has changed since."""
        count = under_way(history)
        if count:
            plural = "run is" if count == 1 else "runs are"
            return True, f"{why}; {count} {plural} under way"
        now = self.clock.now()
        finished = self.store.finish_idle(sweep.id, history.token, reason=why, now=now)
        return None if finished is None else (False, why)


def _kinds(request: ClaimRequest) -> frozenset[Kind]:
    words = request.get("kinds")
    if not words:
        return SWEEP_KINDS
    return frozenset(member(Kind, word, "kind of a run") for word in words)


def under_way(history: History) -> int:
    return sum(run.state in (RunState.RUNNING, RunState.PENDING) for run in history.runs)
