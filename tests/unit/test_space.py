"""The space where single figures say it best."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from swept.space import Parameter, Space, same
from swept.spec import parse_mapping


def space(**parameters: Any) -> Space:
    return parse_mapping({"method": "random", "parameters": parameters}).space


def one(entry: dict[str, Any]) -> Parameter:
    return space(x=entry).parameters[0]


def test_numeric_categories_are_ordered_by_size_and_keep_the_files_order_in_the_grid() -> None:
    parameter = one({"values": [5, 1, 3]})
    assert parameter.ordered
    assert [parameter.to_unit(value) for value in (1, 3, 5)] == pytest.approx([1 / 6, 1 / 2, 5 / 6])
    assert list(parameter.grid_values()) == [5, 1, 3]


def test_texts_have_no_order() -> None:
    parameter = one({"values": ["sgd", "adam", 3]})
    assert not parameter.ordered
    assert parameter.from_unit(0.0) == "sgd"
    assert parameter.at_most(10) is None


def test_true_is_not_one() -> None:
    parameter = one({"values": [True, 1, 0]})
    assert parameter.levels == 3
    assert parameter.typed(1.0) == 1
    assert type(parameter.typed(1.0)) is int
    assert not same(True, 1)
    assert same([1, {"a": 2.0}], [1.0, {"a": 2}])


def test_numbers_outside_of_the_bounds_have_a_coordinate_and_are_not_contained() -> None:
    parameter = one({"min": 0.0, "max": 10.0})
    assert parameter.to_unit(12) == pytest.approx(1.2)
    assert not parameter.contains(12)
    logarithmic = one({"distribution": "log_uniform_values", "min": 0.01, "max": 1.0})
    assert logarithmic.to_unit(0.0001) == pytest.approx(-1.0)
    assert math.isnan(logarithmic.to_unit(0))


@pytest.mark.parametrize("value", ["5", None, True, math.nan, math.inf, [5], 5.5])
def test_what_is_no_value_of_an_integer_has_no_coordinate(value: Any) -> None:
    parameter = one({"min": 1, "max": 9})
    assert math.isnan(parameter.to_unit(value))
    assert not parameter.contains(value)
    assert parameter.typed(value) is value


def test_five_point_zero_is_the_integer_five() -> None:
    parameter = one({"min": 1, "max": 9})
    assert parameter.contains(5.0)
    assert type(parameter.typed(5.0)) is int
    assert type(one({"min": 1.0, "max": 9.0}).typed(5)) is float


def test_exponents_become_values() -> None:
    parameter = one({"distribution": "log_uniform", "min": -2, "max": 0})
    assert parameter.distribution == "log_uniform_values"
    assert (parameter.low, parameter.high) == pytest.approx((math.exp(-2), 1.0))
    inverse = one({"distribution": "inv_log_uniform", "min": 0, "max": 2})
    assert (inverse.low, inverse.high) == pytest.approx((math.exp(-2), 1.0))


def test_values_that_stand_there_twice_are_drawn_twice_as_often() -> None:
    parameter = one({"values": ["a", "b", "b", "b"]})
    assert parameter.values == ("a", "b")
    rng = np.random.default_rng(0)
    draws = [parameter.sample(rng) for _ in range(2000)]
    assert 0.70 < draws.count("b") / len(draws) < 0.80


def test_probabilities_are_obeyed_and_zero_means_never() -> None:
    parameter = one({"values": ["a", "b", "c"], "probabilities": [0.25, 0.0, 0.75]})
    rng = np.random.default_rng(0)
    draws = [parameter.sample(rng) for _ in range(2000)]
    assert "b" not in draws
    assert 0.70 < draws.count("c") / len(draws) < 0.80


def test_one_value_is_a_constant() -> None:
    found = space(x={"values": [3]}, y={"min": 0, "max": 1})
    assert found.dimension == 1
    assert found.fixed == {"x": 3}


def test_nested_and_dotted_names_are_different_keys_of_a_config() -> None:
    found = space(**{"a.b": {"values": [1, 2]}, "c": {"parameters": {"d": {"values": [3, 4]}}}})
    assert [parameter.name for parameter in found] == ["a.b", "c.d"]
    assert found.from_unit([0.0, 0.99]) == {"a.b": 1, "c": {"d": 4}}
    assert found.get({"a.b": 1, "c": {"d": 4}}, "c.d") == 4
    assert found.get({"c.d": 3}, "c.d") == 3, "programs report flat configs too"


def test_values_are_copies() -> None:
    found = space(x={"values": [[1], [2]]}, y={"value": {"deep": [1]}})
    config = found.from_unit([0.0])
    config["x"].append(9)
    config["y"]["deep"].append(9)
    assert found.from_unit([0.0]) == {"x": [1], "y": {"deep": [1]}}


@pytest.mark.parametrize(
    ("entry", "limit", "value"),
    [
        ({"values": [16, 32, 64]}, 48, 32),
        ({"values": [16, 32, 64]}, 8, None),
        ({"min": 8, "max": 64}, 47.9, 47),
        ({"min": 8, "max": 64}, 100, 64),
        ({"distribution": "q_uniform", "min": 8, "max": 64, "q": 8}, 48.0, 48),
        ({"distribution": "q_uniform", "min": 8, "max": 64, "q": 8}, 47.0, 40),
        ({"min": 0.1, "max": 0.5}, 0.3, 0.3),
    ],
)
def test_at_most_goes_down_to_the_next_value(
    entry: dict[str, Any], limit: float, value: object
) -> None:
    assert one(entry).at_most(limit) == value


def test_the_grid_goes_by_name_level_by_level_and_the_last_varies_fastest() -> None:
    found = space(b={"values": [1, 2]}, a={"min": 0, "max": 1}, c={"value": "k"})
    points = list(found.grid_points())
    assert points == [{"a": a, "b": b, "c": "k"} for a in (0, 1) for b in (1, 2)]
    assert found.grid(3) == points[3]


def test_a_continuous_parameter_has_no_grid() -> None:
    assert space(x={"min": 0.0, "max": 1.0}).grid_size() is None
