"""`swept: {noise: {repeats: n}}`: the same configuration with fresh seeds, spread over the sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from swept.analysis.noise import noise
from swept.model import Goal, Kind, Run, RunState
from swept.testing.simulate import Simulation, simulate

STEPS = 8
SWEEP: Mapping[str, Any] = {
    "method": "random",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
    "run_cap": 12,
}


def noisy(config: Mapping[str, Any], seed: int) -> list[float]:
    luck = 0.01 * float(np.random.default_rng(seed).normal())
    return [config["x"] + luck + 1.0 / step for step in range(1, STEPS + 1)]


def play(repeats: int = 2, stopping: str = "off", **top: Any) -> Simulation:
    swept = {"epochs": STEPS, "early_stopping": stopping, "noise": {"repeats": repeats}}
    swept |= top.pop("swept", {})
    return simulate({**SWEEP, **top, "swept": swept}, noisy, 10_000)


def repeated(simulation: Simulation) -> list[Run]:
    return [run for run in simulation.runs if run.kind is Kind.REPEAT]


@pytest.mark.parametrize("method", ["random", "bayes"])
@pytest.mark.parametrize("stopping", ["off", "auto"])
def test_the_baseline_is_repeated_with_fresh_seeds_over_the_sweep(
    method: str, stopping: str
) -> None:
    simulation = play(method=method, stopping=stopping, swept={"baseline": {"x": 0.5}})
    assert len(simulation.runs) == 12, "they count"
    runs = repeated(simulation)
    assert [run.number for run in runs] == [5, 9]
    assert {run.config["x"] for run in runs} == {0.5}
    assert {run.parent for run in runs} == {"run-1"}
    assert {run.state for run in runs} == {RunState.FINISHED}
    assert len({run.seed for run in simulation.runs}) == 12
    assert "repeat 2 of 2: the baseline" in runs[1].why["reason"]


def test_without_a_baseline_the_best_so_far_is_repeated() -> None:
    simulation = play()
    for run in repeated(simulation):
        before = [each for each in simulation.runs[: run.number - 1] if each.kind is Kind.SEARCH]
        assert run.config == min(before, key=lambda each: each.value or 0.0).config


def test_what_is_repeated_tells_the_noise() -> None:
    found = noise(play(repeats=6).runs, Goal.MINIMIZE)
    assert found is not None
    assert not found.identical
    assert 0.004 < found.deviation < 0.025


def test_where_nothing_is_left_to_try_the_repeats_that_are_missing_come_last() -> None:
    options: dict[str, Any] = {
        "parameters": {"x": {"values": [0.1, 0.2, 0.3]}},
        "run_cap": 50,
    }
    for method in ("grid", "bayes"):
        simulation = play(method=method, **options)
        assert len(simulation.runs) == 5
        assert len(repeated(simulation)) == 2


def test_without_a_limit_one_run_in_ten_is_a_repeat_and_none_before_something_finished() -> None:
    swept = {"epochs": STEPS, "noise": {"repeats": 3}}
    file = {**SWEEP, "run_cap": None, "swept": swept}
    file.pop("run_cap")
    simulation = simulate(file, noisy, 40 * STEPS)
    assert [run.number for run in repeated(simulation)] == [11, 21, 31]


def test_with_early_stopping_and_without_a_limit_repeats_are_spread_over_what_was_trained() -> None:
    file = {**SWEEP, "swept": {"epochs": STEPS, "early_stopping": "auto", "noise": {"repeats": 3}}}
    file.pop("run_cap")
    simulation = simulate(file, noisy, 20 * STEPS)
    trained = [
        sum(run.steps for run in simulation.runs[: each.number]) for each in repeated(simulation)
    ]
    assert len(trained) == 3
    assert trained[0] >= 4 * STEPS
    assert trained[1] - trained[0] >= 3 * STEPS


def test_without_the_option_nothing_is_repeated() -> None:
    file = {**SWEEP, "swept": {"epochs": STEPS, "baseline": {"x": 0.5}}}
    assert not repeated(simulate(file, noisy, 10_000))
