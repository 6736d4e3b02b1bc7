"""A metric over another one that its program named as the axis of it (`define_metric(…, step_metric=…)`). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from swept.store.read_board_base import Floats, Series
from swept.wire.runs import DefinedMetric


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


def along(series: Mapping[str, Series], axis: Mapping[str, Series]) -> dict[str, Along] | None:
    """Run → its curve over the axis; None where not every run has that: pages draw all over one. Where the axis was not
    reported beside a value, its last one before counts; what came before any is left out."""
    drawn = {run: one for run, one in series.items() if len(one.steps)}
    if not drawn or any(run not in axis or not len(axis[run].steps) for run in drawn):
        return None
    return {run: _along(one, axis[run]) for run, one in drawn.items()}


def _along(curve: Series, axis: Series) -> Along:
    last = np.searchsorted(axis.steps, curve.steps, side="right") - 1
    places = np.flatnonzero(last >= 0)
    x = axis.values[last[places]]
    places, x = places[np.isfinite(x)], x[np.isfinite(x)]
    order = np.argsort(x, kind="stable")
    times = None if curve.times is None else curve.times[places[order]]
    return Along(x[order], curve.values[places[order]], times)
