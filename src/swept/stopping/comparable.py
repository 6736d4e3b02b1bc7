"""Which runs of a sweep's log may be held against each other."""

from __future__ import annotations

from swept.model import SWEEP_KINDS, History, Kind, Run, RunState
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


def withdrawn(run: Run) -> bool:
    """Whether it was taken back before it started: as if it had never been suggested."""
    return run.state is RunState.KILLED and not run.attempts


def prior(spec: Spec, history: History) -> list[Run]:
    """The earlier trainings that the search may learn from: those that were told of no other constants than the sweep's.

    One that was not told of a constant counts: whoever named it as a prior knows what it ran with.
    """
    return [
        run for run in history.runs if run.kind is Kind.PRIOR and not other_constants(spec, run)
    ]


def other_constants(spec: Spec, run: Run) -> list[str]:
    """The names of the sweep's constants that the run had with another value."""
    fixed, config, effective = spec.space.fixed, run.config, run.effective_config or {}
    told = {name: spec.space.get(effective, name, spec.space.get(config, name)) for name in fixed}
    return [
        name for name, value in told.items() if value is not None and not same(value, fixed[name])
    ]
