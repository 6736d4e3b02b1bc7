"""Plays agents and programs through the API, so that pages have something to show."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from swept.client import Client
from swept.clock import SystemClock
from swept.testing.site import until
from swept.wire.agents import AgentStart, Claimed, ClaimRequest, ManualRun
from swept.wire.reports import ConsoleLine, Report, SystemRow
from swept.wire.sweeps import NewSweep

CLOCK = SystemClock()
EPOCHS = 8

SWEEP: dict[str, Any] = {
    "name": "cones",
    "program": "train.py",
    "method": "random",
    "metric": {"name": "val/map", "goal": "maximize"},
    "run_cap": 40,
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
        "momentum": {"min": 0.6, "max": 0.98},
        "batch": {"values": [8, 16, 32, 64]},
        "optimizer": {"values": ["SGD", "Adam", "AdamW"]},
        "epochs": {"value": EPOCHS},
    },
    "swept": {
        "baseline": {"lr": 0.01, "momentum": 0.9, "batch": 16, "optimizer": "SGD"},
        "targets": {"good": 0.5, "excellent": 0.99},
        "epochs": "epochs",
    },
}
OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB"


class Part:
    """A run under way; the test says what its program reports."""

    def __init__(self, client: Client, claimed: Claimed, folder: Path) -> None:
        self.client = client
        self.run = claimed["run"]
        self.name = claimed["name"]
        self.kind = claimed["kind"]
        self.number = claimed["number"]
        self.project = claimed["project"]
        self.config = claimed["config"]
        self._lease = claimed["lease"]
        self._folder = folder
        self._reports = itertools.count(1)
        self._lines = itertools.count()

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        report: Report = {
            "seq": next(self._reports),
            "type": "log",
            "time": CLOCK.now(),
            "step": step,
            "metrics": dict(metrics),
        }
        self.client.reports(self.run, {"lease": self._lease, "reports": [report]})

    def really(self, config: Mapping[str, Any]) -> None:
        """What the program says that it runs with."""
        report: Report = {
            "seq": next(self._reports),
            "type": "effective",
            "time": CLOCK.now(),
            "config": dict(config),
        }
        self.client.reports(self.run, {"lease": self._lease, "reports": [report]})

    def train(self, epochs: int = EPOCHS, *, first: int = 1) -> None:
        """Curves that depend on the configuration, and on nothing else."""
        height = quality(self.config)
        reports: list[Report] = [
            {
                "seq": next(self._reports),
                "type": "log",
                "time": CLOCK.now(),
                "step": step,
                "metrics": {
                    "val/map": height * (1 - math.exp(-step / 3)),
                    "train/loss": 2.0 * math.exp(-step / 4) + 0.1,
                },
            }
            for step in range(first, first + epochs)
        ]
        self.client.reports(self.run, {"lease": self._lease, "reports": reports})

    def print(self, *lines: str) -> None:
        said: list[ConsoleLine] = [
            {"number": next(self._lines), "text": line, "stream": "stdout", "time": CLOCK.now()}
            for line in lines
        ]
        self.client.add_console(self.run, {"lease": self._lease, "lines": said})

    def keep(self, name: str, content: bytes) -> None:
        path = self._folder / "upload"
        path.write_bytes(content)
        self.client.put_file(self.run, name, path)

    def measure(self, figures: Mapping[str, float]) -> None:
        """What W&B's client sends of the machine."""
        line = json.dumps({**figures, "_timestamp": CLOCK.now(), "_runtime": 1.0})
        body = {"files": {"wandb-events.jsonl": {"offset": 0, "content": [line]}}}
        url = f"{self.client.url}/files/local/{self.project}/{self.run}/file_stream"
        with httpx.Client(trust_env=False, auth=("api", self._lease)) as http:
            http.post(url, json=body).raise_for_status()

    def measured(self, *rows: SystemRow) -> None:
        """What an agent sends of the machine."""
        self.client.add_system(self.run, {"lease": self._lease, "rows": list(rows)})

    def end(self, outcome: str = "finished", reason: str = "") -> None:
        self.client.complete(
            self.run,
            {
                "lease": self._lease,
                "outcome": outcome,
                "exit_code": 0 if outcome == "finished" else 1,
                "signal": None,
                "reason": reason or "it ended by itself",
                "tail": [],
            },
        )


class Stage:
    """One client, and an agent of it for each sweep."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self._folder = folder
        self._agents: dict[str, str] = {}
        self._requests = itertools.count()

    def sweep(self, spec: Mapping[str, Any] = SWEEP, **other: Any) -> str:
        new: NewSweep = {"text": json.dumps({**spec, **other}), "path": "", "mode": "create"}
        return self.client.create_sweep(new)["id"]

    def begin(self, sweep: str) -> Part:
        if sweep not in self._agents:
            start: AgentStart = {"host": "lab-1", "pid": 1, "slots": 2, "sweep": sweep}
            self._agents[sweep] = self.client.start_agent(start)["id"]
        asked: ClaimRequest = {
            "agent": self._agents[sweep],
            "host": "lab-1",
            "request": f"{sweep} {next(self._requests)}",
            "wait": 20.0,
        }
        # The same request again gets the same run.
        claimed = until(lambda: self.client.claim(sweep, asked)["claimed"], "a run is given out")
        return Part(self.client, claimed, self._folder)

    def by_hand(self, project: str, name: str, config: Mapping[str, Any]) -> Part:
        new: ManualRun = {
            "project": project,
            "name": name,
            "config": dict(config),
            "host": "lab-1",
            "pid": 1,
        }
        return Part(self.client, self.client.manual_run(new), self._folder)


def quality(config: Mapping[str, Any]) -> float:
    far = abs(math.log10(config["lr"]) + 2.2) / 2
    handicap = 0.0 if config["optimizer"] == "SGD" else 0.05
    return 0.9 * math.exp(-(far**2)) - handicap
