"""Which run to name as best where runs were trained to different lengths: by what another training of it is expected
to end at.

The lowest of a hundred noisy curves is a lucky one. So under `early_stopping: auto` the model of all curves decides,
half without the luck that belongs to the very run, and doubt counts against a run: one that went a few steps only has to be
expected far better than one that was trained to its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from swept.analysis.best import Advice, Best, advised, best, same_training
from swept.model import Goal, History, Kind, Run, RunState
from swept.spec import Spec
from swept.stopping.decide import goes_by_curves
from swept.stopping.forecast import Forecast

DOUBT = 1.0
"""How many standard deviations of its expected end count against a run."""
_HOPEFUL = frozenset(
    {RunState.FINISHED, RunState.STOPPED, RunState.PAUSED, RunState.RUNNING, RunState.PENDING}
)


def recommend(spec: Spec, runs: Sequence[Run]) -> Best | None:
    """The run that swept names as best; None while none has a value."""
    goal, at = spec.metric.goal if spec.metric else Goal.MINIMIZE, spec.options.at
    ours = same_training(runs, spec.space.fixed)
    advice = advise(spec, ours)
    found = advised(advice, ours, goal, at) if advice else None
    return found or best(ours, goal, at)


def advise(spec: Spec, runs: Sequence[Run]) -> Advice | None:
    """What the model of learning curves says; None where it is not asked, or knows too little.

    Costs a fit of the model. Runs with other fixed values than the spec has now do not count.
    """
    if not goes_by_curves(spec):
        return None
    forecast = Forecast.of(spec, History(tuple(same_training(runs, spec.space.fixed))))
    if forecast is None or forecast.model is None:
        return None
    places = _candidates(forecast)
    if not places:
        return None
    X, own = forecast.features.columns(forecast.places[places]), np.array(places, dtype=np.intp)
    mean, sd = forecast.model.predict(X)
    itself, doubt = forecast.model.predict(X, own)
    # What sets one run apart is its seed's luck or its configuration: without repeats nobody knows which, so half of it
    # is believed.
    first = int(np.argmin(0.5 * (mean + itself) + DOUBT * 0.5 * (sd + doubt)))
    return _advice(forecast, places[first], float(mean[first]), float(sd[first]))


def _candidates(forecast: Forecast) -> list[int]:
    """The places of the search runs that lie in the space and have a value now."""
    return [
        place
        for place, each in enumerate(forecast.runs)
        if each.run.kind is Kind.SEARCH
        and each.run.state in _HOPEFUL
        and each.now is not None
        and np.isfinite(each.now)
        and np.isfinite(forecast.places[place]).all()
    ]


def _advice(forecast: Forecast, place: int, mean: float, sd: float) -> Advice:
    """Another training has luck and noise of its own: they belong into the band."""
    assert forecast.model is not None
    each = forecast.runs[place]
    sd = math.sqrt(sd**2 + forecast.model.luck)
    low, high = sorted([forecast.own(mean - sd), forecast.own(mean + sd)])
    return Advice(each.run.id, forecast.own(mean), low, high, each.full)
