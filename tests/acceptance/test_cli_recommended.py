"""`early_stopping: auto` through a real server: every command and the page name one and the same run, and say why."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from swept.asked import new_sweep
from swept.cli.main import run
from swept.cli.train import best_of
from swept.cli.views import question_of, spec_of
from swept.client import Client
from swept.connect import connect
from swept.home import make
from swept.spec import parse
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.scenes import checkpoint, log, resumed
from swept.wire.agents import Claimed

STEPS = 16
SWEEP = f"""\
program: train.py
method: bayes
metric: {{name: loss, goal: minimize}}
run_cap: 24
parameters:
  x: {{min: 0.0, max: 1.0}}
  y: {{min: 0.0, max: 1.0}}
  epochs: {{value: {STEPS}}}
swept: {{epochs: epochs, early_stopping: auto}}
"""


@dataclass
class Stage:
    folder: Path
    client: Client
    sweep: str

    def train(self, claimed: Claimed) -> None:
        """From its checkpoint on, until the report that says otherwise."""
        run, lease, outcome = claimed["run"], claimed["lease"], "finished"
        first = claimed["checkpoint"]["step"] if claimed["checkpoint"] else 0
        sent = [resumed(1, first)] if first else []
        for step in range(first + 1, STEPS + 1):
            x, y = claimed["config"]["x"], claimed["config"]["y"]
            loss = (x - 0.4) ** 2 + (y - 0.7) ** 2 + math.exp(-0.4 * step)
            sent.append(log(len(sent) + 1, step, loss=loss))
            answer = self.client.reports(run, {"lease": lease, "reports": sent})
            sent.append(checkpoint(len(sent) + 1, step))
            self.client.reports(run, {"lease": lease, "reports": sent[-1:]})
            if answer["desired"] != "go" and step < STEPS:
                outcome = {"stop": "stopped", "pause": "paused"}[answer["desired"]]
                break
        self.client.complete(
            run,
            {
                "lease": lease,
                "outcome": outcome,
                "exit_code": 0,
                "signal": None,
                "reason": answer["reason"],
                "tail": [],
            },
        )

    def work(self) -> None:
        agent = self.client.start_agent(
            {"host": "h", "pid": os.getpid(), "slots": 1, "sweep": self.sweep}
        )["id"]
        for number in range(100):
            answer = self.client.claim(
                self.sweep,
                {
                    "agent": agent,
                    "host": "h",
                    "request": f"q{number}",
                    "wait": 5.0,
                    "reachable": ["disk"],
                },
            )
            if answer["claimed"] is None:
                return
            self.train(answer["claimed"])


def seeded(folder: Path, file: Path) -> str:
    """The sweep of that file, in the store of the server to come: its draws follow from its id, so they are fixed."""
    store = open_store(make(folder).store_url, identities=SeededIdentities(1))
    try:
        new = new_sweep(parse(SWEEP, str(file)), SWEEP, str(file), None, None, "local")
        return store.create_sweep(new, now=0.0).id
    finally:
        store.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("recommended")
    file = folder / "sweep.yaml"
    file.write_text(SWEEP)
    sweep = seeded(folder, file)
    with connect(folder) as client:
        try:
            made = Stage(folder, client, sweep)
            made.work()
            yield made
        finally:
            client.stop()


@pytest.fixture
def swept(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> Any:
    """`swept(*arguments)` → stdout."""
    monkeypatch.chdir(stage.folder)
    for name in ("SWEPT_URL", "SWEPT_API_KEY", "SWEPT_HOME"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> str:
        assert run(list(arguments)) == 0
        return capsys.readouterr()[0]

    return call


def test_every_command_names_the_same_run(swept: Any, stage: Stage) -> None:
    view = stage.client.sweep(stage.sweep)
    advice, best = view.get("advice"), view["best"]
    assert advice is not None
    assert best is not None
    assert advice["run"] == best["id"]
    assert advice["low"] <= advice["value"] <= advice["high"]
    trained = best_of(view, question_of(spec_of(view)))
    shown = json.loads(swept("show", stage.sweep, "--json"))
    analyzed = json.loads(swept("analyze", stage.sweep, "--json"))
    assert {best["id"], trained.run.id, shown["best"], analyzed["best"]["id"]} == {best["id"]}
    band = {key: advice[key] for key in ("value", "low", "high")}
    assert shown["expected"] == analyzed["best"]["expected"] == band
    written = (stage.folder / "best.yaml").read_text()
    assert yaml.safe_load(written) == best["config"] == trained.run.config
    words = "another training of it is expected to end at"
    assert words in written
    assert words in swept("show", stage.sweep)
    assert words in swept("analyze", stage.sweep)


def test_the_audit_adds_up(swept: Any, stage: Stage) -> None:
    view = stage.client.sweep(stage.sweep)
    found = json.loads(swept("analyze", stage.sweep, "--json"))["audit"]
    ended = [each for each in view["runs"] if each["state"] in ("stopped", "paused")]
    assert found["rule"] == "auto"
    assert found["early"] == len(ended) > 0
    assert found["saved"] == sum(STEPS - each["steps"] for each in ended)
    assert found["full"] == STEPS * len(view["runs"])
    assert view["best"] is not None
    assert found["cost"]["best"] == view["best"]["number"]
    assert "Early stopping (auto)\n  saved " in swept("analyze", stage.sweep)


def test_a_run_tells_its_story_in_order(swept: Any, stage: Stage) -> None:
    runs = stage.client.sweep(stage.sweep)["runs"]
    again = next(each for each in runs if len(each["attempts"]) > 1)
    said = swept("show", again["id"]).splitlines()
    kinds = [
        word
        for line in said
        for word in ("attempt 1", "pause ", "continue", "attempt 2")
        if line.startswith(word)
    ]
    assert kinds[:4] == ["attempt 1", "pause ", "continue", "attempt 2"]
    continued = next(line for line in said if line.startswith("continue"))
    assert "is expected to end at" in continued
    assert "to beat is" in continued
    assert sum("others are to catch up" in line or "expected to end" in line for line in said) >= 2


def test_a_run_says_why_it_was_chosen(swept: Any, stage: Stage) -> None:
    runs = stage.client.sweep(stage.sweep)["runs"]
    whole = [json.loads(swept("show", each["id"], "--json")) for each in runs]
    modelled = [each for each in whole if each["chosen"].get("strategy") == "model"]
    assert modelled, [each["chosen"] for each in whole]
    chosen = modelled[-1]["chosen"]
    low, high = chosen["predicted_band"]
    assert low <= chosen["predicted_mean"] <= high
    assert chosen["predicted_sd"] > 0.0
    assert chosen["expected_improvement"] >= 0.0
    assert 2 <= chosen["runs_modelled"] < len(runs)
    said = swept("show", modelled[-1]["id"])
    assert "strategy model, predicted mean " in said
    assert "expected improvement " in said
