"""How much each parameter explains: known answers, what must not matter, and when nothing is ranked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from swept.analysis.importance import Importance, Share, importance
from swept.model import Kind, Point, Run, RunState
from swept.spec import Spec, parse_mapping
from swept.testing.simulate import simulate

Row = Callable[[dict[str, Any], np.random.Generator], float]


def spec_of(parameters: dict[str, Any], goal: str = "minimize", **swept: Any) -> Spec:
    mapping: dict[str, Any] = {
        "method": "random",
        "metric": {"name": "loss", "goal": goal},
        "parameters": parameters,
    }
    return parse_mapping({**mapping, "swept": swept} if swept else mapping)


def run(number: int, config: dict[str, Any], value: float, steps: int = 1) -> Run:
    return Run(
        id=f"r{number}",
        project="p",
        sweep="s",
        number=number,
        name=f"run-{number}",
        kind=Kind.SEARCH,
        state=RunState.FINISHED,
        config=config,
        curve=(Point(steps, value),),
    )


def drawn(spec: Spec, n: int, value: Row, seed: int = 0) -> list[Run]:
    rng = np.random.default_rng(seed)
    configs = [spec.space.sample(rng) for _ in range(n)]
    return [run(i, config, value(config, rng)) for i, config in enumerate(configs, 1)]


def by_name(found: Importance) -> dict[str, Share]:
    return {row.parameter: row for row in found.rows}


UNIT = {"min": 0.0, "max": 1.0}
THREE = {"a": UNIT, "b": UNIT, "idle": UNIT}


def sloped(config: dict[str, Any], rng: np.random.Generator) -> float:
    """Of its variance a has 4/5 and b 1/5; a is better small, b large."""
    return float(2.0 * config["a"] - config["b"] + 0.02 * rng.normal())


class TestKnownAnswers:
    def test_shares_signs_and_whiskers_of_a_plane(self) -> None:
        found = importance(spec_of(THREE), drawn(spec_of(THREE), 40, sloped))
        rows = by_name(found)
        assert found.runs == 40
        assert found.caution == ""
        assert found.explained > 0.9
        assert [row.parameter for row in found.rows] == ["a", "b", "idle"]
        assert rows["a"].share == pytest.approx(0.8, abs=0.05)
        assert rows["b"].share == pytest.approx(0.2, abs=0.05)
        assert rows["a"].sign < -0.99
        assert rows["b"].sign > 0.99
        assert not any(row.between for row in found.rows)
        for row in found.rows:
            assert 0.0 <= row.low <= row.share <= row.high <= 1.0

    def test_a_parameter_without_effect_has_whiskers_that_reach_nothing(self) -> None:
        idle = by_name(importance(spec_of(THREE), drawn(spec_of(THREE), 40, sloped)))["idle"]
        assert idle.low < 0.01
        assert idle.high < 0.05
        assert idle.sign == 0.0

    def test_how_far_the_metric_moves_beside_the_best_runs(self) -> None:
        """In its own unit: a share says nothing of it where one parameter is all there is to see."""
        found = importance(spec_of(THREE), drawn(spec_of(THREE), 40, sloped))
        rows = by_name(found)
        assert rows["a"].near == pytest.approx(2.0, abs=0.3)
        assert rows["b"].near == pytest.approx(1.0, abs=0.2)
        assert rows["idle"].near < 0.2
        assert 0.0 < found.apart < 1.5
        assert math.isnan(importance(spec_of(THREE), []).apart)

    def test_an_interaction_counts_for_both(self) -> None:
        spec = spec_of(THREE)
        runs = drawn(spec, 80, lambda c, rng: (c["a"] - 0.5) * (c["b"] - 0.5))
        rows = by_name(importance(spec, runs))
        assert rows["a"].share > 0.8
        assert rows["b"].share > 0.8
        assert abs(rows["a"].sign) < 0.99 or rows["a"].sign == 0.0

    def test_a_valley_has_no_direction(self) -> None:
        spec = spec_of(THREE)
        rows = by_name(importance(spec, drawn(spec, 40, lambda c, rng: (c["a"] - 0.5) ** 2)))
        assert rows["a"].share > 0.95
        assert abs(rows["a"].sign) < 0.3
        assert rows["a"].between
        assert not rows["idle"].between, "where there is no effect there is no best"

    def test_a_best_value_well_inside_of_the_range_has_no_direction(self) -> None:
        spec = spec_of(THREE)
        off = by_name(importance(spec, drawn(spec, 40, lambda c, rng: (c["a"] - 0.65) ** 2)))
        near = by_name(importance(spec, drawn(spec, 40, lambda c, rng: (c["a"] - 0.9) ** 2)))
        assert abs(off["a"].sign) < 0.15
        assert near["a"].sign > 0.7
        assert off["a"].between
        assert not near["a"].between

    def test_scales_are_the_parameters_own(self) -> None:
        spec = spec_of(
            {
                "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1},
                "kind": {"values": ["a", "b", "c"]},
                "width": {"values": [16, 32, 64, 128]},
                "idle": {"distribution": "normal", "mu": 0.0, "sigma": 2.0},
            }
        )
        level = {"a": 0.0, "b": 0.0, "c": 1.0}

        def value(config: dict[str, Any], rng: np.random.Generator) -> float:
            return math.log10(config["lr"]) / 4.0 + level[config["kind"]]

        rows = by_name(importance(spec, drawn(spec, 60, value)))
        # Var(log10 lr / 4) = 1/12, of one category in three 2/9.
        assert rows["lr"].share == pytest.approx(3.0 / 11.0, abs=0.08)
        assert rows["kind"].share == pytest.approx(8.0 / 11.0, abs=0.08)
        assert rows["kind"].sign == 0.0
        assert rows["lr"].sign < -0.98
        assert rows["width"].share < 0.03
        assert rows["idle"].share < 0.03

    def test_what_acts_only_under_a_condition_counts_where_it_acts(self) -> None:
        spec = spec_of(
            {"kind": {"values": ["a", "b"]}, "m": UNIT, "idle": UNIT},
            conditions={"m": "kind == 'b'"},
        )

        def value(config: dict[str, Any], rng: np.random.Generator) -> float:
            return 2.0 * float(config["m"]) if config["kind"] == "b" else 1.0

        rows = by_name(importance(spec, drawn(spec, 60, value)))
        # Half of the space varies by m alone; for a given m the two kinds vary by (2m - 1)² / 4.
        assert rows["m"].share == pytest.approx(1.0, abs=0.15)
        assert rows["kind"].share == pytest.approx(0.5, abs=0.15)
        assert rows["idle"].share < 0.05


class TestWhatMustNotMatter:
    def test_the_goal_turns_the_signs_and_nothing_else(self) -> None:
        small, large = spec_of(THREE), spec_of(THREE, "maximize")
        runs = drawn(small, 30, sloped)
        turned = [
            replace(each, curve=(Point(1, -5.0 * (each.value or 0.0) + 100.0),)) for each in runs
        ]
        one, other = importance(small, runs), importance(large, turned)
        for row, twin in zip(one.rows, other.rows, strict=True):
            assert row.parameter == twin.parameter
            assert row.share == pytest.approx(twin.share, abs=1e-3)
            assert row.sign == pytest.approx(twin.sign, abs=1e-3)

    def test_permuting_what_has_no_effect_changes_little(self) -> None:
        spec = spec_of(THREE)
        runs = drawn(spec, 40, sloped)
        rng = np.random.default_rng(1)
        others = rng.permutation([float(each.config["idle"]) for each in runs])
        permuted = [
            replace(each, config={**each.config, "idle": float(other)})
            for each, other in zip(runs, others, strict=True)
        ]
        one, other = by_name(importance(spec, runs)), by_name(importance(spec, permuted))
        for name in THREE:
            assert one[name].share == pytest.approx(other[name].share, abs=0.03)

    def test_the_same_runs_give_the_same_answer(self) -> None:
        spec = spec_of(THREE)
        runs = drawn(spec, 20, sloped)
        assert importance(spec, runs) == importance(spec, runs)

    def test_one_diverged_run_is_not_all_the_variation(self) -> None:
        spec = spec_of(THREE)
        runs = drawn(spec, 40, sloped)
        worst = max(runs, key=lambda each: each.value or 0.0)
        runs[worst.number - 1] = replace(worst, curve=(Point(1, 1e9),))
        rows = by_name(importance(spec, runs))
        assert rows["a"].share == pytest.approx(0.8, abs=0.1)


class TestCautions:
    def test_a_metric_of_chance_is_not_ranked(self) -> None:
        spec = spec_of(THREE)
        for seed in range(3):
            runs = drawn(spec, 40, lambda c, rng: float(rng.normal()), seed)
            found = importance(spec, runs)
            assert "explains nothing" in found.caution
            assert not found.ranks
            assert [(row.parameter, row.low, row.high) for row in found.rows] == [
                ("a", 0.0, 1.0),
                ("b", 0.0, 1.0),
                ("idle", 0.0, 1.0),
            ]

    @pytest.mark.parametrize("n", [0, 1, 3])
    def test_too_few_runs(self, n: int) -> None:
        spec = spec_of(THREE)
        found = importance(spec, drawn(spec, n, sloped))
        assert found.caution.startswith("too few runs")
        assert found.runs == n
        assert not found.ranks

    def test_few_runs_for_many_parameters(self) -> None:
        spec = spec_of({f"p{i}": UNIT for i in range(10)} | THREE)
        found = importance(spec, drawn(spec, 20, sloped))
        assert "few runs" in found.caution or "explains nothing" in found.caution

    def test_a_sweep_without_a_metric(self) -> None:
        spec = parse_mapping({"method": "random", "parameters": THREE})
        assert importance(spec, []).caution == "the sweep has no metric"

    def test_equal_values(self) -> None:
        spec = spec_of(THREE)
        found = importance(spec, drawn(spec, 10, lambda c, rng: 1.0))
        assert found.caution == "all 10 runs gave the same value"

    def test_what_cannot_act_is_named_with_its_reason(self) -> None:
        spec = parse_mapping(
            {
                "method": "random",
                "metric": {"name": "metrics/mAP50-95(B)", "goal": "maximize"},
                "parameters": {
                    "lr0": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1},
                    "copy_paste": UNIT,
                },
                "swept": {"adapter": "ultralytics"},
            }
        )
        runs = drawn(spec, 12, lambda c, rng: float(c["copy_paste"]))
        row = by_name(importance(spec, runs))["lr0"]
        assert (row.share, row.low, row.high) == (0.0, 0.0, 0.0)
        assert "optimizer: auto" in row.inert


class TestLengths:
    def test_stopped_runs_count_by_how_they_would_have_ended(self) -> None:
        mapping = {
            "method": "random",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": THREE,
            "run_cap": 40,
            "swept": {"epochs": 16, "early_stopping": "asha"},
        }

        def curve(config: Any, seed: int) -> Sequence[float]:
            end = 2.0 * config["a"] - config["b"] + 2.0
            return [end * (1.0 + math.exp(-0.4 * step)) for step in range(1, 17)]

        played = simulate(mapping, curve, 1e6)
        states = {each.state for each in played.runs}
        assert RunState.STOPPED in states
        found = importance(played.spec, played.runs)
        rows = by_name(found)
        assert found.runs == 40
        assert rows["a"].share > rows["b"].share > rows["idle"].high

    def test_without_a_known_length_they_are_left_out_and_it_is_said(self) -> None:
        spec = spec_of(THREE)
        runs = drawn(spec, 20, sloped)
        early = [replace(each, id=f"e{each.number}", state=RunState.STOPPED) for each in runs[:5]]
        found = importance(spec, [*runs, *early])
        assert found.runs == 20
        assert "5 runs that ended early left out" in found.caution

    def test_another_metric_comes_from_the_summaries(self) -> None:
        spec = spec_of(THREE)
        runs = [
            replace(each, summary={"time": 3.0 * each.config["idle"]})
            for each in drawn(spec, 20, sloped)
        ]
        found = importance(spec, runs, "time")
        assert found.rows[0].parameter == "idle"
        assert found.rows[0].sign > 0.99
        assert importance(spec, runs, "loss") == importance(spec, runs)
