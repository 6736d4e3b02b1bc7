"""Optuna 5: `study.ask`, `trial.report` each step, `trial.should_prune`, `study.tell`.

A pruned trial is told as pruned, a diverged one as failed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from peers.driver import ETA, New, Peer, Setting, Trial, Verdict, smallest_rung
from swept.space import Parameter


def distribution(parameter: Parameter) -> BaseDistribution:
    if parameter.kind == "categorical":
        return CategoricalDistribution(parameter.values)
    low, high = parameter.range
    if parameter.kind == "int":
        return IntDistribution(int(low), int(high), log=parameter.log)
    return FloatDistribution(float(low), float(high), log=parameter.log, step=parameter.q)


class Optuna(Peer):
    """`sampler` is tpe, gp or random; `pruner` hyperband, sha, median or none."""

    def __init__(self, setting: Setting, sampler: str, pruner: str) -> None:
        super().__init__(setting)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        samplers = {
            "tpe": optuna.samplers.TPESampler,
            "gp": optuna.samplers.GPSampler,
            "random": optuna.samplers.RandomSampler,
        }
        self.study = optuna.create_study(
            sampler=samplers[sampler](seed=setting.seed), pruner=self.pruner(pruner)
        )
        self.space_of = {p.name: distribution(p) for p in setting.spec.active}

    def pruner(self, name: str) -> optuna.pruners.BasePruner:
        first = smallest_rung(self.steps)
        if name == "hyperband":
            return optuna.pruners.HyperbandPruner(first, self.steps, ETA)
        if name == "sha":
            return optuna.pruners.SuccessiveHalvingPruner(first, ETA)
        return optuna.pruners.MedianPruner() if name == "median" else optuna.pruners.NopPruner()

    def ask(self) -> New:
        trial = self.study.ask(self.space_of)
        return New(trial.params, handle=trial)

    def adopt(self, values: Mapping[str, Any]) -> New:
        self.study.enqueue_trial(dict(values))
        return self.ask()

    def report(self, trial: Trial, step: int, value: float) -> Verdict:
        if step == self.steps:
            return Verdict.GO
        trial.handle.report(value, step)
        return Verdict.STOP if trial.handle.should_prune() else Verdict.GO

    def end(self, trial: Trial, *, stopped: bool) -> None:
        if stopped:
            self.study.tell(trial.handle, state=TrialState.PRUNED)
        elif math.isnan(trial.value):
            self.study.tell(trial.handle, state=TrialState.FAIL)
        else:
            self.study.tell(trial.handle, trial.value)
