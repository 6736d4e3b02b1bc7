"""Bayesian search: its start, its model's figures, parallel runs, stopped and failed ones, small spaces."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from swept.model import Config, Done, History, Kind, Run, RunState, Start
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.testing.search_contract import as_run, extend, started

REALS = {name: {"min": 0.0, "max": 1.0} for name in ("x", "y", "z")}


def spec(parameters: dict[str, Any] = REALS, **top: Any) -> Spec:
    metric = {"name": "score", "goal": "maximize"} | top.pop("metric", {})
    return parse_mapping({"method": "bayes", "metric": metric, "parameters": parameters, **top})


def bowl(config: Config) -> float:
    """Best, at 1, where x = 0.3 and y = 0.7; z does nothing."""
    return float(1.0 - (config["x"] - 0.3) ** 2 - (config["y"] - 0.7) ** 2)


def play(
    sweep: Spec, runs: int, objective: Callable[[Config], float], seed: int = 1, at_once: int = 1
) -> History:
    history = History()
    while len(history.runs) < runs:
        starts = started(suggest(sweep, history, at_once, seed=seed))
        assert starts
        history = extend(
            history, starts, RunState.FINISHED, lambda start: (objective(start.config),)
        )
    return history


def distance(sweep: Spec, a: Config, b: Config) -> float:
    return float(np.linalg.norm(sweep.space.to_unit(a) - sweep.space.to_unit(b)))


def closest(sweep: Spec, configs: list[Config]) -> float:
    pairs = [(a, b) for i, a in enumerate(configs) for b in configs[:i]]
    return min(distance(sweep, a, b) for a, b in pairs)


def test_it_starts_spread_out_and_says_so() -> None:
    history = play(spec(), 7, bowl)
    reasons = [run.why["reason"] for run in history.runs]
    assert reasons[:5] == [f"space-filling {i} of 5" for i in range(1, 6)]
    assert [run.why["strategy"] for run in history.runs[5:]] == ["model"] * 2
    for name in REALS:  # a Latin hypercube: each fifth of each range once
        fifths = sorted(int(5 * run.config[name]) for run in history.runs[:5])
        assert fifths == list(range(5))


def test_a_small_budget_is_not_spent_on_the_start() -> None:
    reasons = [run.why["reason"] for run in play(spec(run_cap=8), 8, bowl).runs]
    assert reasons[3] == "space-filling 4 of 4"
    assert reasons[4].startswith("model")


def test_it_finds_the_optimum_that_random_search_does_not() -> None:
    for seed in range(3):
        history = play(spec(), 20, bowl, seed)
        assert max(run.value or 0.0 for run in history.runs) > 0.995


def test_minimising_is_maximising_the_opposite() -> None:
    down = spec(metric={"goal": "minimize"})
    upward, downward = play(spec(), 12, bowl), play(down, 12, lambda config: -bowl(config))
    assert [run.config for run in upward.runs] == [run.config for run in downward.runs]


def test_the_figures_are_in_the_metrics_units() -> None:
    history = play(spec(), 15, lambda config: 100.0 + 10.0 * bowl(config))
    why = history.runs[-1].why
    assert 95.0 < why["predicted_mean"] < 115.0
    assert 0.0 < why["predicted_sd"] < 10.0
    assert 0.0 <= why["expected_improvement"] < 10.0
    assert why["reason"].startswith(f"model: expects score {why['predicted_mean']:.4g} ± ")


@pytest.mark.parametrize("values", [6, 20])
def test_runs_suggested_together_are_no_near_duplicates(values: int) -> None:
    sweep = spec()
    history = play(sweep, values, bowl)
    batch = [start.config for start in started(suggest(sweep, history, 8, seed=1))]
    assert len(batch) == 8
    assert closest(sweep, batch) > 0.05


@pytest.mark.parametrize("state", [RunState.PENDING, RunState.RUNNING])
def test_parallel_agents_get_no_near_duplicates(state: RunState) -> None:
    sweep = spec()
    history = play(sweep, 10, bowl)
    for _ in range(8):
        history = extend(history, started(suggest(sweep, history, 1, seed=1)), state)
    assert closest(sweep, [run.config for run in history.runs[10:]]) > 0.05


def test_noise_does_not_make_parallel_runs_meet() -> None:
    sweep = spec({"x": {"min": 0.0, "max": 1.0}})
    rng = np.random.default_rng(0)
    history = play(sweep, 20, lambda config: config["x"] + float(rng.normal()))
    batch = [start.config for start in started(suggest(sweep, history, 8, seed=1))]
    assert closest(sweep, batch) > 0.02


def test_a_running_runs_early_value_is_not_taken_for_its_end() -> None:
    sweep = spec()
    history = play(sweep, 8, bowl)
    bare = extend(history, started(suggest(sweep, history, 1, seed=1)), RunState.RUNNING)
    early = replace(bare, runs=(*bare.runs[:-1], with_values(bare.runs[-1], (-50.0,))))
    assert suggest(sweep, bare, 1, seed=1) == suggest(sweep, early, 1, seed=1)


def with_values(run: Run, values: tuple[float, ...]) -> Run:
    start = Start(run.kind, run.config, run.seed or 0, run.why)
    return as_run(run.number, start, run.state, values)


def test_stopped_runs_count_with_the_value_they_reached() -> None:
    sweep = spec()
    history = play(sweep, 8, bowl)
    stopped = replace(history.runs[7], state=RunState.STOPPED)
    finished = started(suggest(sweep, history, 1, seed=1))
    answer = suggest(sweep, replace(history, runs=(*history.runs[:7], stopped)), 1, seed=1)
    assert started(answer) == finished
    assert finished[0].why["runs_modelled"] == 8


def test_failed_and_diverged_runs_have_no_value_and_are_not_tried_next_door() -> None:
    """Where the model sees most promise, every run fails: the search does not insist."""
    sweep = spec()
    history = play(sweep, 8, bowl)
    for i in range(8):
        state, value = (RunState.FAILED, 5.0) if i % 2 else (RunState.FINISHED, math.nan)
        starts = started(suggest(sweep, history, 1, seed=1))
        assert starts[0].why["runs_modelled"] == 8
        history = extend(history, starts, state, lambda _, v=value: (v,))  # type: ignore[misc]
    assert closest(sweep, [run.config for run in history.runs[8:]]) > 0.05


def test_while_no_run_gives_a_value_it_goes_on_spreading_out() -> None:
    sweep, history = spec(), History()
    for _ in range(10):
        starts = started(suggest(sweep, history, 1, seed=1))
        history = extend(history, starts, RunState.FAILED)
    assert history.runs[-1].why["reason"] == "space-filling: none of the runs so far gave a value"
    assert closest(sweep, [run.config for run in history.runs]) > 0.01


def test_the_model_goes_by_what_a_run_really_ran_with() -> None:
    sweep = spec({"batch": {"min": 1, "max": 64}, "x": {"min": 0.0, "max": 1.0}})
    history = play(sweep, 8, lambda config: config["x"] - config["batch"] / 64)

    def answer(effective: Config | None) -> Start:
        attempt = replace(history.runs[0].attempts[0], effective_config=effective)
        run = replace(history.runs[0], attempts=(attempt,))
        runs = (run, *history.runs[1:])
        return started(suggest(sweep, replace(history, runs=runs), 1, seed=1))[0]

    same = dict(history.runs[0].config)
    assert answer(None) == answer(same)
    assert answer({"batch": 70}).why["runs_modelled"] == 8  # a number beyond the bounds
    assert answer({"batch": 70}) != answer(None)
    assert answer({"batch": "auto"}).why["runs_modelled"] == 7  # no number at all


def test_one_diverged_value_does_not_blind_the_model() -> None:
    """A loss of 10⁹ somewhere must not squeeze the differences among good runs into nothing."""
    sweep = spec(metric={"goal": "minimize"})

    def objective(config: Config) -> float:
        return 1e9 if config["z"] > 0.8 else -bowl(config)

    history = play(sweep, 25, objective)
    assert min(run.value or 0.0 for run in history.runs) < -0.99


def test_a_small_space_is_covered_once_and_then_done() -> None:
    sweep = spec({"a": {"values": ["u", "v", "w"]}, "b": {"values": [1, 2]}, "c": {"value": 3}})
    history = play(sweep, 6, lambda config: float(config["b"]), at_once=4)
    assert len({(run.config["a"], run.config["b"]) for run in history.runs}) == 6
    answer = suggest(sweep, history, 2, seed=1)
    assert answer == Done(
        "every configuration of this space was tried; more runs would repeat them"
    )


def test_a_space_without_a_choice_is_one_run() -> None:
    sweep = spec({"a": {"value": 1}})
    starts = started(suggest(sweep, History(), 3, seed=1))
    assert [start.config for start in starts] == [{"a": 1}]
    assert isinstance(suggest(sweep, extend(History(), starts, RunState.FINISHED), 1, seed=1), Done)


def test_categories_are_learnt() -> None:
    parameters = {
        "kind": {"values": ["a", "b", "c", "d"]},
        "size": {"values": [1, 3, 5, 7, 9]},
        "x": {"min": 0.0, "max": 1.0},
    }
    for seed in range(3):
        history = play(
            spec(parameters), 10, lambda c: (c["kind"] == "c") - 0.1 * abs(c["size"] - 7), seed
        )
        assert max(run.value or 0.0 for run in history.runs) == 1.0


def test_sixteen_agents_are_spread_out_from_the_start() -> None:
    sweep = spec({name: {"min": 0.0, "max": 1.0} for name in "uv"})
    history = History()
    for _ in range(16):
        history = extend(history, started(suggest(sweep, history, 1, seed=1)), RunState.RUNNING)
    assert closest(sweep, [run.config for run in history.runs]) > 0.15


def test_of_thousands_of_runs_the_best_are_modelled() -> None:
    sweep, rng = spec(), np.random.default_rng(0)
    starts = [Start(Kind.SEARCH, sweep.space.sample(rng), i, {}) for i in range(2000)]
    history = extend(History(), starts, RunState.FINISHED, lambda start: (bowl(start.config),))
    [start] = started(suggest(sweep, history, 1, seed=1))
    assert start.why["runs_modelled"] == 1000
    assert bowl(start.config) > 0.999
