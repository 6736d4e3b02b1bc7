"""Importance, slices, pairs, health, progress and forecasts over HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from swept.analysis.best import Advice
from swept.client import Client
from swept.server.advising import Advising
from swept.server.gathered import Boards
from swept.server.insights import THREADS, Insights
from swept.store.base import Store
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import Served, in_memory
from swept.think import InlineThinker
from swept.wire.agents import Claimed, ClaimRequest
from swept.wire.insights import HealthCard
from swept.wire.reports import Completion, Report

SWEEP = """
method: random
program: train.py
metric: {name: loss, goal: minimize}
run_cap: 40
parameters: {x: {min: 0.0, max: 1.0}, idle: {min: 0.0, max: 1.0}, kind: {values: [a, b]}}
swept:
  epochs: 3
  conditions: {idle: "kind == 'b'"}
  targets: {good: 0.5, better: 0.0001}
  price: {per_hour: 0.5, currency: EUR, watts: 300, per_kwh: 0.4}
"""
RUNS = 24


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    yield opened
    opened.close()


@pytest.fixture
def served(store: Store, clock: FakeClock, tmp_path: Path) -> Served:
    return in_memory(store, clock, tmp_path / "files")


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with served.client() as made:
        yield made


class Ticking(FakeClock):
    """Everything takes a second, so that it rests."""

    def monotonic(self) -> float:
        self.advance(1.0)
        return super().monotonic()


class Adviser(InlineThinker):
    """Knows nothing, and takes its time."""

    SECONDS = 10.0

    def __init__(self, clock: FakeClock) -> None:
        self.asked = 0
        self._clock = clock

    def advise(self, spec: Any, runs: Any) -> Advice | None:
        self.asked += 1
        self._clock.advance(self.SECONDS)
        return None


def create(client: Client) -> str:
    return client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]


def agent_of(client: Client, sweep: str) -> str:
    return client.start_agent({"host": "one", "pid": 1, "slots": 2, "sweep": sweep})["id"]


def claim(client: Client, sweep: str, agent: str, number: int) -> Claimed:
    asked: ClaimRequest = {
        "agent": agent,
        "host": "one",
        "request": f"r{number}",
        "wait": 0.0,
    }
    answer = client.claim(sweep, asked)
    assert answer["claimed"] is not None, answer
    return answer["claimed"]


def report(client: Client, run: Claimed, steps: int) -> None:
    x = float(run["config"]["x"])
    reports: list[Report] = [
        {
            "seq": step,
            "type": "log",
            "time": 0.0,
            "step": step,
            "metrics": {"loss": (x - 0.3) ** 2 + 0.5 ** (step + 5), "other": 3.0 * x},
        }
        for step in range(1, steps + 1)
    ]
    client.reports(run["run"], {"lease": run["lease"], "reports": reports})


def finish(client: Client, run: Claimed, outcome: str = "finished") -> None:
    ended: Completion = {
        "lease": run["lease"],
        "outcome": outcome,
        "exit_code": 0 if outcome == "finished" else 1,
        "signal": None,
        "reason": "it ended",
        "tail": [],
    }
    client.complete(run["run"], ended)


def trained(client: Client, clock: FakeClock, runs: int = RUNS) -> tuple[str, str]:
    """A sweep with so many finished runs of half an hour, one after another."""
    sweep = create(client)
    agent = agent_of(client, sweep)
    for number in range(runs):
        run = claim(client, sweep, agent, number)
        report(client, run, 3)
        clock.advance(30.0)
        client.beat(agent, {"leases": {run["run"]: run["lease"]}, "draining": False})
        finish(client, run)
    return sweep, agent


def get(served: Served, path: str, **query: str) -> Any:
    with served.http() as http:
        answer = http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


class TestASweepOfSomeRuns:
    def test_all_insights(self, served: Served, client: Client, clock: FakeClock) -> None:
        sweep, agent = trained(client, clock)
        at = f"/api/sweeps/{sweep}"

        found = get(served, f"{at}/importance")
        assert found["runs"] == RUNS
        assert found["caution"] == ""
        assert found["rows"][0]["parameter"] == "x"
        assert found["rows"][0]["share"] > 0.9
        assert get(served, f"{at}/importance", metric="loss") == found

        other = get(served, f"{at}/importance", metric="other")
        assert other["rows"][0]["parameter"] == "x"
        assert other["rows"][0]["sign"] > 0.99

        along = get(served, f"{at}/slice", parameter="x")
        best = min(range(len(along["at"])), key=lambda place: along["mean"][place])
        assert along["at"][best] == pytest.approx(0.3, abs=0.1)
        assert get(served, f"{at}/slice", parameter="kind")["at"] == ["a", "b"]

        pair = get(served, f"{at}/pair", x="x", y="kind")
        assert len(pair["mean"]) == 2
        assert {len(row) for row in pair["mean"]} == {24}

        running = claim(client, sweep, agent, RUNS)
        report(client, running, 2)
        (expected,) = get(served, f"{at}/forecasts")
        assert expected["row"] == running["run"]
        assert expected["low"] <= expected["mean"] <= expected["high"]

        progress = get(served, f"{at}/progress")
        assert (progress["ended"], progress["cap"]) == (RUNS, 40)
        assert progress["hours_used"] == pytest.approx(RUNS * 30.0 / 3600.0)
        assert progress["energy"] == pytest.approx(0.3 * progress["hours_used"])
        assert progress["cost"] == pytest.approx((0.5 + 0.3 * 0.4) * progress["hours_used"])
        assert progress["currency"] == "EUR"
        assert progress["eta"] > 0.0
        assert [target["reached"] for target in progress["targets"]] == [True, False]

        cards = get(served, f"{at}/health")
        assert get(served, f"{at}/health", quick="true") == cards, "the model is known by now"
        assert all(card["level"] in ("bad", "warn", "info", "good") for card in cards)

    def test_health_that_needs_no_model_does_not_wait_for_one(
        self, served: Served, client: Client, clock: FakeClock
    ) -> None:
        at = f"/api/sweeps/{trained(client, clock)[0]}"
        quick = get(served, f"{at}/health", quick="true")
        whole = get(served, f"{at}/health")
        assert "no-effect" in {card["id"] for card in whole}
        assert {card["id"] for card in whole} - {card["id"] for card in quick} == {"no-effect"}
        assert get(served, f"{at}/health", quick="true") == whole


class TestWhileRunsTrain:
    def test_what_was_said_of_another_objective_is_not_served_as_of_this_one(
        self, store: Store, tmp_path: Path
    ) -> None:
        clock = Ticking()
        served = in_memory(store, clock, tmp_path / "files")
        with served.client() as client:
            sweep, agent = trained(client, clock, RUNS)
            at = f"/api/sweeps/{sweep}"
            report(client, claim(client, sweep, agent, RUNS), 1)
            before = get(served, f"{at}/importance")
            assert abs(before["rows"][0]["sign"]) < 0.99
            assert get(served, f"{at}/progress")["targets"][0]["reached"]
            get(served, f"{at}/slice", parameter="x")
            text = SWEEP.replace("metric: {name: loss", "metric: {name: other")
            client.update_spec(sweep, {"text": text.replace("good: 0.5", "good: -1.0")})
            assert get(served, f"{at}/importance")["rows"][0]["sign"] < -0.99, "the less the better"
            assert not get(served, f"{at}/progress")["targets"][0]["reached"]
            along = get(served, f"{at}/slice", parameter="x")
            assert along["mean"] == pytest.approx([3.0 * x for x in along["at"]], abs=0.2)
            asked = get(served, f"{at}/importance", metric="loss")
            assert abs(asked["rows"][0]["sign"]) < 0.99

    def test_progress_waits_for_no_advice_and_rests_for_none(
        self, store: Store, clock: FakeClock, tmp_path: Path
    ) -> None:
        adviser = Adviser(clock)
        served = in_memory(store, clock, tmp_path / "files", think=adviser)
        text = SWEEP.replace("method: random", "method: bayes").replace(
            "epochs: 3", "epochs: 100\n  early_stopping: auto"
        )
        with served.client() as client:
            sweep = client.create_sweep({"text": text, "path": "", "mode": "create"})["id"]
            agent = agent_of(client, sweep)
            running = claim(client, sweep, agent, 0)
            report(client, running, 1)
            at = f"/api/sweeps/{sweep}/progress"
            assert get(served, at)["hours_used"] == 0.0
            assert adviser.asked == 1, "behind the answer"
            clock.advance(8.0)
            client.beat(agent, {"leases": {running["run"]: running["lease"]}, "draining": False})
            hours = (Adviser.SECONDS + 8.0) / 3600.0
            assert get(served, at)["hours_used"] == pytest.approx(hours)
            assert adviser.asked == 1

    def test_what_waits_for_no_model_has_threads_that_none_waits_in(
        self, served: Served, client: Client
    ) -> None:
        sweep = create(client)
        insights = Insights(served.context, Boards(served.context.store), Advising(served.context))
        fitted = threading.Event()

        async def ask() -> list[HealthCard]:
            models = [asyncio.create_task(insights.ask(fitted.wait)) for _ in range(THREADS)]
            quick = insights.ask_quick(partial(insights.health, sweep, True))
            try:
                return await asyncio.wait_for(quick, 30.0)
            finally:
                fitted.set()
                await asyncio.gather(*models)

        assert "no-agent" in {card["id"] for card in asyncio.run(ask())}


class TestASweepOfFewRuns:
    def test_it_says_so_and_nothing_fails(
        self, served: Served, client: Client, clock: FakeClock
    ) -> None:
        sweep, _ = trained(client, clock, 1)
        at = f"/api/sweeps/{sweep}"
        found = get(served, f"{at}/importance")
        assert found["caution"].startswith("too few runs")
        assert found["explained"] == "NaN"
        assert {row["share"] for row in found["rows"]} == {0.0}
        assert get(served, f"{at}/slice", parameter="x")["at"] == []
        assert get(served, f"{at}/pair", x="x", y="kind")["mean"] == []
        assert get(served, f"{at}/forecasts") == []
        assert get(served, f"{at}/progress")["ended"] == 1
        assert [card["id"] for card in get(served, f"{at}/health")]

    def test_a_sweep_that_has_not_begun(self, served: Served, client: Client) -> None:
        at = f"/api/sweeps/{create(client)}"
        assert get(served, f"{at}/importance")["runs"] == 0
        assert get(served, f"{at}/forecasts") == []
        assert get(served, f"{at}/progress")["eta"] is None
        ids = [card["id"] for card in get(served, f"{at}/health")]
        assert "no-agent" in ids

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("importance", {"metric": "nothing"}),
            ("slice", {"parameter": "nothing"}),
            ("pair", {"x": "x", "y": "nothing"}),
        ],
    )
    def test_what_is_not_there_is_not_found(
        self, served: Served, client: Client, path: str, query: dict[str, str]
    ) -> None:
        sweep = create(client)
        with served.http() as http:
            answer = http.get(f"/api/sweeps/{sweep}/{path}", params=query)
            assert answer.status_code == 404
            assert "nothing" in answer.json()["message"]
            assert http.get(f"/api/sweeps/nosuch/{path}", params=query).status_code == 404

    def test_reading_rights_are_asked_for(
        self, store: Store, clock: FakeClock, tmp_path: Path
    ) -> None:
        closed = in_memory(store, clock, tmp_path / "files", open_reading=False)
        with closed.client() as client, closed.http() as http:
            assert http.get(f"/api/sweeps/{create(client)}/health").status_code == 401
