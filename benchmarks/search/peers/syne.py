"""Syne Tune 0.13: its schedulers, driven as its tuner does it.

`suggest`, `on_trial_add`, `on_trial_result`, and after a pause or stop `on_trial_remove`, at the end
`on_trial_complete`. A diverged step is told as the worst value of the sweep so far.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syne_tune import config_space
from syne_tune.backend.trial_status import Trial as SyneTrial
from syne_tune.optimizer import baselines

from peers.driver import ETA, Again, New, Peer, Setting, Trial, Verdict, smallest_rung
from swept.space import Parameter

METRIC, STEP, MOST = "value", "step", "steps"
_VERDICTS = {"CONTINUE": Verdict.GO, "PAUSE": Verdict.PAUSE, "STOP": Verdict.STOP}


def domain(parameter: Parameter) -> Any:
    if parameter.kind == "categorical":
        return config_space.choice(list(parameter.values))
    low, high = parameter.range
    if parameter.kind == "int":
        made = config_space.lograndint if parameter.log else config_space.randint
        return made(int(low), int(high))
    made = config_space.loguniform if parameter.log else config_space.uniform
    return made(float(low), float(high))


class SyneTune(Peer):
    """`scheduler` is the name of a class in `syne_tune.optimizer.baselines`; `rule`: its `type`."""

    def __init__(self, setting: Setting, scheduler: str, rule: str | None) -> None:
        super().__init__(setting)
        logging.disable(logging.WARNING)
        space = {p.name: domain(p) for p in setting.spec.active} | {MOST: self.steps}
        options: dict[str, Any] = {"mode": "min", "random_seed": setting.seed}
        if rule is not None:
            options |= {"type": rule, "grace_period": smallest_rung(self.steps)}
            options |= {"reduction_factor": ETA}
        if setting.default is not None:
            first = {p.name: self.space.get(setting.default, p.name) for p in setting.spec.active}
            options["points_to_evaluate"] = [first]
        self.scheduler = getattr(baselines, scheduler)(
            space, metric=METRIC, resource_attr=STEP, max_resource_attr=MOST, **options
        )
        self.started = 0

    def ask(self) -> New | Again | None:
        found = self.scheduler.suggest(self.started)
        if found is None:
            return None
        if found.spawn_new_trial_id:
            trial = SyneTrial(self.started, found.config, datetime(2026, 1, 1))  # noqa: DTZ001
            self.started += 1
            self.scheduler.on_trial_add(trial)
            values = {p.name: found.config[p.name] for p in self.setting.spec.active}
            return New(values, handle=trial)
        number = found.checkpoint_trial_id + 1
        old = self.trials[number].handle
        config = old.config if found.config is None else found.config
        return Again(number, handle=SyneTrial(old.trial_id, config, old.creation_time))

    def adopt(self, values: Mapping[str, Any]) -> New:
        found = self.ask()
        assert isinstance(found, New)
        return found

    def report(self, trial: Trial, step: int, value: float) -> Verdict:
        result = {METRIC: self.penalty(value), STEP: step}
        if step == self.steps:
            return Verdict.GO  # told by `end`
        verdict = _VERDICTS[self.scheduler.on_trial_result(trial.handle, result)]
        if verdict is not Verdict.GO:
            self.scheduler.on_trial_remove(trial.handle)
        return verdict

    def end(self, trial: Trial, *, stopped: bool) -> None:
        if stopped:
            return
        result = {METRIC: self.penalty(trial.value), STEP: trial.seen}
        if trial.seen == self.steps:
            self.scheduler.on_trial_result(trial.handle, result)
        self.scheduler.on_trial_complete(trial.handle, result)
