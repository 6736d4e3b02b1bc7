"""SMAC3 2.4 by its `ask` and `tell`: black-box (a Gaussian process), its facade for hyperparameters (a forest), and
multi-fidelity (a forest in Hyperband).

A configuration that multi-fidelity asks for again with a larger budget is continued. A diverged run is told as the
worst value so far.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ConfigSpace import Configuration
from smac import (
    BlackBoxFacade,
    HyperparameterOptimizationFacade,
    MultiFidelityFacade,
    Scenario,
)
from smac.intensifier.hyperband import Hyperband
from smac.runhistory import TrialInfo, TrialValue

from peers.driver import ETA, Again, New, Rungs, Setting, Trial, native, smallest_rung
from peers.spaces import configuration_space

FACADES = {
    "bb": BlackBoxFacade,
    "hpo": HyperparameterOptimizationFacade,
    "mf": MultiFidelityFacade,
}
TRIALS_A_TRAINING = 8
"""About so many trials does Hyperband run for the steps of a full training."""


class Smac(Rungs):
    def __init__(self, setting: Setting, facade: str) -> None:
        super().__init__(setting)
        logging.disable(logging.WARNING)
        warnings.simplefilter("ignore")
        self.many = facade == "mf"
        trainings = int(setting.budget / setting.steps)
        self.folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            configuration_space(setting.spec, setting.seed),
            output_directory=Path(self.folder.name),
            deterministic=True,
            n_trials=trainings * (TRIALS_A_TRAINING if self.many else 1),
            min_budget=smallest_rung(self.steps) if self.many else None,
            max_budget=self.steps if self.many else None,
            seed=setting.seed,
        )
        kind = FACADES[facade]
        options: dict[str, Any] = {"overwrite": True, "logging_level": False}
        if self.many:
            options["intensifier"] = Hyperband(scenario, eta=ETA)
        self.facade = kind(scenario, lambda config, seed=0, budget=0: 0.0, **options)
        self.seen: dict[int, dict[int, float]] = {}

    def ask(self) -> New | Again | None:
        while True:
            info = self.facade.ask()
            values = {name: native(value) for name, value in dict(info.config).items()}
            until = min(max(round(info.budget), 1), self.steps) if self.many else self.steps
            old = self.named(values)
            if old is None or old.number in self._open:
                return New(values, handle=info, until=until)
            if old.seen < until:
                return Again(old.number, until, handle=info)
            self.tell(info, old.value)

    def adopt(self, values: Mapping[str, Any]) -> New:
        config = Configuration(self.facade.scenario.configspace, values=dict(values))
        budget = float(self.steps) if self.many else None
        return New(values, handle=TrialInfo(config, seed=0, budget=budget))

    def reached(self, trial: Trial, value: float) -> None:
        self.tell(trial.handle, value)

    def tell(self, info: TrialInfo, value: float) -> None:
        self.facade.tell(info, TrialValue(cost=self.penalty(value), time=0.0), save=False)
