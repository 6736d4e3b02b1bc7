"""`early_stopping: auto` where sweeps are odd: many runs, rare reports, failures, huge figures, short trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from tests.unit.test_asha import run

from swept.model import History, Run, RunState
from swept.spec import Spec, parse_mapping
from swept.stopping.decide import promotions
from swept.stopping.forecast import Forecast

STEPS = 32
SWEEP: Mapping[str, Any] = {
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}},
    "swept": {"epochs": STEPS, "early_stopping": "auto"},
}
PAUSED, FINISHED = RunState.PAUSED, RunState.FINISHED


def spec(epochs: int = STEPS, **more: Any) -> Spec:
    return parse_mapping({**SWEEP, "swept": {"epochs": epochs, "early_stopping": "auto"}, **more})


def at(number: int, values: list[float], state: RunState = PAUSED, **more: Any) -> Run:
    """Run `number`, at a place of its own."""
    config = {"x": number * 0.618 % 1.0, "y": number * 0.414 % 1.0}
    return run(number, values, state, **{"config": config, "seed": number, **more})


def forecast(*runs: Run, epochs: int = STEPS) -> Forecast:
    found = Forecast.of(spec(epochs), History(runs))
    assert found is not None
    assert found.model is not None
    return found


# -- many runs --------------------------------------------------------------------------------------


def test_of_many_runs_the_model_keeps_the_best_and_some_of_the_others() -> None:
    runs = [at(n, [1.0 + n % 97, (1.0 + n % 97) / 2.0], PAUSED) for n in range(1, 901)]
    model = forecast(*runs).model
    assert model is not None
    assert len(model.seen.y) <= 1000
    kept = {runs[place].number for place in model.seen.run}
    assert len(kept) == 500
    assert {n for n in range(1, 901) if n % 97 < 30} <= kept


def test_ends_predicted_together_are_those_predicted_one_by_one() -> None:
    runs = [at(n, [2.0 + n % 7, 1.0 + n % 7], PAUSED) for n in range(1, 41)]
    found = forecast(*runs)
    assert found.model is not None
    for place in (0, 17, 39):
        X = found.features.columns(found.places[place][None])
        mean, sd = found.model.predict(X, np.array([place], dtype=np.intp))
        assert found.final(place) == pytest.approx((mean[0], sd[0]))


# -- reports every k steps --------------------------------------------------------------------------


def test_a_rare_report_is_one_observation_at_its_own_step() -> None:
    runs = [at(n, [1.0 / n], steps=[10]) for n in range(1, 9)]
    model = forecast(*runs).model
    assert model is not None
    assert model.seen.run.tolist() == list(range(8))
    assert model.seen.t == pytest.approx(math.log(10) / math.log(STEPS))


def test_rare_reports_are_not_taken_for_steps_continued() -> None:
    """Without any step beyond the first judgement no run is refused, hopeless as the model may think it."""
    runs = [at(n, [float(n)], steps=[10]) for n in range(1, 17)]
    assert len(promotions(spec(), History(tuple(runs)))) == 8
