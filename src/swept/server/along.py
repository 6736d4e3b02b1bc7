"""A metric over another one that its program named as the axis of it (`define_metric(…, step_metric=…)`). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from swept.model import Run, RunState
from swept.store.read_board_base import Floats, Series
from swept.wire.runs import DefinedMetric

LEVELS = 2.0**20
"""Of a float32 there are eight times as many between a number and its double."""


@dataclass(frozen=True, slots=True)
class Along:
    """A curve whose `steps` are the values of another metric."""

    steps: Floats
    values: Floats
    times: Floats | None = None


def axis_of(name: str, defined: Mapping[str, DefinedMetric]) -> str | None:
    """What was named for the metric itself, else for the first glob that it fits; None: its steps."""
    said = defined.get(name) or next(
        (one for key, one in defined.items() if "*" in key and fnmatchcase(name, key)), None
    )
    axis = said["step_metric"] if said else None
    return axis if axis != name else None


def lacking(
    runs: Iterable[Run], series: Mapping[str, Series], axis: Mapping[str, Series]
) -> int | None:
    """How many of the runs are left out because they have not the axis: they are under way, or failed. None where it is no
    axis for all that came to their end: pages draw all over one. Nor is what a buffer's 32 bits cannot tell apart, as are
    the seconds of a day since 1970."""
    without, some = 0, False
    for run in runs:
        if run.id not in series or not len(series[run.id].steps):
            continue
        found = axis.get(run.id)
        if found is not None and len(found.steps):
            if _too_fine(found.values):
                return None
            some = True
        elif run.state in (RunState.FINISHED, RunState.STOPPED):
            return None
        else:
            without += 1
    return without if some else None


def along(curve: Series | None, axis: Series | None, timed: bool) -> Along | None:
    """The curve over the axis. Where that was not reported beside a value, its last one before counts; what came before any
    is left out. `timed`: with times, and in their order; else in that of the axis."""
    if curve is None or axis is None or not len(axis.steps):
        return None
    last = np.searchsorted(axis.steps, curve.steps, side="right") - 1
    places = np.flatnonzero(last >= 0)
    x = axis.values[last[places]]
    places, x = places[np.isfinite(x)], x[np.isfinite(x)]
    if timed:
        times = None if curve.times is None else curve.times[places]
        return Along(x, curve.values[places], times)
    order = np.argsort(x, kind="stable")
    return Along(x[order], curve.values[places[order]])


def _too_fine(values: Floats) -> bool:
    """Whether what is usually between two values is a few steps of a 32-bit number of that size, or less."""
    finite = values[np.isfinite(values)]
    apart = np.abs(np.diff(finite))
    apart = apart[apart > 0]
    largest = float(np.abs(finite).max(initial=0.0))
    if largest > float(np.finfo(np.float32).max):
        return True
    return bool(len(apart)) and float(np.median(apart)) < largest / LEVELS
