"""swept's own early stopping: which run deserves the next steps, by what runs like it became.

A run pauses at its rungs unless it would be continued at once. Paused runs of the better half of a rung go on to the
next one, the farthest first (asynchronous successive halving with promotion, Li et al. 2020, η = 2). Once most steps
were spent on continuing, a run goes on only if the model of learning curves gives it a chance to become the best
by a margin: nearly equal runs are not all trained to the end. A program without checkpoints is stopped instead of
paused.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import ndtr

from swept.model import Continue, Decision, Desired, History, Kind, Run, RunState
from swept.spec import Spec
from swept.stopping.forecast import Forecast
from swept.stopping.progress import full_steps, rungs_of

ETA = 2
MARGIN, CHANCE = 0.15, 0.10
"""A run is worth continuing if it ends better than the best by MARGIN (of w) with at least this CHANCE."""
FLOOR = 0.60
"""No run is refused while less than this share of all steps was spent on continuing: a wrong model must not starve
the sweep of whole trainings."""
HEDGE = (0.65, 0.20, 0.15)
"""How many of the runs meet their first judgement at the first, second, third rung: slow starters get their chance."""
_SPREAD = 2654435761  # Knuth's multiplier: 2³² over the golden ratio
UNHEDGED = 16
"""The first so many runs are all judged at the first rung."""


def promotions(spec: Spec, history: History) -> tuple[Continue, ...]:
    """Paused runs worth continuing, best first."""
    forecast = Forecast.of(spec, history)
    if forecast is None:
        return ()
    return tuple(_continue(forecast, place) for place in _worthy(forecast))


def decide(spec: Spec, history: History) -> list[Decision]:
    """A pause, or for programs without checkpoints a stop, of each run that is at a rung and has to make way."""
    due = {run.id: rung for run in history.runs if _open(run) and (rung := _due(spec, run))}
    forecast = Forecast.of(spec, history) if due else None
    if forecast is None:
        return []
    decisions = [
        _decision(forecast, place, due[each.run.id])
        for place, each in enumerate(forecast.runs)
        if each.run.id in due
    ]
    return [decision for decision in decisions if decision is not None]


def first_rung(run: Run, rungs: tuple[int, ...]) -> int:
    """Where the run is judged first: drawn by its own seed, once the first runs are through."""
    if run.number <= UNHEDGED or len(rungs) < 4:
        return rungs[0]
    draw = ((run.seed or 0) * _SPREAD % 2**32) / 2**32
    return rungs[0] if draw < HEDGE[0] else rungs[1] if draw < HEDGE[0] + HEDGE[1] else rungs[2]


# -- at a rung --------------------------------------------------------------------------------------


def _open(run: Run) -> bool:
    running = run.kind is Kind.SEARCH and run.state is RunState.RUNNING
    return running and run.desired is Desired.GO and bool(run.curve)


def _due(spec: Spec, run: Run) -> int | None:
    """The rung that the run has just passed: within a quarter of the way to the next one, so that a report that was
    not decided on loses nothing."""
    most = full_steps(spec)
    full = spec.epochs_of(run.config) or most
    if most is None or full is None:
        return None
    rungs = rungs_of(full, most)
    first = max(first_rung(run, rungs), _resumed(run))
    reached = run.steps + (run.curve[0].step == 0)
    for rung, following in itertools.pairwise(rungs):
        if first <= rung <= reached < rung + max(1, (following - rung) // 4):
            return rung
    return None


def _resumed(run: Run) -> int:
    """The step from which the running attempt went on; 0 for one from the start."""
    return run.attempts[-1].first_step if run.attempts else 0


def _decision(forecast: Forecast, place: int, rung: int) -> Decision | None:
    each = forecast.runs[place]
    if not each.run.resumable:
        top = _top(forecast, rung)
        if place in top:
            return None
        reason = _behind(forecast, place, rung)
        return Decision(each.run.id, Desired.STOP, reason, each.run.steps)
    paused = replace(each, run=replace(each.run, state=RunState.PAUSED, paused_by="search"))
    runs = (*forecast.runs[:place], paused, *forecast.runs[place + 1 :])
    if next(_worthy(replace(forecast, runs=runs)), None) == place:
        return None
    return Decision(each.run.id, Desired.PAUSE, _behind(forecast, place, rung), each.run.steps)


# -- promotion --------------------------------------------------------------------------------------


def _worthy(forecast: Forecast) -> Iterator[int]:
    """The places of the paused runs that deserve to go on, in order."""
    picky = _share_continued(forecast) >= FLOOR
    for rung in sorted(
        {rung for each in forecast.runs for rung in forecast.rungs(each)[:-1]}, reverse=True
    ):
        for place in _top(forecast, rung):
            if _waits_at(forecast, place, rung) and not (picky and _hopeless(forecast, place)):
                yield place


def _top(forecast: Forecast, rung: int) -> list[int]:
    """The better 1/η of the runs that have passed the rung, best first; diverged ones are never among them."""
    passed = [
        (value, place)
        for place, each in enumerate(forecast.runs)
        if (value := each.at(rung)) is not None
    ]
    top = sorted(passed)[: len(passed) // ETA]
    return [place for value, place in top if math.isfinite(value)]


def _waits_at(forecast: Forecast, place: int, rung: int) -> bool:
    """Whether the run is paused by the search, with this rung as its last."""
    each = forecast.runs[place]
    run = each.run
    if run.kind is not Kind.SEARCH or run.state is not RunState.PAUSED or run.paused_by != "search":
        return False
    return max((r for r in forecast.rungs(each) if r <= each.reached), default=0) == rung


def _hopeless(forecast: Forecast, place: int) -> bool:
    if forecast.model is None or not np.isfinite(forecast.places[place]).all():
        return False
    mean, sd = forecast.final(place)
    return float(ndtr((forecast.best - MARGIN - mean) / sd)) <= CHANCE


def _share_continued(forecast: Forecast) -> float:
    """The share of the search's steps that were taken beyond the first rung of a run."""
    spent = continued = 0
    for each in forecast.runs:
        if each.run.kind is Kind.SEARCH:
            spent += each.reached
            first = first_rung(each.run, forecast.rungs(each))
            continued += max(0, each.reached - first)
    return continued / spent if spent else 0.0


# -- in words ---------------------------------------------------------------------------------------


def _continue(forecast: Forecast, place: int) -> Continue:
    each = forecast.runs[place]
    rungs = forecast.rungs(each)
    following = next((rung for rung in rungs if rung > each.reached), each.full)
    reason = f"among the best at step {each.reached}: on to step {following}"
    figures = _figures(forecast, place)
    why = {
        "reason": f"{reason}; {_expected(forecast, figures)}" if figures else reason,
        "strategy": "continue",
        "until": following,
        **figures,
    }
    return Continue(each.run.id, why)


def _behind(forecast: Forecast, place: int, rung: int) -> str:
    figures = _figures(forecast, place)
    if not figures:
        return f"step {rung}: others are to catch up first"
    return f"step {rung}: {_expected(forecast, figures)}"


def _expected(forecast: Forecast, figures: Mapping[str, Any]) -> str:
    name = forecast.spec.metric.name if forecast.spec.metric else "the metric"
    low, high = figures["predicted_band"]
    return (
        f"{name} is expected to end at {figures['predicted_final']:.4g} "
        f"({low:.4g} to {high:.4g}); the best so far is {figures['best_so_far']:.4g}"
    )


def _figures(forecast: Forecast, place: int) -> dict[str, Any]:
    if forecast.model is None or not np.isfinite(forecast.places[place]).all():
        return {}
    mean, sd = forecast.final(place)
    band = sorted([forecast.own(mean - sd), forecast.own(mean + sd)])
    return {
        "predicted_final": forecast.own(mean),
        "predicted_band": band,
        "best_so_far": forecast.own(forecast.best),
    }
