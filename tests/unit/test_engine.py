"""The engine over a real store and the real search, in time that passes when told."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from swept.analysis.best import Advice
from swept.engine import Engine
from swept.errors import Conflict, LeaseLost, SpecError, StoreError, UsageError
from swept.model import (
    Decision,
    Desired,
    Done,
    History,
    Kind,
    RunState,
    Suggestions,
    SweepState,
    Wait,
)
from swept.store.base import Lease, Order, RunFilter, Store
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.think import InlineThinker, Thinker, ThinkError
from swept.wire.agents import ClaimRequest
from swept.wire.reports import Completion, Report

RANDOM = """
method: random
program: train.py
metric: {name: loss, goal: minimize}
run_cap: 3
parameters:
  lr: {min: 0.001, max: 0.1}
  batch: {value: 64}
swept: {early_stopping: off, retries: 1, oom: {reduce: batch, factor: 0.75, min: 40}}
"""
GRID = """
method: grid
program: train.py
metric: {name: loss, goal: minimize}
parameters: {batch: {values: [8, 16, 32]}}
swept: {oom: {reduce: batch, factor: 0.75, min: 8}}
"""
HYPERBAND = """
method: random
program: train.py
metric: {name: loss, goal: minimize}
parameters: {lr: {min: 0.001, max: 0.1}}
early_terminate: {type: hyperband, min_iter: 2, eta: 2}
"""
MEDIAN = """
method: random
program: train.py
metric: {name: loss, goal: minimize}
parameters: {lr: {min: 0.001, max: 0.1}}
swept: {epochs: 9, early_stopping: {type: median, min_epochs: 1, min_runs: 1}}
"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    yield opened
    opened.close()


class Broken:
    """A thinker whose search fails, and which counts how often it was asked to decide."""

    def __init__(self) -> None:
        self.decided = 0

    def suggest(self, *_: Any, **__: Any) -> Suggestions:
        raise ThinkError("took longer than 30 s")

    def decide(self, *_: Any) -> list[Decision]:
        self.decided += 1
        raise ThinkError("failed: no memory")

    def advise(self, *_: Any) -> Advice | None:
        raise ThinkError("failed: no memory")

    def close(self) -> None:
        """Nothing is held."""


class Gate(InlineThinker):
    """Thinks when `open` is set; `thinking` says that it is waiting; `sizes` are the batches asked for."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.thinking = threading.Event()
        self.sizes: list[int] = []

    def suggest(
        self, spec: Mapping[str, Any], history: History, n: int, *, seed: int, now: float
    ) -> Suggestions:
        self.sizes.append(n)
        self.thinking.set()
        assert self.open.wait(30)
        return super().suggest(spec, history, n, seed=seed, now=now)


class Around:
    """A store some of whose verbs are replaced."""

    def __init__(self, store: Store, **verbs: Any) -> None:
        self.__dict__.update(verbs)
        self._store = store

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._store, verb)


def engine_of(store: Store, clock: FakeClock, think: Thinker | None = None) -> Engine:
    engine = Engine(store, clock, think or InlineThinker(), lease_seconds=60.0)
    engine.start()
    return engine


def agent_of(engine: Engine, sweep: str, host: str = "one") -> str:
    now = engine.clock.now()
    return engine.store.add_agent(sweep=sweep, host=host, kind="swept", slots=1, now=now).id


def ask(agent: str, request: str, **more: Any) -> ClaimRequest:
    body: ClaimRequest = {"agent": agent, "host": "one", "request": request, "wait": 0.0}
    return body | more  # type: ignore[return-value]


def taken(engine: Engine, sweep: str, agent: str, request: str) -> Lease:
    status, lease, why = engine.claim(sweep, ask(agent, request))
    assert lease is not None, (status, why)
    return lease


def loss(seq: int, step: int, value: float) -> Report:
    return {"seq": seq, "type": "log", "time": 0.0, "step": step, "metrics": {"loss": value}}


def ending(outcome: str, reason: str = "") -> Completion:
    code = 0 if outcome == "finished" else 1
    return {
        "lease": "",
        "outcome": outcome,
        "exit_code": code,
        "signal": None,
        "reason": reason or outcome,
        "tail": [],
    }


def finish(engine: Engine, lease: Lease, outcome: str = "finished", reason: str = "") -> RunState:
    return engine.complete(lease.run.id, lease.token, ending(outcome, reason)).state


def kinds_of(store: Store, sweep: str) -> list[str]:
    return [event.type for event in store.events(sweep=sweep)]


def test_claims_fill_the_sweep_until_its_cap_and_end_it(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep, created, difference, _ = engine.create_sweep(RANDOM)
    agent = agent_of(engine, sweep.id)
    for number in range(3):
        lease = taken(engine, sweep.id, agent, f"r{number}")
        assert lease.run.number == number + 1
        assert lease.run.why["reason"]
        finish(engine, lease)
    status, lease_or_none, why = engine.claim(sweep.id, ask(agent, "r3"))
    assert (created, difference, status, lease_or_none) == (True, [], "done", None)
    assert "3" in why
    assert store.sweep(sweep.id).state is SweepState.FINISHED
    assert store.sweep(sweep.id).ended_because == why


def test_a_claim_that_finds_the_budget_used_waits_for_the_runs_under_way(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    leases = [taken(engine, sweep.id, agent, f"r{number}") for number in range(3)]
    assert engine.claim(sweep.id, ask(agent, "more"))[0] == "wait"
    for lease in leases:
        finish(engine, lease)
    assert engine.claim(sweep.id, ask(agent, "more"))[0] == "done"


def test_the_last_run_ends_the_sweep_although_nobody_claims(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    for number in range(3):
        finish(engine, taken(engine, sweep.id, agent, f"r{number}"))
    assert store.sweep(sweep.id).state is SweepState.RUNNING
    engine.tick(clock.advance(1.0))
    assert store.sweep(sweep.id).state is SweepState.FINISHED


def test_a_sweep_whose_last_run_ended_while_it_was_paused_ends_once_it_goes_on(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    leases = [taken(engine, sweep.id, agent, f"r{number}") for number in range(3)]
    engine.set_state(sweep.id, "paused")
    for lease in leases:
        finish(engine, lease)
    engine.tick(clock.advance(1.0))
    assert store.sweep(sweep.id).state is SweepState.PAUSED
    engine.set_state(sweep.id, "running")
    engine.tick(clock.advance(1.0))
    assert store.sweep(sweep.id).state is SweepState.FINISHED


def test_a_last_run_that_ends_while_the_search_thinks_ends_the_sweep_too(
    store: Store, clock: FakeClock
) -> None:
    class Meanwhile(InlineThinker):
        def suggest(self, *args: Any, **more: Any) -> Suggestions:
            answer = super().suggest(*args, **more)
            if leases and isinstance(answer, Wait):  # the history that it saw is old by now
                finish(engine, leases.pop())
                engine.reap()
            return answer

    leases: list[Lease] = []
    engine = engine_of(store, clock, Meanwhile())
    sweep = engine.create_sweep(RANDOM.replace("run_cap: 3", "run_cap: 1"))[0].id
    agent = agent_of(engine, sweep)
    leases.append(taken(engine, sweep, agent, "a"))
    assert engine.claim(sweep, ask(agent, "b"))[0] == "wait"
    engine.reap()  # and nobody claims any more
    assert store.sweep(sweep).state is SweepState.FINISHED


def test_the_same_request_gets_the_same_run(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    first, again = (taken(engine, sweep.id, agent, "r") for _ in range(2))
    assert (first.run.id, first.token) == (again.run.id, again.token)


def test_a_search_that_fails_gives_a_draw_with_the_reason_stored(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock, Broken())
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    lease = taken(engine, sweep.id, agent, "r")
    assert 0.001 <= lease.run.config["lr"] <= 0.1
    assert "took longer than 30 s" in lease.run.why["reason"]
    assert "search.failed" in kinds_of(store, sweep.id)


def test_draws_of_a_failed_search_respect_the_cap(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock, Broken())
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    configs = [taken(engine, sweep.id, agent, f"r{number}").run.config for number in range(3)]
    assert len({config["lr"] for config in configs}) == 3
    assert engine.claim(sweep.id, ask(agent, "r3"))[0] == "wait"


def test_a_grid_whose_search_fails_waits_and_draws_nothing(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock, Broken())
    sweep = engine.create_sweep(GRID)[0]
    status, _, why = engine.claim(sweep.id, ask(agent_of(engine, sweep.id), "r"))
    assert (status, store.runs(RunFilter(sweep=sweep.id))) == ("wait", [])
    assert "took longer" in why


def test_waiting_claims_are_answered_by_one_batch(store: Store, clock: FakeClock) -> None:
    gate = Gate()
    engine = engine_of(store, clock, gate)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    first = threading.Thread(target=engine.claim, args=(sweep.id, ask(agent, "a")))
    first.start()
    assert gate.thinking.wait(30)
    while_thinking = [engine.claim(sweep.id, ask(agent, name)) for name in "bc"]
    gate.open.set()
    first.join(30)
    assert [status for status, _, _ in while_thinking] == ["wait", "wait"]
    assert [taken(engine, sweep.id, agent, name).run.number for name in "bc"] == [2, 3]
    assert gate.sizes == [1, 2]


def test_suggestions_for_a_sweep_that_changed_meanwhile_are_thrown_away(
    store: Store, clock: FakeClock
) -> None:
    gate = Gate()
    engine = engine_of(store, clock, gate)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    claim = threading.Thread(target=engine.claim, args=(sweep.id, ask(agent, "a")))
    claim.start()
    assert gate.thinking.wait(30)
    engine.update_spec(sweep.id, RANDOM.replace("max: 0.1", "max: 0.002"))
    gate.open.set()
    claim.join(30)
    (run,) = store.runs(RunFilter(sweep=sweep.id))
    assert run.config["lr"] <= 0.002
    assert gate.sizes == [1, 1]


@pytest.mark.parametrize(("state", "status"), [("paused", "wait"), ("cancelled", "done")])
def test_no_run_of_a_sweep_that_does_not_run(
    store: Store, clock: FakeClock, state: str, status: str
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    engine.set_state(sweep.id, state)
    answer = engine.claim(sweep.id, ask(agent_of(engine, sweep.id), "r"))
    assert answer[:2] == (status, None)
    assert answer[2]


def test_hyperband_stops_a_run_in_the_answer_to_its_report(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(HYPERBAND)[0]
    agent = agent_of(engine, sweep.id)
    orders = []
    for number, value in enumerate((0.1, 0.2, 0.3, 0.9)):
        lease = taken(engine, sweep.id, agent, f"r{number}")
        for seq in (1, 2, 3):
            order = engine.report(lease.run.id, lease.token, [loss(seq, seq, value)])
        orders.append(order)
    assert orders[0].desired is Desired.GO
    assert orders[-1].desired is Desired.STOP
    assert orders[-1].reason
    assert store.run(lease.run.id).desired_why == orders[-1].reason


def test_a_neighbours_look_at_the_same_moment_still_stops_a_run_in_the_answer_to_its_report(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(HYPERBAND)[0].id
    *good, bad = (taken(engine, sweep, agent_of(engine, sweep, host), host) for host in "abc")
    for lease, value in zip(good, (0.1, 0.2), strict=True):
        engine.report(lease.run.id, lease.token, [loss(n, n, value) for n in (1, 2)])

    def report(*args: Any, **more: Any) -> Order:
        order = store.report(*args, **more)
        looking.after_rows(good[0].run.id)  # a neighbour's look, before this report's own
        return order

    looking = engine_of(cast(Store, Around(store, report=report)), clock)
    order = looking.report(bad.run.id, bad.token, [loss(n, n, 0.9) for n in (1, 2)])
    assert order.desired is Desired.STOP
    assert "report 2" in order.reason


@pytest.mark.parametrize("kind", ["config", "effective"])
def test_a_run_begun_anew_is_not_judged_by_its_earlier_curve(
    store: Store, clock: FakeClock, kind: Literal["config", "effective"]
) -> None:
    """What a program says of its configuration is no report of its training."""
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(MEDIAN)[0].id
    bad = taken(engine, sweep, agent_of(engine, sweep, "a"), "a")
    engine.report(bad.run.id, bad.token, [loss(n, n, 0.9) for n in (1, 2)])
    finish(engine, bad, "released")
    clock.advance(60.0)
    again = taken(engine, sweep, agent_of(engine, sweep, "b"), "b")
    assert again.run.id == bad.run.id
    told: Report = {"seq": 1, "type": kind, "time": 0.0, "config": {"width": 3}}
    engine.report(again.run.id, again.token, [told])
    for request in "cd":
        lease = taken(engine, sweep, agent_of(engine, sweep, "b"), request)
        engine.report(lease.run.id, lease.token, [loss(n, n, 0.1) for n in (1, 2)])
        if request == "c":
            finish(engine, lease)
    assert len(store.run(bad.run.id).curve) == 2, "an attempt without a row takes nothing away"
    assert store.run(bad.run.id).desired is Desired.GO
    order = engine.report(again.run.id, again.token, [loss(n + 1, n, 0.9) for n in (1, 2)])
    assert order.desired is Desired.STOP, "by its own"


def test_only_reports_of_the_objective_are_decided_on(store: Store, clock: FakeClock) -> None:
    think = Broken()
    engine = engine_of(store, clock, think)
    sweep = engine.create_sweep(HYPERBAND)[0]
    lease = taken(engine, sweep.id, agent_of(engine, sweep.id), "r")
    other: Report = {"seq": 1, "type": "log", "time": 0.0, "step": 0, "metrics": {"lr": 1.0}}
    engine.report(lease.run.id, lease.token, [other])
    assert think.decided == 0
    order = engine.report(lease.run.id, lease.token, [loss(2, 1, 0.5)])
    assert (think.decided, order.desired, order.acknowledged) == (1, Desired.GO, 2)
    assert "stopping.failed" in kinds_of(store, sweep.id)


def test_out_of_memory_lowers_what_the_file_names_and_says_so(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM.replace("retries: 1", "retries: 3"))[0]
    agent = agent_of(engine, sweep.id)
    batches = []
    for number in range(3):
        lease = taken(engine, sweep.id, agent, f"r{number}")
        batches.append(lease.run.config["batch"])
        assert finish(engine, lease, "oom") is RunState.PENDING
    assert batches == [64, 48, 40]
    assert all(isinstance(batch, int) for batch in batches)
    told = [event for event in store.events(sweep=sweep.id) if event.type == "run.reduced"]
    assert "batch = 64" in told[0].data["reason"]
    assert len(told) == 2  # at the minimum there is nothing to lower


def test_a_program_that_rounds_up_is_asked_for_less_than_before(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM.replace("value: 64", "value: 48"))[0].id
    lease = taken(engine, sweep, agent_of(engine, sweep), "a")
    ran: Report = {"seq": 1, "type": "effective", "time": 0.0, "config": {"batch": 64}}
    engine.report(lease.run.id, lease.token, [ran])
    assert finish(engine, lease, "oom") is RunState.PENDING
    assert store.run(lease.run.id).overrides == {"batch": 40}  # 64 × 0.75 is what it was asked for


def test_out_of_memory_of_a_swept_value_goes_to_the_next_lower_one(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(GRID)[0]
    agent = agent_of(engine, sweep.id)
    leases = [taken(engine, sweep.id, agent, f"r{number}") for number in range(3)]
    assert leases[2].run.config == {"batch": 32}
    finish(engine, leases[2], "oom")
    assert taken(engine, sweep.id, agent, "again").run.config == {"batch": 16}


def test_retries_are_those_of_the_file(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    ends = [
        finish(engine, taken(engine, sweep.id, agent, f"r{number}"), "lost") for number in range(2)
    ]
    assert ends == [RunState.PENDING, RunState.CRASHED]


def test_a_lost_lease_uses_the_retries_of_the_file_too(store: Store, clock: FakeClock) -> None:
    engine_of(store, clock).create_sweep(RANDOM.replace("retries: 1", "retries: 0"))
    engine = engine_of(store, clock)  # also after a restart
    sweep = store.sweeps()[0]
    lease = taken(engine, sweep.id, agent_of(engine, sweep.id), "r")
    for _ in range(62):
        engine.tick(clock.advance(1.0))
    assert store.run(lease.run.id).state is RunState.CRASHED


def test_complete_repeated_is_answered_as_the_first_time(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    lease = taken(engine, sweep.id, agent_of(engine, sweep.id), "r")
    answers = [engine.complete(lease.run.id, lease.token, ending("oom")) for _ in range(2)]
    assert {(answer.state, answer.retried) for answer in answers} == {(RunState.PENDING, True)}
    assert kinds_of(store, sweep.id).count("run.reduced") == 1


def test_a_lease_that_runs_out_gives_the_run_to_the_next(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    lost = taken(engine, sweep.id, agent, "a")
    for _ in range(62):
        engine.tick(clock.advance(1.0))
    assert store.run(lost.run.id).state is RunState.PENDING
    next_one = taken(engine, sweep.id, agent, "b")
    assert next_one.run.id == lost.run.id
    with pytest.raises(LeaseLost):
        engine.report(lost.run.id, lost.token, [loss(1, 1, 0.5)])


def test_time_without_a_server_counts_for_no_lease(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    lease = taken(engine, sweep.id, agent_of(engine, sweep.id), "a")
    engine.tick(clock.advance(1.0))
    engine.tick(clock.advance(3600.0))  # asleep
    engine.tick(clock.advance(1.0))
    assert store.run(lease.run.id).state is RunState.RUNNING
    clock.advance(3600.0)
    restarted = engine_of(store, clock)
    restarted.tick(clock.advance(1.0))
    assert store.run(lease.run.id).state is RunState.RUNNING


def test_failures_in_a_row_are_explained_with_the_next_run(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM.replace("run_cap: 3", "run_cap: 9"))[0]
    agent = agent_of(engine, sweep.id)
    for number in range(3):
        lease = taken(engine, sweep.id, agent, f"r{number}")
        clock.advance(2.0)
        finish(engine, lease, "failed", "FileNotFoundError: cones.yaml")
    why = engine.claim(sweep.id, ask(agent, "next"))[2]
    assert "last 3 runs failed" in why
    assert "FileNotFoundError: cones.yaml" in why


def test_a_prior_run_that_failed_is_no_failure_of_the_sweep(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    other = engine.create_sweep(RANDOM)[0]
    earlier = taken(engine, other.id, agent_of(engine, other.id), "earlier")
    finish(engine, earlier, "failed", "no such file")
    sweep = engine.create_sweep(RANDOM.replace("run_cap: 3", "run_cap: 9"), mode="create")[0]
    engine.add_priors(sweep.id, [earlier.run.id])
    agent = agent_of(engine, sweep.id)
    for number in range(3):
        clock.advance(1.0)
        finish(engine, taken(engine, sweep.id, agent, f"r{number}"), "failed", "no such file")
    assert "the last 3 runs failed" in engine.claim(sweep.id, ask(agent, "next"))[2]


def test_failures_in_a_row_are_explained_also_after_a_restart(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM.replace("run_cap: 3", "run_cap: 9"))[0]
    agent = agent_of(engine, sweep.id)
    for number, outcome in enumerate(("failed", "finished", "failed", "failed")):
        finish(engine, taken(engine, sweep.id, agent, f"r{number}"), outcome, "no such file")
        clock.advance(1.0)
    lease = taken(engine, sweep.id, agent, "not yet")
    assert "failed" not in engine.claim(sweep.id, ask(agent, "not yet"))[2]
    finish(engine, lease, "failed", "no such file")
    restarted = engine_of(store, clock)
    assert "the last 3 runs failed" in restarted.claim(sweep.id, ask(agent, "next"))[2]


def test_a_run_goes_on_under_the_version_it_was_started_under(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]  # one retry
    agent = agent_of(engine, sweep.id)
    old = taken(engine, sweep.id, agent, "old")
    edited = RANDOM.replace("retries: 1", "retries: 0").replace("train.py", "other.py")
    engine.update_spec(sweep.id, edited)
    new = taken(engine, sweep.id, agent, "new")
    assert (finish(engine, old, "lost"), finish(engine, new, "lost")) == (
        RunState.PENDING,
        RunState.CRASHED,
    )
    for _ in range(2):  # by a lease that runs out too, and after a restart
        engine = engine_of(store, clock)
        lease = taken(engine, sweep.id, agent, "old again")
        assert lease.run.id == old.run.id
        spec = engine.spec_of(lease.run)
        assert spec is not None
        assert (spec.program, spec.options.retries) == ("train.py", 1)
    for _ in range(62):
        engine.tick(clock.advance(1.0))
    assert store.run(old.run.id).state is RunState.CRASHED


def test_a_run_enqueued_while_the_search_finds_its_end_is_not_lost(
    store: Store, clock: FakeClock
) -> None:
    class Busy(InlineThinker):
        """Somebody enqueues a run just when the search has found that it is done."""

        def suggest(self, *_: Any, **__: Any) -> Suggestions:
            if not store.runs():
                engine.new_run(sweep.id, {"kind": "search", "config": {"lr": 0.05}})
            return Done("the grid is at its end")

    engine = engine_of(store, clock, Busy())
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    engine.claim(sweep.id, ask(agent, "r"))
    (run,) = store.runs()
    assert run.state in (RunState.PENDING, RunState.RUNNING)
    assert store.sweep(sweep.id).state is not SweepState.FINISHED


def test_a_sweep_whose_last_run_ended_with_the_server_is_ended_by_the_next(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    for number in range(3):
        finish(engine, taken(engine, sweep.id, agent, f"r{number}"))
    assert store.sweep(sweep.id).state is SweepState.RUNNING  # killed before its next tick
    engine_of(store, clock).tick(clock.advance(1.0))
    assert store.sweep(sweep.id).state is SweepState.FINISHED


def test_a_sweep_that_could_not_be_ended_is_ended_later(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    for number in range(3):
        finish(engine, taken(engine, sweep.id, agent, f"r{number}"))
    with sqlite3.connect(tmp_path / "swept.db") as other:
        other.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON sweeps BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(StoreError):
        engine.tick(clock.advance(1.0))
    with sqlite3.connect(tmp_path / "swept.db") as other:
        other.execute("DROP TRIGGER full")
    for _ in range(2):  # the first gives leases a new period
        engine.tick(clock.advance(1.0))
    assert store.sweep(sweep.id).state is SweepState.FINISHED


def test_a_sweep_that_changed_while_it_was_looked_at_is_looked_at_again(
    store: Store, clock: FakeClock
) -> None:
    class Meanwhile(InlineThinker):
        """Somebody adds a prior just when the search has found that it is done."""

        def suggest(self, *args: Any, **more: Any) -> Suggestions:
            answer = super().suggest(*args, **more)
            while isinstance(answer, Done) and joining:
                store.add_priors(sweep, [joining.pop()], now=clock.now())
            return answer

    joining: list[str] = []
    engine = engine_of(store, clock, Meanwhile())
    once = RANDOM.replace("run_cap: 3", "run_cap: 1")
    other = engine.create_sweep(once)[0].id
    earlier = taken(engine, other, agent_of(engine, other), "earlier")
    finish(engine, earlier)
    engine.tick(clock.advance(1.0))
    sweep = engine.create_sweep(once.replace("train.py", "other.py"))[0].id
    finish(engine, taken(engine, sweep, agent_of(engine, sweep), "r"))
    joining.append(earlier.run.id)
    engine.tick(clock.advance(1.0))
    assert not joining
    assert store.sweep(sweep).state is SweepState.RUNNING
    engine.tick(clock.advance(1.0))
    assert store.sweep(sweep).state is SweepState.FINISHED


def test_no_lease_runs_out_while_the_store_cannot_be_written(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    lease = taken(engine, sweep.id, agent_of(engine, sweep.id), "r")
    with sqlite3.connect(tmp_path / "swept.db") as other:
        other.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON leases BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    for _ in range(59):
        engine.tick(clock.advance(1.0))
    for _ in range(3):  # it has run out, and cannot be ended
        with pytest.raises(StoreError):
            engine.tick(clock.advance(1.0))
    with sqlite3.connect(tmp_path / "swept.db") as other:
        other.execute("DROP TRIGGER full")
    for seconds in (1.0, 59.0):
        engine.tick(clock.advance(seconds))
        assert store.run(lease.run.id).state is RunState.RUNNING


def test_launching_a_file_again_finds_its_sweep_and_says_what_changed(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    first = engine.launch(RANDOM, "/data/cones/sweep.yaml")
    same = engine.launch(RANDOM, "/data/cones/sweep.yaml")
    other = engine.launch(RANDOM.replace("0.001", "0.01"), "/data/cones/sweep.yaml")
    assert (first[1], same[1], other[1]) == (True, False, False)
    assert first[0].id == same[0].id == other[0].id
    assert (same[2], other[2]) == ([], ["parameters.lr.low: 0.001 → 0.01"])
    assert (first[0].project, first[0].folder) == ("cones", "/data/cones")


def test_a_broken_file_makes_no_sweep(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    with pytest.raises(SpecError):
        engine.create_sweep("method: guess\nparameters: {}")
    assert store.sweeps() == []


def test_an_enqueued_run_is_completed_and_claimed_next(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    run = engine.new_run(sweep.id, {"kind": "search", "config": {"lr": 0.05}})
    assert run.config == {"lr": 0.05, "batch": 64}
    assert taken(engine, sweep.id, agent_of(engine, sweep.id), "r").run.id == run.id


def test_an_enqueued_value_outside_of_the_space_is_refused(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    with pytest.raises(UsageError, match=r"lr = 5.0 is not from 0.001 to 0.1"):
        engine.new_run(sweep.id, {"kind": "search", "config": {"lr": 5.0}})


def test_a_final_run_takes_its_parents_config_and_is_claimed_by_name(
    store: Store, clock: FakeClock
) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    agent = agent_of(engine, sweep.id)
    parent = taken(engine, sweep.id, agent, "r")
    finish(engine, parent)
    engine.set_state(sweep.id, "finished")
    final = engine.new_run(
        sweep.id, {"kind": "final", "config": {"epochs": 300}, "parent": parent.run.id}
    )
    assert final.config == {**parent.run.config, "epochs": 300}
    status, lease, _ = engine.claim(sweep.id, ask(agent, "f", run=final.id, kinds=["final"]))
    assert status == "run"
    assert lease is not None
    finish(engine, lease)
    assert engine.claim(sweep.id, ask(agent, "g", run=final.id, kinds=["final"]))[0] == "done"


def test_retry_is_a_new_run_of_an_ended_one(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    lease = taken(engine, sweep.id, agent_of(engine, sweep.id), "r")
    with pytest.raises(Conflict):
        engine.retry(lease.run.id)
    finish(engine, lease, "failed")
    again = engine.retry(lease.run.id)
    assert (again.retry_of, again.config, again.kind) == (
        lease.run.id,
        lease.run.config,
        Kind.SEARCH,
    )


def test_a_run_by_hand_is_not_retried_by_an_agent(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    lease = engine.manual_run({"project": "p", "config": {}, "host": "h", "pid": 1})
    finish(engine, lease, "failed")
    with pytest.raises(Conflict, match="by hand"):
        engine.retry(lease.run.id)


def test_an_unknown_word_names_those_that_are_known(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    with pytest.raises(UsageError, match="running, paused, finished"):
        engine.set_state(sweep.id, "asleep")


def test_stopping_the_last_paused_run_ends_the_sweep(store: Store, clock: FakeClock) -> None:
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM.replace("run_cap: 3", "run_cap: 1"))[0]
    lease = taken(engine, sweep.id, agent_of(engine, sweep.id), "r")
    mark: Report = {"seq": 1, "type": "checkpoint", "time": 0.0, "step": 0, "place": "", "host": ""}
    engine.report(lease.run.id, lease.token, [mark])
    assert finish(engine, lease, "paused") is RunState.PAUSED
    engine.order(lease.run.id, "stop")
    engine.tick(clock.advance(1.0))
    assert store.sweep(sweep.id).state is SweepState.FINISHED


@pytest.mark.parametrize("wished", ["paused", "running", "cancelled"])
def test_an_ended_sweep_is_left_as_it_is(store: Store, clock: FakeClock, wished: str) -> None:
    """A cancelled one is not found again by its file: a finished sweep must not be lost by one mistyped word."""
    engine = engine_of(store, clock)
    sweep = engine.create_sweep(RANDOM)[0]
    engine.set_state(sweep.id, "finished")
    assert engine.set_state(sweep.id, "finished").state is SweepState.FINISHED
    with pytest.raises(Conflict, match="is finished"):
        engine.set_state(sweep.id, wished)


def test_done_is_not_said_while_a_run_may_come_back(store: Store, clock: FakeClock) -> None:
    """The search is done, one run is under way: it may be lost and claimed again, so agents stay."""

    class Finished(InlineThinker):
        def suggest(self, *_: Any, **__: Any) -> Suggestions:
            return Done("target reached")

    sweep = engine_of(store, clock).create_sweep(RANDOM)[0]
    agent = agent_of(engine_of(store, clock), sweep.id)
    lease = taken(engine_of(store, clock), sweep.id, agent, "r")
    engine = engine_of(store, clock, Finished())
    status, _, why = engine.claim(sweep.id, ask(agent, "s"))
    assert (status, why) == ("wait", "target reached; 1 run is under way")
    finish(engine, lease)
    assert engine.claim(sweep.id, ask(agent, "s"))[::2] == ("done", "target reached")
