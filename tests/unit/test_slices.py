"""A metric along one parameter and over two: as the model sees it among the better runs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from swept.analysis.slices import along, over
from swept.analysis.surface import Surface, surface, told
from swept.model import Kind, Point, Run, RunState
from swept.spec import Spec, parse_mapping

PARAMETERS: dict[str, Any] = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
    "depth": {"min": 1, "max": 5},
    "kind": {"values": ["a", "b"]},
    "flag": {"values": [True, False]},
    "odd": {"values": [None, [1, "é"]]},
}


def spec_with(goal: str = "minimize") -> Spec:
    metric = {"name": "loss", "goal": goal}
    return parse_mapping({"method": "random", "metric": metric, "parameters": PARAMETERS})


def value(config: dict[str, Any]) -> float:
    """Best at lr 1e-2 and depth 5, with kind b."""
    off = math.log10(config["lr"]) + 2.0
    worse = 0.5 if config["kind"] == "a" else 0.0
    return float(10.0 + off * off + 0.2 * (5 - config["depth"]) + worse)


def surface_of(n: int, goal: str = "minimize", seed: int = 0) -> Surface | None:
    spec, rng = spec_with(goal), np.random.default_rng(seed)
    configs = [spec.space.sample(rng) for _ in range(n)]
    sign = 1.0 if goal == "minimize" else -1.0
    runs = [
        Run(
            id=f"r{i}",
            project="p",
            sweep="s",
            number=i,
            name=f"run-{i}",
            kind=Kind.SEARCH,
            state=RunState.FINISHED,
            config=config,
            curve=(Point(1, sign * value(config)),),
        )
        for i, config in enumerate(configs, 1)
    ]
    return surface(told(spec, runs))


class TestAlong:
    def test_the_valley_is_where_it_is_in_the_parameters_own_unit(self) -> None:
        found = along(surface_of(50), "lr")
        assert len(found.at) == len(found.mean) == len(found.low) == len(found.high) == 41
        assert found.at[0] == pytest.approx(1e-4)
        assert found.at[-1] == pytest.approx(1e-1)
        best = found.at[int(np.argmin(found.mean))]
        assert isinstance(best, float)
        assert math.log10(best) == pytest.approx(-2.0, abs=0.25)
        assert min(found.mean) == pytest.approx(10.5, abs=0.5)
        for low, mean, high in zip(found.low, found.mean, found.high, strict=True):
            assert low < mean < high

    def test_levels_and_categories_are_all_there_and_only_they(self) -> None:
        found = surface_of(50)
        assert along(found, "depth").at == (1, 2, 3, 4, 5)
        kind, flag = along(found, "kind"), along(found, "flag")
        assert kind.at == ("a", "b")
        assert kind.mean[0] > kind.mean[1]
        assert flag.at == ("true", "false")
        assert along(found, "odd").at == ("null", '[1,"é"]')

    def test_a_metric_to_maximise_is_shown_the_way_it_is(self) -> None:
        found = along(surface_of(50, "maximize"), "lr")
        best = found.at[int(np.argmax(found.mean))]
        assert isinstance(best, float)
        assert math.log10(best) == pytest.approx(-2.0, abs=0.25)
        assert max(found.mean) < -9.0

    def test_a_metric_without_a_goal_has_no_better_half(self) -> None:
        found = surface_of(24)
        assert found is not None
        unknown = replace(found, told=replace(found.told, known=False))
        turned = replace(found.told, values=-found.told.values, known=False)
        either = along(replace(found, told=turned), "depth")
        assert along(unknown, "depth").mean == pytest.approx(either.mean)
        assert along(unknown, "depth").mean != pytest.approx(along(found, "depth").mean)

    def test_more_runs_make_the_band_narrower(self) -> None:
        few, many = along(surface_of(12), "lr"), along(surface_of(120), "lr")
        width = [np.mean(np.subtract(each.high, each.low)) for each in (few, many)]
        assert width[1] < width[0]

    def test_nothing_without_a_model_or_for_a_parameter_that_is_not_there(self) -> None:
        assert along(surface_of(3), "lr").at == ()
        assert along(surface_of(20), "other").at == ()


class TestOver:
    def test_a_grid_of_means(self) -> None:
        found = over(surface_of(50), "lr", "depth")
        assert len(found.x_at) == 24
        assert found.y_at == (1, 2, 3, 4, 5)
        assert len(found.mean) == 5
        assert {len(row) for row in found.mean} == {24}
        j, i = np.unravel_index(int(np.argmin(found.mean)), (5, 24))
        best = found.x_at[int(i)]
        assert isinstance(best, float)
        assert math.log10(best) == pytest.approx(-2.0, abs=0.3)
        assert found.y_at[int(j)] == 5

    def test_the_other_way_round_is_the_same_picture(self) -> None:
        found = surface_of(50)
        one, other = over(found, "lr", "depth"), over(found, "depth", "lr")
        assert np.allclose(np.array(one.mean), np.array(other.mean).T)

    def test_nothing_without_a_model_or_a_second_parameter(self) -> None:
        assert over(surface_of(3), "lr", "depth").mean == ()
        assert over(surface_of(20), "lr", "lr").mean == ()
