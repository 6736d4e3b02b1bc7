"""Asynchronous successive halving with promotion: the best 1/η of a rung go on, the others pause there.

Source: Li et al. 2020, *A system for massively parallel hyperparameter tuning*, algorithm 2.
"""

from __future__ import annotations

import math

from swept.model import History
from swept.spec import Spec
from swept.stopping.rungs import ETA, Rungs, rungs
from swept.stopping.standings import Standings, counted, full
from swept.stopping.track import longest, tracks


def eta(spec: Spec) -> float:
    """About the best 1/η of a rung go on."""
    return spec.options.stopping_eta or ETA


def levels(spec: Spec) -> tuple[int, ...]:
    """The sweep's rungs; none where the file does not say how long a run is."""
    return rungs(longest(spec), eta(spec), spec.options.stopping_min_epochs)


def where(spec: Spec) -> Rungs | None:
    """The rungs, and what is judged at them; None where the file does not say how long a run is."""
    steps = levels(spec)
    return Rungs(steps, eta(spec), math.sqrt(eta(spec))) if steps else None


def standings(spec: Spec, history: History) -> Standings | None:
    """None where the file says neither a metric nor how long a run is."""
    there = where(spec)
    if spec.metric is None or there is None:
        return None
    return Standings(spec.metric, there, counted(tracks(spec, history)), full(spec, history))
