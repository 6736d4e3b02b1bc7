"""HEBO 0.3: `suggest` and `observe`; a diverged run is observed as the worst value so far."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

from peers.driver import New, Peer, Setting, Trial, native
from swept.space import Parameter


def entry(parameter: Parameter) -> dict[str, Any]:
    if parameter.kind == "categorical":
        return {"name": parameter.name, "type": "cat", "categories": list(parameter.values)}
    low, high = parameter.range
    kinds = {("real", False): "num", ("real", True): "pow"}
    kinds |= {("int", False): "int", ("int", True): "pow_int"}
    kind = kinds[parameter.kind, parameter.log]
    return {"name": parameter.name, "type": kind, "lb": low, "ub": high}


class Hebo(Peer):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        warnings.simplefilter("ignore")
        torch.manual_seed(setting.seed)
        space = DesignSpace().parse([entry(p) for p in setting.spec.active])
        self.hebo = HEBO(space, scramble_seed=setting.seed)

    def ask(self) -> New:
        row = self.hebo.suggest(n_suggestions=1).iloc[0].to_dict()
        return New({name: native(value) for name, value in row.items()})

    def end(self, trial: Trial, *, stopped: bool) -> None:
        row = pd.DataFrame([dict(trial.values)])
        self.hebo.observe(row, np.array([[self.penalty(trial.value)]]))
