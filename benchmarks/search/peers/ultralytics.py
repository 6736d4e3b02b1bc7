"""The mutation of Ultralytics' tuner: its own method, on the results of full trainings.

Its first run is the default, where there is one, else a draw. It knows numbers only and no logarithms: a category goes in
as the middle of its cell of the unit interval. It weighs parents by a fitness that grows: how far a value is below the
worst that was seen; a diverged run has 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from ultralytics.engine import tuner

from peers.driver import New, Peer, Setting, Trial
from swept.space import Parameter


class _Tuner(tuner.Tuner):
    """Without a model and files: the results are in memory."""

    def __init__(self, space: Mapping[str, tuple[float, float]], args: Mapping[str, float]) -> None:
        self.space = dict(space)
        self.args = SimpleNamespace(**args)
        self.mongodb = None
        self.prefix = ""
        self.results: list[dict[str, Any]] = []

    def _load_local_results(self) -> list[dict[str, Any]]:
        return self.results


class Ultralytics(Peer):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.parameters = {p.name: p for p in setting.spec.active}
        space = {name: _bounds(p) for name, p in self.parameters.items()}
        self.tuner = _Tuner(space, dict.fromkeys(space, 0.0))
        self.told: list[tuple[Mapping[str, float], float]] = []

    def ask(self) -> New:
        if not self.told:
            return self.adopt(self.draw())
        worst = max((value for _, value in self.told if math.isfinite(value)), default=0.0)
        self.tuner.results = [
            {"fitness": worst - value if math.isfinite(value) else 0.0, "hyperparameters": genes}
            for genes, value in self.told
        ]
        generator = np.random.default_rng(self.rng.integers(2**31))
        with patch.object(tuner.np.random, "default_rng", lambda: generator):
            genes = self.tuner._mutate()
        values = {name: _value(p, genes[name]) for name, p in self.parameters.items()}
        return New(values, handle=genes)

    def adopt(self, values: Mapping[str, Any]) -> New:
        return New(values, handle={n: _gene(p, values[n]) for n, p in self.parameters.items()})

    def end(self, trial: Trial, *, stopped: bool) -> None:
        self.told.append((trial.handle, trial.value))


def _bounds(parameter: Parameter) -> tuple[float, float]:
    if parameter.kind == "categorical":
        return (0.0, 1.0)
    low, high = parameter.range
    return float(low), float(high)


def _gene(parameter: Parameter, value: Any) -> float:
    return parameter.to_unit(value) if parameter.kind == "categorical" else float(value)


def _value(parameter: Parameter, gene: float) -> Any:
    if parameter.kind == "categorical":
        return parameter.from_unit(gene)
    return round(gene) if parameter.kind == "int" else gene
