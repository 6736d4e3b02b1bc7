"""The baseline: the first run of a sweep, at the sweep's own fidelity, which every comparison needs."""

from __future__ import annotations

from swept.model import History, Kind, Start
from swept.search.numbering import next_number, suggested
from swept.search.seeds import run_seed
from swept.spec import Spec


def baseline(spec: Spec, history: History, seed: int) -> list[Start]:
    """The baseline run, if the spec has one and no such run was ever started."""
    config = spec.with_baseline()
    if config is None or any(run.kind is Kind.BASELINE for run in suggested(spec, history)):
        return []
    why = {"reason": "the baseline, which every comparison needs", "strategy": "baseline"}
    return [Start(Kind.BASELINE, config, run_seed(seed, next_number(history)), why)]
