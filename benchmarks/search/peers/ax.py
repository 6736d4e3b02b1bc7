"""Ax 1.3 (BoTorch) by its client; a diverged run is marked as failed."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from peers.driver import New, Peer, Setting, Trial
from swept.space import Parameter

_TYPES = {bool: "bool", str: "str", int: "int", float: "float"}


def config(parameter: Parameter) -> RangeParameterConfig | ChoiceParameterConfig:
    name = parameter.name
    if parameter.kind == "categorical":
        kinds = {type(value) for value in parameter.values}
        kind = _TYPES[kinds.pop()] if len(kinds) == 1 else "float"
        ordered = parameter.ordered
        return ChoiceParameterConfig(name, list(parameter.values), kind, is_ordered=ordered)
    low, high = parameter.range
    scaling = "log" if parameter.log else "linear"
    kind = "int" if parameter.kind == "int" else "float"
    return RangeParameterConfig(name, (low, high), kind, scaling=scaling)


class Ax(Peer):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        logging.disable(logging.ERROR)
        warnings.simplefilter("ignore")
        torch.manual_seed(setting.seed)
        self.client = Client(random_seed=setting.seed)
        self.client.configure_experiment([config(p) for p in setting.spec.active])
        self.client.configure_optimization("-value")

    def ask(self) -> New | None:
        for index, values in self.client.get_next_trials(1).items():
            return New(values, handle=index)
        return None

    def adopt(self, values: Mapping[str, Any]) -> New:
        return New(values, handle=self.client.attach_trial(dict(values)))

    def end(self, trial: Trial, *, stopped: bool) -> None:
        if math.isnan(trial.value):
            self.client.mark_trial_failed(trial.handle)
        else:
            self.client.complete_trial(trial.handle, {"value": trial.value})
