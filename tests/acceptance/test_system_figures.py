"""What an agent measures of the machine, as it is stored and read; and W&B's client, which measures the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from swept.agent.ending import send_figures
from swept.agent.figures import Figures, Host
from swept.agent.link import Link
from swept.client import Client
from swept.errors import LeaseLost, UsageError
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import Served, in_memory
from swept.wire.agents import AgentStart, Claimed, ClaimRequest
from swept.wire.reports import Completion, Report, SystemRow

SWEEP = """
method: grid
program: train.py
metric: {name: loss, goal: minimize}
parameters: {lr: {values: [0.1]}}
"""
CPU = "system.proc.cpu.percent"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def served(tmp_path: Path, clock: FakeClock) -> Iterator[Served]:
    store = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    yield in_memory(store, clock, tmp_path / "files")
    store.close()


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with served.client() as made:
        yield made


class Runs:
    """One agent's claims of one sweep."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sweep = client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]
        start: AgentStart = {"host": "one", "pid": 1, "slots": 1, "sweep": self.sweep}
        self.agent = client.start_agent(start)["id"]

    def claim(self, request: str) -> Claimed:
        asked: ClaimRequest = {
            "agent": self.agent,
            "host": "one",
            "request": request,
            "wait": 0.0,
            "reachable": ["disk"],
        }
        claimed = self.client.claim(self.sweep, asked)["claimed"]
        assert claimed is not None
        return claimed


def send(client: Client, run: Claimed, *figures: tuple[float, float]) -> bool:
    """(time, CPU) of each row; whether the server wants more."""
    rows: list[SystemRow] = [{"time": time, "metrics": {CPU: cpu}} for time, cpu in figures]
    return client.add_system(run["run"], {"lease": run["lease"], "rows": rows})["wanted"]


def wandb_sends(served: Served, run: Claimed, offset: int, **figures: float) -> None:
    lines = [
        json.dumps({f"system.{name}": value, "_timestamp": 1.0}) for name, value in figures.items()
    ]
    body = {"files": {"wandb-events.jsonl": {"offset": offset, "content": lines}}}
    url = f"/files/local/{run['project']}/{run['run']}/file_stream"
    with served.http() as http:
        http.post(url, json=body, auth=("api", run["lease"])).raise_for_status()


def shown(served: Served, run: Claimed, **asked: Any) -> list[Mapping[str, Any]]:
    with served.http() as http:
        path = f"/api/runs/{run['run']}/history"
        answer: httpx.Response = http.get(path, params={"stream": "system", **asked})
    found: list[Mapping[str, Any]] = answer.raise_for_status().json()
    return found


def test_rows_are_shown_by_their_time_and_the_same_again_changes_nothing(
    served: Served, client: Client
) -> None:
    run = Runs(client).claim("r1")
    assert send(client, run, (100.2, 5.0), (115.7, 6.0))
    assert send(client, run, (115.7, 6.0), (130.1, 7.0))
    rows = shown(served, run)
    assert [(row["time"], row["metrics"]) for row in rows] == [
        (100.2, {CPU: 5.0}),
        (115.7, {CPU: 6.0}),
        (130.1, {CPU: 7.0}),
    ]
    later = shown(served, run, since=rows[1]["step"])
    assert [row["time"] for row in later] == [115.7, 130.1]


def test_a_resumed_run_keeps_what_the_machine_did_before(
    served: Served, client: Client, clock: FakeClock
) -> None:
    """Its metrics from the checkpoint on are hidden; the machine's past is not."""
    runs = Runs(client)
    first = runs.claim("r1")
    base: dict[str, Any] = {"time": 1.0, "step": 2}
    reports: list[Report] = [
        {"seq": 1, "type": "log", **base, "metrics": {"loss": 1.0}},  # type: ignore[typeddict-item]
        {"seq": 2, "type": "checkpoint", **base, "place": "/c", "host": "disk"},  # type: ignore[typeddict-item]
    ]
    client.reports(first["run"], {"lease": first["lease"], "reports": reports})
    send(client, first, (100.0, 1.0))
    released: Completion = {
        "lease": first["lease"], "outcome": "released", "exit_code": None, "signal": None, "reason": "", "tail": [],
    }  # fmt: skip
    client.complete(first["run"], released)
    clock.advance(5)
    second = runs.claim("r2")
    assert second["run"] == first["run"]
    again: Report = {"seq": 1, "type": "resumed", "time": 2.0, "step": 2}
    client.reports(second["run"], {"lease": second["lease"], "reports": [again]})
    send(client, second, (200.0, 2.0))
    assert [(row["attempt"], row["metrics"][CPU]) for row in shown(served, second)] == [
        (1, 1.0),
        (2, 2.0),
    ]


def test_where_wandbs_client_measures_the_agents_figures_make_room(
    served: Served, client: Client
) -> None:
    run = Runs(client).claim("r1")
    assert send(client, run, (100.0, 5.0))
    wandb_sends(served, run, 0, cpu=1.5)
    assert [row["metrics"] for row in shown(served, run)] == [{"system.cpu": 1.5}]
    assert not send(client, run, (115.0, 6.0)), "the agent need not go on"
    wandb_sends(served, run, 1, cpu=2.5)
    assert [row["metrics"]["system.cpu"] for row in shown(served, run)] == [1.5, 2.5]


def test_the_agent_stops_measuring_where_it_is_not_wanted(
    served: Served, client: Client, clock: FakeClock
) -> None:
    run = Runs(client).claim("r1")
    figures = Figures(os.getpid(), None, began=0.0)
    figures.measure(Host(), (), {}, now=1.0, time=100.0)
    send_figures(Link(client, clock), run, figures)
    assert len(shown(served, run)) == 1
    assert not figures.closed
    wandb_sends(served, run, 0, cpu=1.5)
    figures.measure(Host(), (), {}, now=2.0, time=115.0)
    send_figures(Link(client, clock), run, figures)
    assert figures.closed


def test_figures_wake_no_claim_that_waits(served: Served, client: Client) -> None:
    run = Runs(client).claim("r1")
    rung = served.context.work.count()
    send(client, run, (100.0, 5.0))
    assert served.context.work.count() == rung


def test_figures_of_an_attempt_that_was_overtaken_are_refused(
    served: Served, client: Client, clock: FakeClock
) -> None:
    runs = Runs(client)
    first = runs.claim("r1")
    clock.advance(3600.0)
    served.engine.reap()
    assert send(client, first, (100.0, 1.0)), "it is still the newest"
    second = runs.claim("r2")
    assert second["run"] == first["run"]
    figures = Figures(os.getpid(), None, began=0.0)
    figures.measure(Host(), (), {}, now=1.0, time=200.0)
    send_figures(Link(client, clock), first, figures)
    assert figures.closed
    assert [row["time"] for row in shown(served, second)] == [100.0]


def test_figures_come_in_parts(served: Served, client: Client) -> None:
    run = Runs(client).claim("r1")
    send(client, run, *((second, 1.0) for second in range(5)))
    first = shown(served, run, limit=2)
    assert [row["time"] for row in first] == [0.0, 1.0]
    rest = shown(served, run, since=first[-1]["step"], limit=9)
    assert [row["time"] for row in rest] == [1.0, 2.0, 3.0, 4.0]


def test_figures_need_the_runs_lease_and_a_time(served: Served, client: Client) -> None:
    run = Runs(client).claim("r1")
    with pytest.raises(LeaseLost):
        send(client, {**run, "lease": "local-other"}, (1.0, 1.0))
    for time in (-1.0, 1e300, float("nan")):
        with pytest.raises(UsageError):
            send(client, run, (time, 1.0))
    assert shown(served, run) == []
