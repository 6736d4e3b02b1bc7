"""Any order of claims, reports, endings, orders, lost leases and restarts keeps the store and a plain model equal.

The model knows nothing of SQL, ceilings or tokens in tables: it plays each verb on dictionaries. After every step:
the same states, retries, attempts, curves and checkpoints; states changed only by `TRANSITIONS`; at most one live
lease a run; and a stale token has changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from swept.errors import Conflict, LeaseLost
from swept.model import (
    TRANSITIONS,
    Desired,
    Kind,
    Move,
    Outcome,
    RunState,
    SweepState,
)
from swept.store.base import RunFilter, Store
from swept.store.moves import EVENTS
from swept.store.sql import open_store
from swept.testing.scenes import checkpoint, log, new_sweep, resumed, start
from swept.wire.reports import Report

MAX_RETRIES = 2
LEASE = 60.0
MOVES = {event: move for move, event in EVENTS.items()}
COME_BACK = (Outcome.PAUSED, Outcome.RELEASED, Outcome.LOST, Outcome.OOM)
IDLE = (RunState.PENDING, RunState.PAUSED)


@dataclass
class Token:
    """A lease as the model sees it."""

    text: str
    request: str
    run: str
    attempt: int
    expires: float
    state: str = "live"
    answer: RunState = RunState.RUNNING
    retried: bool = False
    sequence: int = 0
    begun: bool = False


@dataclass
class Model:
    """A run as the model sees it."""

    number: int
    state: RunState = RunState.PENDING
    retries: int = 0
    attempts: int = 0
    desired: Desired = Desired.GO
    by: str = ""
    paused_by: str = ""
    curve: dict[int, float] = field(default_factory=dict)
    marks: dict[int, int] = field(default_factory=dict)  # attempt → step of its checkpoint

    @property
    def mark(self) -> int | None:
        return self.marks[max(self.marks)] if self.marks else None

    def begin_at(self, step: int) -> None:
        """A later attempt goes on from `step`: what came after it is superseded."""
        self.curve = {known: value for known, value in self.curve.items() if known < step}
        earlier = {attempt for attempt in self.marks if attempt < self.attempts}
        for attempt in earlier:
            if self.marks[attempt] >= step:
                del self.marks[attempt]

    def to_pending(self) -> None:
        self.state, self.desired, self.by = RunState.PENDING, Desired.GO, ""
        self.paused_by = ""

    def end(self, outcome: Outcome, sweep: SweepState) -> bool:
        """Play the end of an attempt; whether it used a retry."""
        plain = {
            Outcome.FINISHED: RunState.FINISHED,
            Outcome.FAILED: RunState.FAILED,
            Outcome.KILLED: RunState.KILLED,
        }
        if outcome in plain:
            self.state = plain[outcome]
        elif outcome is Outcome.STOPPED or self.desired is Desired.STOP:
            self.state = RunState.KILLED if self.by == "cancel" else RunState.STOPPED
        elif sweep.ended and (outcome not in (Outcome.OOM, Outcome.LOST) or self._comes_back()):
            cancelled = sweep is SweepState.CANCELLED
            self.state = RunState.KILLED if cancelled else RunState.STOPPED
        elif self.mark is not None and Outcome.PAUSED in (outcome, Outcome(self._wish())):
            self.state = RunState.PAUSED
            self.paused_by = "search" if self.by == "search" else "person"
        elif outcome in (Outcome.OOM, Outcome.LOST):
            if self.retries >= MAX_RETRIES:
                self.state = RunState.CRASHED
                return False
            self.to_pending()
            self.retries += 1
            return True
        else:
            self.to_pending()
        return False

    def _wish(self) -> str:
        return "paused" if self.desired is Desired.PAUSE else "finished"

    def _comes_back(self) -> bool:
        pausing = self.desired is Desired.PAUSE and self.mark is not None
        return pausing or self.retries < MAX_RETRIES


class StoreMachine(RuleBasedStateMachine):
    """Drives one sweep in the store at `url`; other examples' sweeps may stand beside it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.store: Store = open_store(url)
        self.now = 1_700_000_000.0
        self.sweep = self.store.create_sweep(new_sweep(), now=self.now).id
        self.sweep_state = SweepState.PENDING
        self.runs: dict[str, Model] = {}
        self.tokens: list[Token] = []
        self.requests = count(1)

    def teardown(self) -> None:
        self.store.close()

    # -- picking ----------------------------------------------------------------------------------

    def token(self, age: int) -> Token:
        return self.tokens[-1 - age % len(self.tokens)]

    def holds(self, token: Token) -> bool:
        """Whether `token` is good; an expired one that is takes its run back."""
        run = self.runs[token.run]
        if token.state == "live":
            return True
        back = run.state in TRANSITIONS[Move.REVIVE] and run.attempts == token.attempt
        if token.state == "ended" or not back:
            return False
        run.state = RunState.RUNNING
        run.retries -= token.retried
        token.state, token.retried, token.expires = "live", False, self.now + LEASE
        return True

    # -- verbs ------------------------------------------------------------------------------------

    @initialize()
    def one_run(self) -> None:
        self.suggest(Kind.SEARCH)

    def wants_runs(self) -> bool:
        idle = sum(not run.state.ended for run in self.runs.values())
        return idle < 2 and not self.sweep_state.ended

    @precondition(lambda self: self.wants_runs())
    @rule(kind=st.sampled_from([Kind.SEARCH, Kind.SEARCH, Kind.BASELINE]))
    def suggest(self, kind: Kind) -> None:
        token = self.store.history(self.sweep).token
        added = self.store.add(self.sweep, token, [start(kind)], now=self.now)
        assert added is not None
        self.runs[added[0].id] = Model(added[0].number)
        assert self.store.add(self.sweep, token, [start(kind)], now=self.now) is None

    @rule(reaches=st.booleans())
    def claim(self, reaches: bool) -> None:
        request = f"{self.sweep}-{next(self.requests)}"
        lease = self.store.claim(
            self.sweep,
            agent="a",
            host="h",
            request=request,
            now=self.now,
            lease_seconds=LEASE,
            reachable=frozenset({"disk"} if reaches else ()),
            checkpoint_wait=1e9,
        )
        open_sweep = self.sweep_state in (SweepState.PENDING, SweepState.RUNNING)
        free = {
            run
            for run, model in self.runs.items()
            if model.state is RunState.PENDING and (reaches or model.mark is None)
        }
        if lease is None:
            assert not free or not open_sweep
            return
        assert lease.run.id in free
        assert open_sweep
        model = self.runs[lease.run.id]
        assert (None if lease.run.checkpoint is None else lease.run.checkpoint.step) == model.mark
        model.state = RunState.RUNNING
        model.attempts += 1
        self.sweep_state = SweepState.RUNNING
        self.tokens.append(
            Token(lease.token, request, lease.run.id, lease.attempt, self.now + LEASE)
        )

    @precondition(lambda self: self.tokens)
    @rule(index=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5]))
    def claim_again(self, index: int) -> None:
        """The same request while its lease lives: the same lease."""
        token = self.token(index)
        if token.state != "live":
            return
        lease = self.store.claim(
            self.sweep, agent="a", host="h", request=token.request, now=self.now
        )
        assert lease is not None
        assert (lease.token, lease.attempt) == (token.text, token.attempt)
        token.expires = self.now + LEASE

    @precondition(lambda self: self.tokens)
    @rule(index=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5]))
    def heartbeat(self, index: int) -> None:
        token = self.token(index)
        orders = self.store.heartbeat("a", {token.run: token.text}, now=self.now)
        order = orders[token.run]
        assert (order is not None) == self.holds(token)
        if order is not None:
            assert order.desired is self.runs[token.run].desired
            token.expires = self.now + LEASE

    @precondition(lambda self: self.tokens)
    @rule(
        index=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5]),
        resume=st.booleans(),
        steps=st.lists(st.one_of(st.none(), st.integers(0, 6)), max_size=3),
        save=st.booleans(),
        repeat=st.booleans(),
    )
    def report(
        self, index: int, resume: bool, steps: list[int | None], save: bool, repeat: bool
    ) -> None:
        token = self.token(index)
        held = self.holds(token)
        before = self.store.events(run=token.run)
        reports = self._reports(token, resume, steps, save, held)
        if not held:
            with pytest.raises(LeaseLost):
                self.store.report(token.run, token.text, reports, now=self.now)
            assert self.store.events(run=token.run) == before
            return
        for _ in range(1 + repeat):
            order = self.store.report(token.run, token.text, reports, now=self.now)
            assert order.acknowledged == token.sequence
        token.expires = self.now + LEASE

    def _reports(
        self, token: Token, resume: bool, steps: list[int | None], save: bool, held: bool
    ) -> list[Report]:
        """The next reports of the attempt; where the token holds, the model takes them at once."""
        if not held:
            return [log(token.sequence + 1, 0, loss=-1.0)]
        run, reports = self.runs[token.run], []
        mark = run.mark
        if resume and not token.begun and mark is not None:
            token.sequence += 1
            reports.append(resumed(token.sequence, mark))
            run.begin_at(mark + 1)
            token.begun = True
        for step in steps:
            if not token.begun:
                run.begin_at(0)
                token.begun = True
            token.sequence += 1
            value = float(token.sequence + 100 * token.attempt)
            reports.append(log(token.sequence, step, loss=value))
            run.curve[step if step is not None else max(run.curve, default=-1) + 1] = value
        if save and token.begun and run.curve:
            token.sequence += 1
            reports.append(checkpoint(token.sequence, max(run.curve)))
            run.marks[token.attempt] = max(run.curve)
        return reports

    @precondition(lambda self: self.tokens)
    @rule(
        index=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5]),
        outcome=st.sampled_from([*Outcome, *COME_BACK, *COME_BACK]),
    )
    def complete(self, index: int, outcome: Outcome) -> None:
        token = self.token(index)

        def ask() -> tuple[RunState, bool]:
            ended = self.store.complete(
                token.run,
                token.text,
                outcome,
                reason="over",
                now=self.now,
                max_retries=MAX_RETRIES,
            )
            return ended.state, ended.retried

        if token.state == "ended":
            assert ask() == (token.answer, token.retried)
            return
        if not self.holds(token):
            with pytest.raises(LeaseLost):
                ask()
            return
        run = self.runs[token.run]
        token.retried = run.end(outcome, self.sweep_state)
        token.state, token.answer = "ended", run.state
        assert ask() == (token.answer, token.retried)

    @precondition(lambda self: self.runs)
    @rule(
        index=st.integers(0, 9),
        desired=st.sampled_from(Desired),
        by=st.sampled_from(["search", "person"]),
    )
    def ask(self, index: int, desired: Desired, by: str) -> None:
        name = list(self.runs)[index % len(self.runs)]
        run = self.runs[name]

        def order() -> None:
            self.store.set_desired(name, desired, reason=f"{desired}", by=by, now=self.now)

        if self._refused(run, desired, by):
            with pytest.raises(Conflict):
                order()
            return
        order()
        if run.state is RunState.RUNNING:
            strength = list(Desired).index
            fixed = run.by in ("person", "cancel") or run.desired is Desired.STOP
            weaker = strength(desired) <= strength(run.desired) and run.desired is not Desired.GO
            if by == "person" or not (fixed and weaker):
                run.desired, run.by = desired, by
        elif desired is Desired.STOP and run.state in IDLE:
            run.state = RunState.STOPPED if run.state is RunState.PAUSED else RunState.KILLED
            run.paused_by = ""
        elif desired is Desired.GO and run.state is RunState.PAUSED and by == "person":
            run.to_pending()

    def _refused(self, run: Model, desired: Desired, by: str) -> bool:
        if by == "search":
            return False
        if run.state is RunState.PENDING:
            return desired is Desired.PAUSE
        return run.state.ended or (run.state is RunState.RUNNING and run.by == "cancel")

    # -- time, restarts, the sweep ----------------------------------------------------------------

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0, 61.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        ended = self.store.expire(now=self.now, max_retries=MAX_RETRIES)
        mine = {found.run.id: found for found in ended if found.run.sweep == self.sweep}
        due = [
            token for token in self.tokens if token.state == "live" and token.expires <= self.now
        ]
        assert set(mine) == {token.run for token in due}
        for token in due:
            run = self.runs[token.run]
            token.retried = run.end(Outcome.LOST, self.sweep_state)
            token.state, token.answer = "expired", run.state
            assert (mine[token.run].state, mine[token.run].retried) == (run.state, token.retried)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = open_store(self.url)
        self.store.start_period(now=self.now)
        for token in self.tokens:
            if token.state == "live":
                token.expires = self.now + LEASE

    @precondition(lambda self: not self.sweep_state.ended and len(self.tokens) > 6)
    @rule(state=st.sampled_from([state for state in SweepState if state != "pending"]))
    def set_sweep_state(self, state: SweepState) -> None:
        self.store.set_sweep_state(self.sweep, state, reason="asked", now=self.now)
        self.sweep_state = state
        for run in self.runs.values():
            if state.ended and run.state in IDLE:
                stops = state is SweepState.FINISHED and run.state is RunState.PAUSED
                run.state = RunState.STOPPED if stops else RunState.KILLED
                run.paused_by = ""
            if state is SweepState.CANCELLED and run.state is RunState.RUNNING:
                run.desired, run.by = Desired.STOP, "cancel"

    # -- what must hold ---------------------------------------------------------------------------

    @invariant()
    def the_store_equals_the_model(self) -> None:
        found = {run.id: run for run in self.store.runs(RunFilter(sweep=self.sweep))}
        assert set(found) == set(self.runs)
        for name, run in found.items():
            model = self.runs[name]
            assert (run.state, run.retries) == (model.state, model.retries)
            assert (len(run.attempts), run.paused_by) == (model.attempts, model.paused_by)
            assert [(point.step, point.value) for point in run.curve] == sorted(model.curve.items())
            assert (None if run.checkpoint is None else run.checkpoint.step) == model.mark
            assert self.store.sweep(self.sweep).state is self.sweep_state

    @invariant()
    def leases_are_those_of_the_model(self) -> None:
        live = [token.run for token in self.tokens if token.state == "live"]
        assert len(live) == len(set(live))
        for token in self.tokens:
            lease = self.store.lease_of(token.text)
            assert lease == (token.run, token.attempt, token.state == "live")
        for name, run in self.runs.items():
            assert (run.state is RunState.RUNNING) == (name in live)

    @invariant()
    def events_tell_the_states(self) -> None:
        """Replaying the events by TRANSITIONS gives the states: no other way in or out."""
        states: dict[str, RunState] = {}
        for event in self.store.events(sweep=self.sweep, limit=10_000):
            if event.type == "run.created" and event.run:
                states[event.run] = RunState.PENDING
            if event.type in MOVES and event.run:
                after = TRANSITIONS[MOVES[event.type]][states[event.run]]
                assert (event.data["before"], event.data["after"]) == (states[event.run], after)
                states[event.run] = after
        assert states == {name: run.state for name, run in self.runs.items()}


def _drive(url: str, examples: int) -> None:
    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__(url)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_the_store_on_sqlite_follows_the_model(tmp_path: Path) -> None:
    _drive(f"sqlite:///{tmp_path}/swept.db", 60)


@pytest.mark.slow
@pytest.mark.postgres
def test_the_store_on_postgresql_follows_the_model(postgres_url: str) -> None:
    _drive(postgres_url, 10)
