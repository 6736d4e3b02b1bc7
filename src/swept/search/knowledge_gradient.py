"""Which good run to train once more: where luck reaches far, the best value is a lucky one, and another training of a good
configuration may tell more about what to name in the end than a new configuration would.

How far luck reaches is λ, the variance at the end between trainings of one configuration. Without repeats it is what the model of
learning curves takes it for, from how rough the landscape looks; then mostly what the repeats show. Where it only is rough, a repeat
ends where its run did, λ falls, and there are no more.

| symbol | meaning |
|---|---|
| m, s | mean and deviation of what a configuration is expected to end at |
| λ | the variance of luck |
| s² / √(s² + λ) | the deviation by which one more training is expected to move m |

What a repeat is worth is by how much better the best m is expected to be after it, the knowledge gradient (Frazier, Powell, Dayanik
2009, *The knowledge-gradient policy for correlated normal beliefs*), here as if configurations were independent: E[max(Δ - |m - m'|, 0)]
with Δ ~ N(0, s⁴ / (s² + λ)) and m' the best of the other configurations'.
"""

from __future__ import annotations

import math

import numpy as np

from swept.model import Kind, RunState
from swept.models.curves import CurveModel
from swept.search.acquisition import log_expected_improvement
from swept.stopping.forecast import Forecast

SHARE = 0.15
"""Of all steps at most so many go into repeats."""
LUCK = 0.3
"""Nothing is repeated while λ is a smaller share than this of the variance between configurations."""
BELIEF = 0.5
"""So many repeats the model's own idea of λ is worth."""
MOST = 3
"""So often one run is repeated."""


def worth_repeating(forecast: Forecast) -> int | None:
    """The place in the forecast of the run that another training tells most about; None while luck is small, a repeat is
    under way, their share is used, or nothing was trained to its end."""
    model = forecast.model
    if model is None or not _affordable(forecast):
        return None
    luck = _luck(forecast, model)
    if luck < LUCK * model.differences:
        return None
    known = [n for n in np.unique(model.seen.run).tolist() if _is_search(forecast, n)]
    places = forecast.places[known]
    mean, sd = model.predict(forecast.features.columns(places))
    moved = sd**2 / np.sqrt(sd**2 + luck)
    worth = {}
    for i, n in enumerate(known):
        others = mean[(places != places[i]).any(axis=1)]
        if len(others) and _repeatable(forecast, n):
            worth[n] = float(log_expected_improvement(np.abs(mean[i] - others.min()), moved[i], 0))
    return max(worth, key=lambda n: worth[n], default=None)


def _luck(forecast: Forecast, model: CurveModel) -> float:
    """λ: half the squared differences between runs and their repeats, and with the weight of BELIEF of them the model's."""
    seen = {forecast.runs[n].run.id: n for n in np.unique(model.seen.run).tolist()}
    told = []
    for place in seen.values():
        run = forecast.runs[place].run
        if run.kind is Kind.REPEAT and run.parent in seen:
            apart = forecast.final(place)[0] - forecast.final(seen[run.parent])[0]
            told.append(0.5 * apart**2)
    return (BELIEF * model.luck + sum(told)) / (BELIEF + len(told))


def _is_search(forecast: Forecast, place: int) -> bool:
    return forecast.runs[place].run.kind is Kind.SEARCH


def _affordable(forecast: Forecast) -> bool:
    """Whether one more, trained to its end, fits into the share."""
    repeats = [each for each in forecast.runs if each.run.kind is Kind.REPEAT]
    if any(not each.run.state.ended for each in repeats):
        return False
    spent = sum(each.reached for each in forecast.runs)
    return sum(each.reached for each in repeats) + forecast.most <= SHARE * spent


def _repeatable(forecast: Forecast, place: int) -> bool:
    """Whether it was trained to its end, and its repeats so far gave values: what broke one would break the next."""
    run, now = forecast.runs[place].run, forecast.runs[place].now
    if run.state is not RunState.FINISHED or now is None or not math.isfinite(now):
        return False
    repeats = [each.run for each in forecast.runs if each.run.kind is Kind.REPEAT]
    again = [repeat for repeat in repeats if repeat.parent == run.id]
    return len(again) < MOST and all(repeat.value is not None for repeat in again)
