"""`early_stopping: auto` where sweeps are odd: many runs, rare reports, failures, huge figures, short trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from tests.unit.test_asha import run

from swept.model import History, Run, RunState
from swept.search.auto import _feasible
from swept.spec import Spec, parse_mapping
from swept.stopping.decide import promotions
from swept.stopping.forecast import Forecast
from swept.testing.simulate import simulate

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


# -- what is no data point, and what is a whole training --------------------------------------------


@pytest.mark.parametrize("state", [RunState.KILLED, RunState.FAILED, RunState.CRASHED])
def test_a_run_that_was_cancelled_or_failed_teaches_the_model_nothing(state: RunState) -> None:
    others = [at(n, [2.0 + n, 1.0 + n]) for n in range(1, 9)]
    without = forecast(*others)
    found = forecast(*others, at(9, [-50.0, -60.0], state))
    assert found.model is not None
    assert 8 not in found.model.seen.run
    assert found.scale == without.scale
    assert found.best == without.best


def test_a_place_that_a_person_cancelled_teaches_no_feasibility() -> None:
    """What failed there is believed, whatever a cancelled run had reported."""
    failed = [at(n, [], RunState.FAILED, saved=False) for n in range(1, 5)]
    fine = [at(n, [1.0 + n, 1.0 + n]) for n in range(5, 9)]
    killed = at(9, [0.1, 0.1], RunState.KILLED, config=failed[0].config)

    def chance(*runs: Run) -> float:
        found = _feasible(forecast(*runs))
        where = found.features.locate(failed[0].config, {})
        return float(found.log_chance(np.array([where]))[0])

    assert chance(*failed, *fine, killed) == chance(*failed, *fine)


def test_a_program_that_ends_by_itself_has_been_trained_to_its_end() -> None:
    """Its last value is what it has at the end of the training too: the model has no doubt about it."""
    runs = [at(n, [3.0 + n / 9] * 2) for n in range(1, 12)]
    patient = at(12, [1.0 + 1.0 / step for step in range(1, 10)], FINISHED)
    found = forecast(*runs, patient)
    assert found.model is not None
    assert found.model.seen.t[found.model.seen.run == 11].max() == 1.0
    expected, doubt = found.final(11)
    assert found.own(expected) == pytest.approx(patient.value, abs=0.05)
    assert doubt < 0.5 * found.final(10)[1]


def _patient(config: Mapping[str, Any], seed: int) -> list[float]:
    """Falls to a level, which is lowest in the middle, and ends three steps after it came near."""
    level = abs(config["x"] - 0.5) + abs(config["y"] - 0.5)
    length = 8 + int(20 * config["x"])
    return [level + math.exp(-step / 2) for step in range(1, min(length, STEPS) + 1)]


@pytest.mark.parametrize(("resume", "workers"), [(True, 1), (False, 3)])
def test_a_sweep_of_programs_that_end_by_themselves_ends_and_names_the_best(
    resume: bool, workers: int
) -> None:
    file = {**SWEEP, "run_cap": 30}
    simulation = simulate(file, _patient, 40 * STEPS, workers=workers, can_resume=resume)
    assert simulation.ended_because == "the budget of 30 runs is used up"
    found = simulation.recommended()
    assert found is not None
    assert found.state is FINISHED
    assert found.value is not None
    assert found.value < 0.3
