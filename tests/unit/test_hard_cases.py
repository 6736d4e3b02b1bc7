"""Searches that break naive ones: each case through `simulate`, beside random search in the same simulator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from swept.model import Config, History, Kind, Run, Start, Suggestions
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.testing.simulate import Curve, Suggest, simulate

SEEDS = 6
RUNS, STEPS = 14, 12
UNIT = {name: {"min": 0.0, "max": 1.0} for name in ("a", "b", "c")}
MIXED: dict[str, Any] = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
    "mom": {"min": 0.0, "max": 1.0},
    "opt": {"values": ["A", "B", "C"]},
    "depth": {"min": 1, "max": 8},
    "batch": {"values": [8, 16, 32]},
}
OPTIMUM = {"lr": 0.01, "mom": 0.8, "opt": "B", "depth": 4, "batch": 16}
ELSEWHERE = {"lr": 0.9, "mom": 0.1, "opt": "C", "depth": 8, "batch": 8}
Loss = Callable[[Config], float]


def mixed(config: Config, optimum: Mapping[str, Any] = OPTIMUM) -> float:
    """0 at the optimum, about 1 at a random place."""
    far = math.log10(config["lr"] / optimum["lr"]) / 2
    deep = (config["depth"] - optimum["depth"]) / 7
    other = 0.3 * (config["opt"] != optimum["opt"]) + 0.05 * (config["batch"] != optimum["batch"])
    return float(far**2 + (config["mom"] - optimum["mom"]) ** 2 + deep**2 + other)


def corner(config: Config) -> float:
    return float((1.0 - config["a"]) + config["b"] + (1.0 - config["c"]))


def sweep(parameters: Mapping[str, Any], method: str = "bayes", **top: Any) -> dict[str, Any]:
    metric = {"name": "loss", "goal": "minimize"}
    return {"method": method, "metric": metric, "parameters": parameters, **top}


def at_once(loss: Loss) -> Curve:
    return lambda config, seed: [loss(config)]


def reached(
    sweep: Mapping[str, Any],
    curve: Curve,
    loss: Loss,
    budget: float = RUNS,
    search: Suggest = suggest,
    seeds: int = SEEDS,
) -> float:
    """The true loss of what is recommended at the end, mean over seeds."""
    found = []
    for seed in range(seeds):
        run = simulate(sweep, curve, budget, seed, suggest=search).recommended()
        found.append(loss(run.config) if run else math.inf)
    return float(np.mean(found))


# -- spaces -----------------------------------------------------------------------------------------


def test_ranges_far_too_wide_of_which_most_diverges() -> None:
    wide = {
        "lr": {"distribution": "log_uniform_values", "min": 1e-9, "max": 1e6},
        "mom": {"min": 0.0, "max": 1.0},
    }

    def loss(config: Config) -> float:
        if config["lr"] > 0.3:
            return math.nan
        return float(abs(math.log10(config["lr"] / 0.1)) / 3 + (config["mom"] - 0.7) ** 2)

    ours = reached(sweep(wide), at_once(loss), loss, 20)
    assert ours < 0.5 * reached(sweep(wide, "random"), at_once(loss), loss, 20)
    assert diverged(sweep(wide), loss) < 0.8 * diverged(sweep(wide, "random"), loss)


def diverged(sweep: Mapping[str, Any], loss: Loss) -> int:
    runs = [run for seed in range(SEEDS) for run in simulate(sweep, at_once(loss), 20, seed).runs]
    return sum(run.value is None for run in runs)


def test_an_optimum_in_a_corner() -> None:
    assert reached(sweep(UNIT), at_once(corner), corner) < 0.15
    assert reached(sweep(UNIT, "random"), at_once(corner), corner) > 0.4


def test_a_region_that_fails_is_learnt_and_never_a_value() -> None:
    def loss(config: Config) -> float:
        total = config["a"] + config["b"]
        return math.nan if total > 0.9 else float(0.9 - total + (config["c"] - 0.5) ** 2)

    ours = reached(sweep(UNIT), at_once(loss), loss, 18)
    assert ours < 0.8 * reached(sweep(UNIT, "random"), at_once(loss), loss, 18)
    simulation = simulate(sweep(UNIT), at_once(loss), 18)
    places = [tuple(run.config.values()) for run in simulation.runs]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_noise_from_none_to_large(noise: float) -> None:
    def curve(config: Config, seed: int) -> Sequence[float]:
        return [corner(config) + noise * float(np.random.default_rng(seed).normal())]

    ours = reached(sweep(UNIT), curve, corner, 20)
    assert ours < 0.85 * reached(sweep(UNIT, "random"), curve, corner, 20)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_any_unit_and_either_goal_is_the_same_search(unit: float, goal: str) -> None:
    sign = 1.0 if goal == "minimize" else -1.0
    top = sweep(UNIT) | {"metric": {"name": "score", "goal": goal}}
    found = simulate(top, lambda config, _: [sign * unit * (corner(config) + 2.0)], RUNS)
    plain = simulate(sweep(UNIT), lambda config, _: [corner(config) + 2.0], RUNS)
    best, same = found.recommended(), plain.recommended()
    assert best is not None
    assert same is not None
    assert corner(best.config) == pytest.approx(corner(same.config), abs=0.15)


# -- what is known beforehand -----------------------------------------------------------------------


@pytest.mark.parametrize("stopping", ["off", "auto"])
def test_a_good_prior_gains_and_a_wrong_one_is_recovered_from(stopping: str) -> None:

    seeds = 3 if stopping == "auto" else SEEDS

    def found(budget: float, **prior: Any) -> float:
        swept = {"early_stopping": stopping, "epochs": STEPS, **prior}
        return reached(sweep(MIXED, swept=swept), falling, mixed, budget, seeds=seeds)

    assert found(4 * STEPS, prior={**OPTIMUM, "lr": 0.02}) < 0.5 * found(4 * STEPS)
    wrong = found(12 * STEPS, prior=ELSEWHERE)
    random = reached(sweep(MIXED, "random"), falling, mixed, 12 * STEPS)
    assert wrong < random


def falling(config: Config, seed: int) -> list[float]:
    return [mixed(config) + 0.5 * math.exp(-step / 4) for step in range(1, STEPS + 1)]


@pytest.mark.parametrize("stopping", ["off", "auto"])
def test_an_earlier_sweep_gains_and_a_misleading_one_is_recovered_from(stopping: str) -> None:
    swept = {"early_stopping": stopping, "epochs": STEPS}
    seeds = 3 if stopping == "auto" else SEEDS

    def found(budget: float, priors: Sequence[Run] = ()) -> float:
        known = after(priors)
        return reached(sweep(MIXED, swept=swept), falling, mixed, budget, known, seeds)

    near = earlier({**OPTIMUM, "depth": 5}, unit=1000.0)
    assert found(4 * STEPS, near) < 0.6 * found(4 * STEPS)
    random = reached(sweep(MIXED, "random"), falling, mixed, 10 * STEPS)
    assert found(10 * STEPS, earlier(ELSEWHERE)) < random


def test_a_misleading_earlier_sweep_is_let_go_of() -> None:
    upside_down = earlier(OPTIMUM, unit=-1.0)
    spec = sweep(MIXED)
    runs = simulate(spec, at_once(mixed), 8, suggest=after(upside_down)).runs
    assert "prior" in runs[0].why["reason"]
    assert "prior" not in runs[7].why["reason"]


def earlier(optimum: Mapping[str, Any], unit: float = 1.0) -> list[Run]:
    """A random sweep of another dataset, as the copies that `warm_start` makes."""
    curve = at_once(lambda config: unit * mixed(config, optimum))
    runs = simulate(sweep(MIXED, "random"), curve, 20, seed=99).runs
    return [
        replace(run, id=f"p{run.number}", kind=Kind.PRIOR, number=run.number - 100) for run in runs
    ]


def after(priors: Sequence[Run]) -> Suggest:
    def search(
        spec: Spec, history: History, n: int, *, seed: int, now: float | None = None
    ) -> Suggestions:
        known = replace(history, runs=(*priors, *history.runs))
        return suggest(spec, known, n, seed=seed, now=now)

    return search


def test_normal_distributions_are_beliefs_that_the_search_can_leave() -> None:
    bells = {
        "x": {"distribution": "normal", "mu": 0.0, "sigma": 1.0},
        "y": {"distribution": "log_normal", "mu": -7.0, "sigma": 1.0},
    }

    def loss(config: Config) -> float:
        return float((config["x"] - 2.8) ** 2 + (math.log(config["y"]) + 4.5) ** 2)

    ours = reached(sweep(bells), at_once(loss), loss)
    assert ours < 0.3 * reached(sweep(bells, "random"), at_once(loss), loss)


# -- constraints, conditions, nesting ---------------------------------------------------------------


@pytest.mark.parametrize("method", ["bayes", "random"])
@pytest.mark.parametrize("stopping", ["off", "auto"])
@pytest.mark.parametrize("share", [0.5, 0.001])
def test_every_run_keeps_the_constraints(method: str, stopping: str, share: float) -> None:
    """With `auto` over trainings of a few steps: those of one step are searched by values alone."""
    rule = f"a * b < {0.35 if share == 0.5 else 0.0001}"
    steps = STEPS if stopping == "auto" else 1
    swept = {"constraints": [rule, "c < 0.9"], "early_stopping": stopping, "epochs": steps}
    top = sweep(UNIT, method, swept=swept)
    spec = parse_mapping(top)

    def curve(config: Config, seed: int) -> list[float]:
        return falling_corner(config, seed)[:steps]

    runs = simulate(top, curve, RUNS * steps, workers=3).runs
    assert len(runs) >= RUNS
    assert all(spec.rules.obeyed(run.config) for run in runs)
    assert len({tuple(run.config.values()) for run in runs}) == len(runs)
    if method == "bayes" and stopping == "auto":
        assert {"space-filling", "model"} <= {run.why["strategy"] for run in runs}


def test_the_optimum_on_the_edge_of_what_is_allowed_is_found() -> None:
    def loss(config: Config) -> float:
        return float(2.0 - config["a"] - config["b"] + config["c"])

    top = sweep(UNIT, swept={"constraints": ["a + b <= 1"]})
    other = sweep(UNIT, "random", swept={"constraints": ["a + b <= 1"]})
    ours = reached(top, at_once(loss), loss)
    assert ours - 1.0 < 0.5 * (reached(other, at_once(loss), loss) - 1.0)


CONDITIONAL: dict[str, Any] = {
    "optimizer": {
        "parameters": {
            "name": {"values": ["SGD", "Adam"]},
            "momentum": {"min": 0.0, "max": 1.0},
            "beta": {"min": 0.9, "max": 0.999},
        }
    },
    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
}
WHEN = {
    "optimizer.momentum": "optimizer.name == 'SGD'",
    "optimizer": {"beta": "optimizer.name == 'Adam'"},
}


def test_conditional_and_nested_parameters_are_varied_only_where_they_act() -> None:
    def loss(config: Config) -> float:
        chosen = config["optimizer"]
        speed = math.log10(config["lr"] / 0.01) ** 2 / 4
        if chosen["name"] == "Adam":
            return float(speed + 0.2 + 20 * abs(chosen["beta"] - 0.95))
        return float(speed + abs(chosen["momentum"] - 0.9))

    top = sweep(CONDITIONAL, swept={"conditions": WHEN})
    runs = simulate(top, at_once(loss), RUNS).runs
    idle = {"SGD": ("beta", 0.9495), "Adam": ("momentum", 0.5)}
    for run in runs:
        name, value = idle[run.config["optimizer"]["name"]]
        assert run.config["optimizer"][name] == pytest.approx(value)
    ours = reached(top, at_once(loss), loss)
    assert ours < reached(sweep(CONDITIONAL, "random"), at_once(loss), loss)


def test_the_grid_leaves_out_what_is_forbidden_or_the_same() -> None:
    grid = {"opt": {"values": ["A", "B"]}, "mom": {"values": [1, 2, 3]}, "n": {"values": [1, 2]}}
    swept = {"conditions": {"mom": "opt == 'A'"}, "constraints": ["n < 2 or mom != 3"]}
    runs = simulate(sweep(grid, "grid", swept=swept), lambda config, _: [1.0], 99).runs
    seen = [(run.config["opt"], run.config["mom"], run.config["n"]) for run in runs]
    acting = [("A", mom, n) for mom, n in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1))]
    assert sorted(seen) == [*sorted(acting), ("B", 1, 1), ("B", 1, 2)]
    assert runs[-1].why["reason"] == "grid point 7 of 7"


def test_a_small_conditional_space_ends_when_all_that_differs_was_tried() -> None:
    small = {"opt": {"values": ["A", "B"]}, "mom": {"values": [1, 2, 3]}}
    top = sweep(small, swept={"conditions": {"mom": "opt == 'A'"}})
    simulation = simulate(top, lambda config, _: [float(config["mom"])], 99)
    assert len(simulation.runs) == 4
    assert "every configuration" in simulation.ended_because


# -- what happens to runs ---------------------------------------------------------------------------


def test_a_space_edited_in_mid_sweep_keeps_what_fits() -> None:
    before = simulate(sweep(UNIT), at_once(corner), 10).runs
    wider = {**UNIT, "a": {"min": 0.0, "max": 3.0}}
    edited = History(before, spec_version=2)
    answer = suggest(parse_mapping(sweep(wider)), edited, 1, seed=3)
    (start,) = [each for each in answer if isinstance(each, Start)]  # type: ignore[union-attr]
    assert start.why["strategy"] == "model"
    assert start.why["runs_modelled"] == len(before)
    assert start.config["b"] < 0.5


def test_a_run_lies_where_it_really_ran() -> None:
    """The program halves `a`, and says so: what is suggested is twice as large as what is good."""

    def halved(run: Run) -> Run:
        attempt = replace(run.attempts[0], effective_config={"a": run.config["a"] / 2})
        return replace(run, attempts=(attempt,))

    def search(
        spec: Spec, history: History, n: int, *, seed: int, now: float | None = None
    ) -> Suggestions:
        ran = [halved(run) if run.attempts else run for run in history.runs]
        return suggest(spec, replace(history, runs=tuple(ran)), n, seed=seed, now=now)

    one = {"a": UNIT["a"]}
    top = sweep(one)
    last = simulate(top, lambda c, _: [abs(c["a"] / 2 - 0.3)], RUNS, suggest=search).runs[-1]
    assert last.why["strategy"] == "model"
    assert last.config["a"] == pytest.approx(0.3, abs=0.1)  # where the model sees the optimum


@pytest.mark.parametrize("early", ["off", "auto"])
@pytest.mark.parametrize(
    "curve",
    ["nan at step 1", "unequal lengths", "crossing", "every third", "nan but every fourth"],
)
def test_curves_that_break_naive_readers(early: str, curve: str) -> None:
    swept = {"early_stopping": early, "epochs": STEPS}
    made = {
        "nan at step 1": _late,
        "unequal lengths": _short,
        "crossing": _crossing,
        "every third": _third,
        "nan but every fourth": _fourth,
    }
    naive = {"early_stopping": "asha" if early == "auto" else "off", "epochs": STEPS}
    ours = reached(sweep(MIXED, swept=swept), made[curve], mixed, 8 * STEPS)
    theirs = reached(sweep(MIXED, "random", swept=naive), made[curve], mixed, 8 * STEPS)
    assert ours < theirs


def _late(config: Config, seed: int) -> list[float]:
    return [math.nan, *falling(config, seed)[1:]]


def _short(config: Config, seed: int) -> list[float]:
    return falling(config, seed)[: STEPS // 2 + config["depth"] % 3]


def _crossing(config: Config, seed: int) -> list[float]:
    """The better a run is at its end, the worse it begins."""
    slow = 3.0 * math.exp(-mixed(config))
    return [mixed(config) + slow * max(0.0, 1 - 2 * step / STEPS) for step in range(1, STEPS + 1)]


def _third(config: Config, seed: int) -> list[float]:
    """A metric that moves at every third step only."""
    return [falling(config, seed)[step - step % 3] for step in range(STEPS)]


def _fourth(config: Config, seed: int) -> list[float]:
    """A program that reports no number in between."""
    values = falling(config, seed)
    return [value if step % 4 == 0 else math.nan for step, value in enumerate(values, 1)]


# -- figures beyond all measure ---------------------------------------------------------------------


def test_one_absurdly_good_value_is_not_the_end_of_the_search() -> None:
    """By a bug the third run reports an accuracy of a million: the best of the others is found all the same."""
    top = sweep(UNIT, swept={"early_stopping": "auto", "epochs": STEPS})
    top["metric"] = {"name": "accuracy", "goal": "maximize"}
    budget = 10 * STEPS

    def best_of_the_others(seed: int) -> float:
        known: dict[tuple[float, ...], int] = {}

        def curve(config: Config, _: int) -> list[float]:
            number = known.setdefault(tuple(config.values()), len(known))
            good = [-corner(config) - math.exp(-step / 4) for step in range(1, STEPS + 1)]
            return [1e6] * STEPS if number == 2 else good

        runs = simulate(top, curve, budget, seed).runs
        return min(corner(run.config) for run in runs if run.number != 3)

    random = sweep(UNIT, "random", swept=top["swept"])
    theirs = [simulate(random, falling_corner, budget, seed).runs for seed in range(8)]
    draws = [min(corner(run.config) for run in runs) for runs in theirs]
    assert np.mean([best_of_the_others(seed) for seed in range(8)]) < 0.8 * np.mean(draws)


def falling_corner(config: Config, seed: int) -> list[float]:
    return [corner(config) + math.exp(-step / 4) for step in range(1, STEPS + 1)]
