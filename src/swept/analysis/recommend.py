"""Which run to name as best where runs were trained to different lengths: by what another training of it is expected
to end at.

The lowest of a hundred noisy curves is a lucky one. So under `early_stopping: auto` the model of all curves decides,
without the luck that belongs to the very run, and doubt counts against a run: one that went a few steps only has to be
expected far better than one that was trained to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from swept.analysis.best import Best, best, value_of
from swept.model import Goal, History, Kind, Run, RunState
from swept.spec import Spec
from swept.stopping.decide import rule
from swept.stopping.forecast import Forecast

DOUBT = 0.5
"""How many standard deviations of its expected end count against a run."""
_HOPEFUL = frozenset(
    {RunState.FINISHED, RunState.STOPPED, RunState.PAUSED, RunState.RUNNING, RunState.PENDING}
)


def recommend(spec: Spec, runs: Sequence[Run]) -> Best | None:
    """The run that swept names as best; None while none has a value."""
    goal = spec.metric.goal if spec.metric else Goal.MINIMIZE
    found = best(runs, goal, spec.options.at)
    if found is None or rule(spec) != "auto" or spec.method != "bayes":
        return found
    run = _expected_best(spec, runs)
    value = value_of(run, goal, spec.options.at) if run else None
    if run is None or value is None:
        return found
    return replace(
        found, run=run, value=value, step=run.steps, finished=run.state is RunState.FINISHED
    )


def _expected_best(spec: Spec, runs: Sequence[Run]) -> Run | None:
    forecast = Forecast.of(spec, History(tuple(runs)))
    if forecast is None or forecast.model is None:
        return None
    places = [
        place
        for place, each in enumerate(forecast.runs)
        if each.run.kind is Kind.SEARCH
        and each.run.state in _HOPEFUL
        and each.now is not None
        and np.isfinite(each.now)
        and np.isfinite(forecast.places[place]).all()
    ]
    if not places:
        return None
    X = forecast.features.columns(forecast.places[places])
    mean, sd = forecast.model.predict(X)
    return forecast.runs[places[int(np.argmin(mean + DOUBT * sd))]].run
