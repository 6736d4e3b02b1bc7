"""Where runs that have not come to their end are expected to end: by the model of learning curves, whatever rule the
sweep is stopped by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from swept.analysis.best import same_training
from swept.analysis.surface import expected_ends
from swept.model import Run, RunState
from swept.spec import Spec

_UNDER_WAY = frozenset({RunState.RUNNING, RunState.PAUSED})


@dataclass(frozen=True, slots=True)
class Expected:
    """The run with this id, and the metric at its full length: `mean`, and one standard deviation to each side."""

    run: str
    mean: float
    low: float
    high: float


def forecasts(spec: Spec, runs: Sequence[Run]) -> tuple[Expected, ...]:
    """Of running and paused runs that have reported; none where the full length is not known, or too little was seen."""
    ours = same_training(runs, spec.space.fixed)
    ends = expected_ends(spec, ours, _UNDER_WAY)
    return tuple(Expected(end.run.id, end.mean, end.low, end.high) for end in ends)
