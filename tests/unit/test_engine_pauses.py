"""Pausing and continuing through the engine and the store: the same as in simulated time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from swept.engine import Engine
from swept.model import Config, Decision, Desired, History, Outcome, Run, RunState
from swept.store.base import Lease, Store
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.scenes import checkpoint, log, resumed
from swept.testing.simulate import simulate
from swept.think import InlineThinker, ThinkError
from swept.wire.agents import ClaimRequest

STEPS = 9
SWEEP: dict[str, Any] = {
    "method": "grid",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"values": [5.0, 2.0, 8.0, 1.0, 9.0, 3.0, 7.0, 6.0]}},
    "run_cap": 8,
    "swept": {"epochs": STEPS, "early_stopping": {"type": "asha", "eta": 2, "min_epochs": 2}},
}


def curve(config: Config, seed: int) -> list[float]:
    return [config["x"] + 1.0 / step for step in range(1, STEPS + 1)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    yield opened
    opened.close()


def request_of(agent: str, number: int) -> ClaimRequest:
    return {
        "agent": agent,
        "host": "h",
        "request": f"{agent}{number}",
        "wait": 0.0,
        "reachable": ["disk"],
    }


def play(engine: Engine, sweep: str, saves: bool = True) -> tuple[Run, ...]:
    """One agent, until the sweep is done."""
    agent = engine.store.add_agent(sweep=sweep, host="h", kind="swept", slots=1, now=0.0).id
    for number in range(100):
        status, lease, _ = engine.claim(sweep, request_of(agent, number))
        if lease is None:
            assert status == "done"
            return engine.store.history(sweep).runs
        train(engine, lease, saves)
    raise AssertionError("the sweep has no end")


def train(engine: Engine, lease: Lease, saves: bool) -> None:
    """From its checkpoint on, until the report that says otherwise; each report is followed by a checkpoint."""
    run, outcome, reason = lease.run, Outcome.FINISHED, "the program ended"
    first, number = run.checkpoint.step if run.checkpoint else 0, count(1)
    if first:
        engine.report(run.id, lease.token, [resumed(next(number), first)])
    for step in range(first + 1, STEPS + 1):
        loss = curve(run.config, 0)[step - 1]
        order = engine.report(run.id, lease.token, [log(next(number), step, loss=loss)])
        if saves:
            engine.report(run.id, lease.token, [checkpoint(next(number), step)])
        if order.desired is not Desired.GO and step < STEPS:
            outcome = Outcome.STOPPED if order.desired is Desired.STOP else Outcome.PAUSED
            reason = order.reason
            break
    engine.store.complete(run.id, lease.token, outcome, reason=reason, now=0.0)


def started(store: Store, think: InlineThinker | None = None) -> tuple[Engine, str]:
    engine = Engine(store, FakeClock(), think or InlineThinker())
    engine.start()
    sweep, *_ = engine.create_sweep(yaml.safe_dump(SWEEP))
    return engine, sweep.id


@pytest.mark.parametrize("saves", [True, False])
def test_the_server_pauses_and_continues_as_in_simulated_time(store: Store, saves: bool) -> None:
    engine, sweep = started(store)
    served = play(engine, sweep, saves)
    simulated = simulate(SWEEP, curve, 1000, can_resume=saves)
    for ours, theirs in zip(simulated.runs, served, strict=True):
        assert (ours.state, ours.config, ours.curve) == (theirs.state, theirs.config, theirs.curve)
        assert [a.outcome for a in ours.attempts] == [a.outcome for a in theirs.attempts]
    paused = [run for run in served if Outcome.PAUSED in {a.outcome for a in run.attempts}]
    assert bool(paused) is saves
    assert {run.state for run in served} == {RunState.FINISHED, RunState.STOPPED}
    assert store.sweep(sweep).state == "finished"
    best = min(served, key=lambda run: (run.config["x"], run.number))
    assert best.state is RunState.FINISHED


def test_each_continuation_says_why(store: Store) -> None:
    engine, sweep = started(store)
    again = [run for run in play(engine, sweep) if len(run.attempts) > 1]
    assert again
    for run in again:
        assert [attempt.outcome for attempt in run.attempts[:-1]] == [Outcome.PAUSED] * (
            len(run.attempts) - 1
        )
        resumed = [order for order in store.orders(run.id) if order.type == "run.resumed"]
        assert len(resumed) == len(run.attempts) - 1
        assert all(event.data["reason"].startswith("rung ") for event in resumed)


class Failing(InlineThinker):
    """Its early stopping fails, each time in the same way."""

    def decide(self, spec: Any, history: History) -> list[Decision]:
        raise ThinkError("took longer than 30 s")


def test_early_stopping_that_fails_stops_nothing_and_says_so_once(store: Store) -> None:
    engine, sweep = started(store, Failing())
    runs = play(engine, sweep)
    assert {run.state for run in runs} == {RunState.FINISHED}
    told = [event for event in store.events(sweep=sweep) if event.type == "stopping.failed"]
    assert [event.data["reason"] for event in told] == ["early stopping took longer than 30 s"]


def test_a_run_is_not_begun_anew_while_the_agent_with_its_checkpoint_is_at_work(
    store: Store,
) -> None:
    engine, sweep = started(store)
    near = store.add_agent(sweep=sweep, host="h", kind="swept", slots=1, now=0.0).id
    far = store.add_agent(sweep=sweep, host="f", kind="swept", slots=1, now=0.0).id
    _, lease, _ = engine.claim(sweep, request_of(near, 0))
    assert lease is not None
    engine.report(lease.run.id, lease.token, [log(1, 1, loss=1.0), checkpoint(2, 1)])
    store.complete(lease.run.id, lease.token, Outcome.RELEASED, reason="", now=0.0)
    store.touch_agent(near, now=390.0)

    def asked(now: float) -> Lease | None:
        request = f"at {now}"
        return store.claim(sweep, agent=far, host="f", request=request, now=now, run=lease.run.id)

    assert asked(400.0) is None
    taken = asked(800.0)
    assert taken is not None
    assert taken.run.checkpoint is None
