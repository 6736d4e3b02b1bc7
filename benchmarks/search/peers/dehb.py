"""DEHB 0.1.2 by its `ask` and `tell`.

A configuration that it asks for again with more steps is continued; one that it asks for with no more steps than it
has had is answered from what was seen. A diverged run is told as the worst value so far.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from typing import Any

from dehb import DEHB

from peers.driver import ETA, Again, New, Rungs, Setting, Trial, native, smallest_rung
from peers.spaces import configuration_space


class Dehb(Rungs):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        logging.disable(logging.WARNING)
        _silence()
        self.folder = tempfile.TemporaryDirectory()
        self.dehb = DEHB(
            cs=configuration_space(setting.spec, setting.seed),
            f=lambda *_: None,
            min_fidelity=smallest_rung(self.steps),
            max_fidelity=self.steps,
            eta=ETA,
            n_workers=1,
            save_freq="end",
            seed=setting.seed,
            output_path=self.folder.name,
        )
        self.seen: dict[int, dict[int, float]] = {}

    def ask(self) -> New | Again | None:
        while True:
            job = self.dehb.ask()
            values = {name: native(value) for name, value in dict(job["config"]).items()}
            until = min(max(round(job["fidelity"]), 1), self.steps)
            old = self.named(values)
            if old is None:
                return New(values, handle=job, until=until)
            known = [
                self.seen[old.number][s]
                for s in sorted(self.seen.get(old.number, {}))
                if s >= until
            ]
            if known or old.seen >= until:
                self.tell(job, known[0] if known else old.value)
            elif old.number in self._open:
                return New(values, handle=job, until=until)
            else:
                return Again(old.number, until, handle=job)

    def adopt(self, values: Mapping[str, Any]) -> New:
        return New(values, until=self.steps)

    def reached(self, trial: Trial, value: float) -> None:
        self.seen.setdefault(trial.number, {})[trial.until] = value
        if trial.handle is not None:
            self.tell(trial.handle, value)

    def tell(self, job: Mapping[str, Any], value: float) -> None:
        self.dehb.tell(job, {"fitness": self.penalty(value), "cost": 1.0})


def _silence() -> None:
    from loguru import logger

    logger.remove()
