"""hyperopt 0.3: `tpe.suggest` on a `Trials` that is kept here; a diverged run is told as failed."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from hyperopt import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK, Trials, hp, space_eval, tpe
from hyperopt.base import Domain
from hyperopt.fmin import generate_trial

from peers.driver import New, Peer, Setting, Trial
from swept.space import Parameter


def expression(parameter: Parameter) -> Any:
    name = parameter.name
    if parameter.kind == "categorical":
        return hp.choice(name, parameter.values)
    low, high = parameter.range
    if parameter.kind == "int" and parameter.log:
        return hp.qloguniform(name, math.log(low), math.log(high), 1)
    if parameter.kind == "int":
        return hp.uniformint(name, int(low), int(high))
    if parameter.log:
        return hp.loguniform(name, math.log(low), math.log(high))
    return hp.uniform(name, float(low), float(high))


class Hyperopt(Peer):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        logging.getLogger("hyperopt").setLevel(logging.ERROR)
        self.expressions = {p.name: expression(p) for p in setting.spec.active}
        self.domain = Domain(lambda _: 0.0, self.expressions)
        self.history = Trials()

    def ask(self) -> New:
        numbers = self.history.new_trial_ids(1)
        seed = int(self.rng.integers(2**31))
        return self.enter(tpe.suggest(numbers, self.domain, self.history, seed)[0])

    def adopt(self, values: Mapping[str, Any]) -> New:
        plain = dict(values)
        for p in self.setting.spec.active:
            if p.kind == "categorical":
                plain[p.name] = p.values.index(values[p.name])
        return self.enter(generate_trial(self.history.new_trial_ids(1)[0], plain))

    def enter(self, document: dict[str, Any]) -> New:
        self.history.insert_trial_docs([document])
        self.history.refresh()
        points = {name: found[0] for name, found in document["misc"]["vals"].items() if found}
        values = space_eval(self.expressions, points)
        whole = {p.name for p in self.setting.spec.active if p.kind == "int"}
        values = {k: int(v) if k in whole else v for k, v in values.items()}
        return New(values, handle=document["tid"])

    def end(self, trial: Trial, *, stopped: bool) -> None:
        document = next(d for d in self.history._dynamic_trials if d["tid"] == trial.handle)
        failed = math.isnan(trial.value)
        document["state"] = JOB_STATE_DONE
        document["result"] = (
            {"status": STATUS_FAIL} if failed else {"status": STATUS_OK, "loss": trial.value}
        )
        self.history.refresh()
