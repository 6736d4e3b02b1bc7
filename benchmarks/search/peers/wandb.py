"""W&B's own search, `sweeps` 0.3.0: `next_runs` and `stop_runs` on runs with their whole history.

The package draws from numpy's global generator, which is seeded from (sweep seed, run number) before each call.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import sweeps
from sweeps.run import RunState, SweepRun

from peers.driver import ETA, New, Peer, Setting, Trial, Verdict, smallest_rung


class Wandb(Peer):
    """`method` is bayes or random; with `hyperband`, early termination from the smallest rung on, eta 3."""

    def __init__(self, setting: Setting, method: str, hyperband: bool) -> None:
        super().__init__(setting)
        metric = setting.spec.metric
        assert metric is not None
        self.metric, self.sign = metric.name, metric.goal.sign
        self.config: dict[str, Any] = {
            "method": method,
            "metric": {"name": metric.name, "goal": str(metric.goal)},
            "parameters": deepcopy(dict(setting.sweep["parameters"])),
        }
        self.bands: set[int] = set()
        if hyperband:
            first = smallest_rung(self.steps)
            self.config["early_terminate"] = {"type": "hyperband", "min_iter": first, "eta": ETA}
            self.bands = {first * ETA**k for k in range(20)}
        self.runs: dict[int, SweepRun] = {}

    def ask(self) -> New:
        number = len(self.trials) + 1
        random.seed(f"{self.setting.seed} {number}")
        np.random.seed([self.setting.seed, number])  # noqa: NPY002 - it draws from there
        found = sweeps.next_runs(self.config, list(self.runs.values()), n=1)[0]
        return self.known({name: entry["value"] for name, entry in found.config.items()})

    def adopt(self, values: Mapping[str, Any]) -> New:
        return self.known(values)

    def known(self, values: Mapping[str, Any]) -> New:
        number = len(self.runs) + 1
        config = {name: {"value": value} for name, value in values.items()}
        self.runs[number] = SweepRun(name=str(number), state=RunState.running, config=config)
        return New(values, handle=number)

    def report(self, trial: Trial, step: int, value: float) -> Verdict:
        run = self.runs[trial.handle]
        run.history.append({self.metric: self.sign * value})
        finite = sum(math.isfinite(row[self.metric]) for row in run.history)
        if finite not in self.bands or not math.isfinite(value):
            return Verdict.GO  # thresholds change only where a run reaches a band
        told = sweeps.stop_runs(self.config, list(self.runs.values()))
        return Verdict.STOP if any(each is run for each in told) else Verdict.GO

    def end(self, trial: Trial, *, stopped: bool) -> None:
        run = self.runs[trial.handle]
        run.state = RunState.finished
        run.summary_metrics = {self.metric: self.sign * trial.value}
