"""Which runs of a sweep's log may be held against each other."""

from __future__ import annotations

from swept.model import SWEEP_KINDS, History, Run
from swept.space import same
from swept.spec import Spec


def comparable(spec: Spec, history: History) -> list[Run]:
    """The sweep's runs, in order, without those of an earlier spec whose constants were others.

    Ranges may have changed since: a run counts where it fits. But a run of 50 epochs says nothing about one of 100.
    """
    fixed = spec.space.fixed

    def fits(run: Run) -> bool:
        if run.spec_version == history.spec_version:
            return True
        return all(same(spec.space.get(run.config, name), fixed[name]) for name in fixed)

    return [run for run in history.runs if run.kind in SWEEP_KINDS and fits(run)]
