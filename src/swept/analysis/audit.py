"""What early stopping has saved in a sweep, and what it may have cost: the audit at its end.

Saved are the steps that the stopped and paused runs did not take. What that may have cost, the model of learning
curves says, whatever rule has stopped them: how probable it is that such a run would have ended better than the best,
its own luck so far included, and by how much the best of them is expected to be better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from swept.analysis.best import Best, same_training
from swept.analysis.recommend import recommend
from swept.model import History, Run, RunState
from swept.spec import Spec
from swept.stopping.decide import OFF, rule
from swept.stopping.forecast import Forecast
from swept.stopping.track import Track, longest, tracks

RISK = 0.10
"""A run with a higher chance than this to end better than the best is counted."""
MOST = 1000
"""Of more runs the model is not asked: it costs their number cubed."""
_EARLY = frozenset({RunState.STOPPED, RunState.PAUSED})
_COUNTED = _EARLY | {RunState.FINISHED, RunState.RUNNING}


@dataclass(frozen=True, slots=True)
class Chance:
    """That run number `run` would have ended better than the best, or will once it goes on."""

    run: int
    chance: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What it may have cost to end runs early, by the model of learning curves, compared with run number `best`.

    `risky`: how many of them had a chance of more than RISK to end better; `most`: the one with the largest chance, None
    where there is none to judge; `loss`: by how much the best of them is expected to be better, in the metric's unit.
    """

    best: int
    risky: int
    most: Chance | None
    loss: float


@dataclass(frozen=True, slots=True)
class Audit:
    """`early` of `runs` runs were ended or paused before their last step, which spared `saved` of the `full` steps that
    whole trainings of all had cost; `hours`: the same by the mean time of a step, None where no attempt has ended.
    `cost` is None while the model has too little to go by, and with more than MOST runs. `waiting`: how many of `early`
    are paused, and may still go on. `by_hand`: so many runs a person has ended or paused early; nothing of them is saved."""

    rule: str
    runs: int
    early: int
    saved: int
    full: int
    hours: float | None
    cost: Cost | None
    waiting: int = 0
    by_hand: int = 0

    @property
    def share(self) -> float:
        return self.saved / self.full if self.full else 0.0


@dataclass(frozen=True, slots=True)
class Saving:
    """What early stopping has saved; the names are those of `Audit`."""

    runs: int
    early: int
    saved: int
    full: int
    hours: float | None
    waiting: int
    by_hand: int


def saving(spec: Spec, runs: Sequence[Run]) -> Saving | None:
    """None without early stopping, and where the steps of a whole training are not known. Fits no model."""
    if rule(spec) == OFF or longest(spec) is None:
        return None
    ours = same_training(runs, spec.space.fixed)
    return _saving(tracks(spec, History(tuple(ours))))


def _saving(runs: Sequence[Track]) -> Saving:
    counted = [each for each in runs if each.reached and each.run.state in _COUNTED]
    early = [each for each in counted if _ended_early(each)]
    saved = sum(each.full - each.reached for each in early)
    pace = _seconds_per_step(counted)
    return Saving(
        runs=len(counted),
        early=len(early),
        saved=saved,
        full=sum(_whole(each) for each in counted),
        hours=None if pace is None else saved * pace / 3600.0,
        waiting=sum(each.run.state is RunState.PAUSED for each in early),
        by_hand=sum(_early(each) and each.run.by_hand for each in counted),
    )


def audit(spec: Spec, runs: Sequence[Run], found: Best | None = None) -> Audit | None:
    """None without early stopping, and where the steps of a whole training are not known.

    `found`: the run to hold the others against; without it, the one that `recommend` names. Costs a fit of the model.
    """
    if rule(spec) == OFF:
        return None
    ours = same_training(runs, spec.space.fixed)
    forecast = Forecast.of(spec, History(tuple(ours)))
    if forecast is None:
        return None
    spared = _saving(forecast.runs)
    found = found or recommend(spec, ours)
    asked = spared.early and len(forecast.runs) <= MOST
    return Audit(
        rule=rule(spec),
        runs=spared.runs,
        early=spared.early,
        saved=spared.saved,
        full=spared.full,
        hours=spared.hours,
        cost=_cost(forecast, found) if found and asked else None,
        waiting=spared.waiting,
        by_hand=spared.by_hand,
    )


def _ended_early(each: Track) -> bool:
    """By the search: what a person ends is neither its saving nor its risk."""
    return _early(each) and not each.run.by_hand


def _early(each: Track) -> bool:
    return each.run.state in _EARLY and each.reached < each.full


def _whole(each: Track) -> int:
    """The steps of its whole training; a program that ended by itself has shown them, and so has who ended it by hand."""
    shown = each.run.state is RunState.FINISHED or (_early(each) and each.run.by_hand)
    return each.reached if shown else max(each.full, each.reached)


def _seconds_per_step(counted: Sequence[Track]) -> float | None:
    """The mean over all steps of runs that no attempt is at."""
    seconds, steps = 0.0, 0
    for each in counted:
        times = [(attempt.started, attempt.ended) for attempt in each.run.attempts]
        if times and all(ended is not None for _, ended in times):
            seconds += sum(ended - started for started, ended in times if ended is not None)
            steps += each.reached
    return seconds / steps if steps else None


def _cost(forecast: Forecast, found: Best) -> Cost | None:
    """None where the model knows too little of the runs, or nothing of the best."""
    mark = _mark(forecast, found)
    if forecast.model is None or mark is None:
        return None
    places = np.array(
        [
            place
            for place, each in enumerate(forecast.runs)
            if _ended_early(each) and each.run.id != found.run.id and _judged(forecast, place)
        ],
        dtype=np.intp,
    )
    if not len(places):
        return Cost(found.run.number, 0, None, 0.0)
    X = forecast.features.columns(forecast.places[places])
    mean, sd = forecast.model.predict(X, places)
    chances = ndtr((mark - mean) / sd)
    first = int(np.argmax(chances))
    return Cost(
        best=found.run.number,
        risky=int((chances > RISK).sum()),
        most=Chance(forecast.runs[places[first]].run.number, float(chances[first])),
        loss=forecast.gain(mark, mean, sd),
    )


def _mark(forecast: Forecast, found: Best) -> float | None:
    """The w of the best: where it ended, or where it is expected to."""
    if forecast.scale is None or forecast.spec.metric is None:
        return None
    if found.finished:
        signed = forecast.spec.metric.goal.sign * found.value
        return float(forecast.scale.inward(np.array([signed]))[0])
    place = next((n for n, each in enumerate(forecast.runs) if each.run.id == found.run.id), None)
    known = place is not None and _judged(forecast, place)
    return forecast.final(place)[0] if known and place is not None else None


def _judged(forecast: Forecast, place: int) -> bool:
    """Whether the run lies in the space, and has not diverged."""
    now = forecast.runs[place].now
    return now is not None and bool(np.isfinite(now) and np.isfinite(forecast.places[place]).all())
