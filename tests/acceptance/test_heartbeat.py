"""The agent's heartbeat is held open until something else is wanted of its runs, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from swept.client import Client
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import Served, in_memory
from swept.testing.site import until
from swept.wire.agents import Beat, BeatAnswer, Claimed

SWEEP = """
method: random
program: train.py
metric: {name: loss, goal: minimize}
run_cap: 40
parameters: {lr: {min: 0.001, max: 0.1}}
"""
AGENTS = 60  # more than the server has threads

Start = Callable[..., "Future[BeatAnswer]"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    store = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    served = in_memory(store, FakeClock(), tmp_path / "files")
    yield served
    served.context.stop()
    store.close()


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with served.client() as made:
        yield made


@pytest.fixture
def start(served: Served, client: Client) -> Iterator[Start]:
    """A held heartbeat in a thread of its own; returns once it is held."""
    with ThreadPoolExecutor(AGENTS) as pool:

        def hold(agent: str, leases: dict[str, str], heard: dict[str, str]) -> Future[BeatAnswer]:
            before = served.context.orders.waiting
            beat: Beat = {"leases": leases, "draining": False, "wait": 60.0, "heard": heard}
            future = pool.submit(client.beat, agent, beat)
            until(lambda: served.context.orders.waiting > before, "the heartbeat is held")
            return future

        yield hold
        served.context.stop()  # else a test that fails waits for what it holds


def claimed(client: Client, sweep: str) -> tuple[str, Claimed]:
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
    answer = client.claim(sweep, {"agent": agent, "host": "one", "request": agent, "wait": 0.0})
    assert answer["claimed"] is not None
    return agent, answer["claimed"]


def test_an_order_ends_the_wait_and_is_told_by_the_next_heartbeat(
    client: Client, start: Start
) -> None:
    sweep = client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]
    agent, own = claimed(client, sweep)
    _, other = claimed(client, sweep)
    leases = {own["run"]: own["lease"]}
    held = start(agent, leases, {own["run"]: "go"})
    client.desired(other["run"], "stop")
    assert not held.done(), "of another agent's run"
    client.desired(own["run"], "stop", "seen enough")
    held.result(30)
    said = client.beat(agent, {"leases": leases, "draining": False, "wait": 60.0, "heard": {}})
    assert said["runs"][own["run"]]["reason"] == "seen enough"
    start(agent, leases, {own["run"]: "stop"})  # which it has heard


def test_many_agents_that_wait_hold_up_nobody_and_go_when_the_server_ends(
    served: Served, client: Client, start: Start
) -> None:
    sweep = client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]
    agents = [
        client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
        for _ in range(AGENTS)
    ]
    held = [start(agent, {}, {}) for agent in agents]
    assert client.sweep(sweep)["state"] == "pending"
    served.context.stop()
    for future in held:
        future.result(30)
