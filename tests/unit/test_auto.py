"""`early_stopping: auto` through the simulator: what it pauses, continues and recommends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from swept.model import History, Kind, RunState
from swept.search.suggest import suggest
from swept.stopping.auto import decide
from swept.stopping.ladder import ladder
from swept.testing.simulate import Simulation, simulate

STEPS = 32
SWEEP: Mapping[str, Any] = {
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
        "width": {"min": 4, "max": 64},
    },
    "swept": {"epochs": STEPS, "early_stopping": "auto"},
}


def curve(config: Mapping[str, Any], seed: int) -> list[float]:
    """Falls to a level that is lowest at lr = 0.01, width = 40; diverges beyond lr = 0.5."""
    off = math.log10(config["lr"]) + 2.0
    level = 0.1 + 0.2 * off * off + 0.01 * abs(config["width"] - 40) / 10
    values = [level + math.exp(-0.2 * step) for step in range(1, STEPS + 1)]
    return [*values[:3], *[math.nan] * (STEPS - 3)] if config["lr"] > 0.5 else values


def play(budget: float = 10 * STEPS, **arguments: Any) -> Simulation:
    sweep = {**SWEEP, **arguments.pop("sweep", {})}
    return simulate(sweep, arguments.pop("curve", curve), budget, **arguments)


def test_many_runs_begin_few_are_trained_to_the_end_and_one_of_the_best_is_named() -> None:
    simulation = play()
    states = Counter(run.state for run in simulation.runs)
    assert len(simulation.runs) > 20
    assert 1 <= states[RunState.FINISHED] < 10
    found = simulation.recommended()
    assert found is not None
    assert curve(found.config, 0)[-1] < 0.13


def test_a_run_pauses_at_a_rung_and_says_why() -> None:
    simulation = play()
    paused = [run for run in simulation.runs if run.state is RunState.PAUSED]
    assert {run.steps for run in paused} <= set(ladder(STEPS))
    assert all("loss is expected to end at" in run.desired_why for run in paused[-3:])


def test_nothing_that_diverged_goes_on() -> None:
    simulation = play()
    assert not [run for run in simulation.runs if run.steps > 4 and run.value is None]


def test_without_checkpoints_runs_are_stopped_and_never_paused() -> None:
    simulation = play(can_resume=False)
    states = Counter(run.state for run in simulation.runs)
    assert states[RunState.PAUSED] == 0
    assert states[RunState.STOPPED] > 10
    assert states[RunState.FINISHED] >= 1


@pytest.mark.parametrize("workers", [4, 16])
def test_workers_side_by_side_get_different_places(workers: int) -> None:
    simulation = play(workers=workers)
    assert len({(run.config["lr"], run.config["width"]) for run in simulation.runs}) == len(
        simulation.runs
    )


def test_the_baseline_is_never_paused() -> None:
    options = {"swept": {**SWEEP["swept"], "baseline": {"lr": 0.3, "width": 4}}}
    simulation = play(sweep=options)
    (first,) = [run for run in simulation.runs if run.kind is Kind.BASELINE]
    assert first.number == 1
    assert first.state is RunState.FINISHED


@pytest.mark.parametrize("unit", [1e-12, 1e9])
def test_the_unit_and_the_direction_of_the_metric_change_nothing(unit: float) -> None:
    """Nothing but rounding: the first runs are alike, and what is found is as good."""
    plain = play()
    other = play(
        sweep={"metric": {"name": "score", "goal": "maximize"}},
        curve=lambda config, seed: [-unit * value for value in curve(config, seed)],
    )
    assert [run.config for run in other.runs[:9]] == [run.config for run in plain.runs[:9]]
    found = other.recommended()
    assert found is not None
    assert curve(found.config, 0)[-1] < 0.13


def test_the_same_history_gives_the_same_answers() -> None:
    simulation = play(budget=5 * STEPS)
    history = History(simulation.runs)
    spec = simulation.spec
    again = History(tuple(simulation.runs))
    assert suggest(spec, history, 2, seed=3) == suggest(spec, again, 2, seed=3)
    assert decide(spec, history) == decide(spec, again)
    assert play(budget=5 * STEPS).runs == simulation.runs


def test_the_ladder_begins_early_doubles_and_ends_with_the_training() -> None:
    assert ladder(52) == (2, 4, 8, 16, 32, 52)
    assert ladder(100) == (4, 8, 16, 32, 64, 100)
    assert ladder(1) == (1,)
    assert ladder(5) == (1, 2, 5)
