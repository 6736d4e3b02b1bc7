"""Asynchronous successive halving with promotion: the best 1/η of a rung go on, the others pause there.

Source: Li et al. 2020, *A system for massively parallel hyperparameter tuning*, algorithm 2.
"""

from __future__ import annotations

import math

from swept.model import Continue, Decision, History
from swept.spec import Spec
from swept.stopping.rungs import ETA, Rungs, rungs
from swept.stopping.standings import Standings, counted, full, pressing
from swept.stopping.track import longest, tracks


def eta(spec: Spec) -> float:
    """About the best 1/η of a rung go on."""
    return spec.options.stopping_eta or ETA


def levels(spec: Spec) -> tuple[int, ...]:
    """The sweep's rungs; none where the file does not say how long a run is."""
    return rungs(longest(spec), eta(spec), spec.options.stopping_min_epochs)


def decide(spec: Spec, history: History) -> list[Decision]:
    """A pause, a stop or a `go` for each running run that has come to a rung, in order of number."""
    where = _rungs(spec)
    if where is None or not pressing(spec, history, where):
        return []
    found = _standings(spec, history)
    return list(found.decisions()) if found else []


def promotions(spec: Spec, history: History) -> tuple[Continue, ...]:
    """Paused runs that go on, in the order of the rule."""
    found = _standings(spec, history)
    return tuple(found.promotions()) if found else ()


def last(spec: Spec, history: History) -> tuple[Continue, ...]:
    """The one paused run that goes on at the end of a sweep, where nothing else is left to do."""
    found = _standings(spec, history)
    return tuple(found.finishing()) if found else ()


def _rungs(spec: Spec) -> Rungs | None:
    steps = levels(spec)
    return Rungs(steps, eta(spec), math.sqrt(eta(spec))) if steps else None


def _standings(spec: Spec, history: History) -> Standings | None:
    """None where the file says neither a metric nor how long a run is."""
    where = _rungs(spec)
    if spec.metric is None or where is None:
        return None
    return Standings(spec.metric, where, counted(tracks(spec, history)), full(spec, history))
