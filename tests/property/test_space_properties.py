"""The space: between values and the unit cube, draws, the grid; and specs that survive their canonical form."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from swept.errors import Problem, SpecError
from swept.space import Parameter, Space
from swept.spec import Spec, from_canonical, parse, parse_mapping

# a CI machine under load may take long over one example
relaxed = settings(deadline=None, max_examples=150)

finite = st.floats(-1e6, 1e6, allow_nan=False)
positive = st.floats(1e-6, 1e6)
steps = st.one_of(st.integers(1, 20), st.floats(0.01, 20))
scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), finite, st.text(max_size=4))


def bounds(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return (
        st.tuples(numbers, numbers)
        .filter(lambda pair: pair[0] < pair[1])
        .map(lambda pair: {"min": pair[0], "max": pair[1]})
    )


def with_step(entry: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(entry, steps).map(lambda pair: {**pair[0], "q": pair[1]})


def named(name: str, entry: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return entry.map(lambda keys: {"distribution": name, **keys})


bell = st.fixed_dictionaries({"mu": st.floats(-5, 5), "sigma": st.floats(0.01, 5)})
shape = st.fixed_dictionaries({"a": st.floats(0.3, 20), "b": st.floats(0.3, 20)})
exponents = bounds(st.floats(-10, 10)).filter(lambda b: b["max"] - b["min"] > 1e-3)
wide = bounds(finite).filter(lambda b: b["max"] - b["min"] > 1e-3)
logs = bounds(positive).filter(lambda b: b["max"] / b["min"] > 1.001)
categories = st.lists(scalars, min_size=2, max_size=6).map(lambda values: {"values": values})


@st.composite
def weighted(draw: st.DrawFn) -> dict[str, Any]:
    values = draw(st.lists(scalars, min_size=2, max_size=6))
    weights = draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values)))
    assume(sum(weights) > 0)
    return {"values": values, "probabilities": [w / sum(weights) for w in weights]}


numeric = st.one_of(
    bounds(st.integers(-1000, 1000)),
    named("uniform", wide),
    named("q_uniform", with_step(wide)),
    named("log_uniform", exponents),
    named("inv_log_uniform", exponents),
    named("log_uniform_values", logs),
    named("inv_log_uniform_values", logs),
    named("q_log_uniform", with_step(exponents)),
    named("q_log_uniform_values", with_step(logs)),
    named("normal", bell),
    named("q_normal", with_step(bell)),
    named("log_normal", bell),
    named("q_log_normal", with_step(bell.filter(lambda b: b["mu"] + 6 * b["sigma"] < 30))),
    named("beta", shape),
    named("q_beta", with_step(shape)),
)
entries = st.one_of(numeric, categories, weighted())
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,5}", fullmatch=True)
groups = st.recursive(
    st.dictionaries(
        names, st.one_of(entries, scalars.map(lambda v: {"value": v})), min_size=1, max_size=4
    ),
    lambda inner: st.dictionaries(
        names,
        st.one_of(entries, inner.map(lambda group: {"parameters": group})),
        min_size=1,
        max_size=3,
    ),
    max_leaves=3,
)
grid_steps = st.one_of(
    bounds(st.integers(-3, 3)),
    st.sampled_from([{"distribution": "q_uniform", "min": 0.1, "max": 1.0, "q": 0.3}]),
)
unit = st.floats(0, 1)


def space_of(parameters: dict[str, Any]) -> Space:
    return parse_mapping({"method": "random", "parameters": parameters}).space


def parameter_of(entry: dict[str, Any]) -> Parameter:
    space = space_of({"x": entry})
    assume(space.dimension == 1)
    return space.parameters[0]


@relaxed
@given(entries, unit)
def test_every_point_is_a_value_of_the_domain_and_comes_back(
    entry: dict[str, Any], u: float
) -> None:
    parameter = parameter_of(entry)
    value = parameter.from_unit(u)
    assert parameter.contains(value)
    back = parameter.to_unit(value)
    assert 0.0 <= back <= 1.0
    again = parameter.from_unit(back)
    if parameter.kind == "real" and parameter.q is None:
        least, most = parameter.range
        assert math.isclose(again, value, rel_tol=1e-5, abs_tol=1e-7 * max(most - least, 1e-300))
    elif parameter.kind == "real":
        assert math.isclose(again, value, rel_tol=1e-9, abs_tol=1e-9)
    else:
        assert again == value
    assert type(again) is type(value)


@relaxed
@given(entries, st.integers(0, 2**32))
def test_draws_lie_in_the_domain(entry: dict[str, Any], seed: int) -> None:
    parameter = parameter_of(entry)
    rng = np.random.default_rng(seed)
    for _ in range(5):
        value = parameter.sample(rng)
        assert parameter.contains(value)
        assert parameter.typed(value) == value
        assert not isinstance(value, np.generic)


@relaxed
@given(numeric, unit, unit)
def test_the_unit_scale_keeps_the_order(entry: dict[str, Any], u: float, v: float) -> None:
    parameter = parameter_of(entry)
    low, high = sorted((u, v))
    assert parameter.from_unit(low) <= parameter.from_unit(high)


finite_domains = st.one_of(categories, weighted(), bounds(st.integers(-20, 20)))


@relaxed
@given(finite_domains)
def test_finite_domains_have_as_many_values_as_levels(entry: dict[str, Any]) -> None:
    parameter = parameter_of(entry)
    levels = parameter.levels
    assert levels is not None
    found = [parameter.from_unit((i + 0.5) / levels) for i in range(levels)]
    assert len({json.dumps(value) for value in found}) == levels
    assert parameter.from_unit(0.0) == found[0]
    assert parameter.from_unit(1.0) == found[-1]


@relaxed
@given(numeric, finite)
def test_the_next_lower_value_is_the_largest_one_below(entry: dict[str, Any], limit: float) -> None:
    parameter = parameter_of(entry)
    value = parameter.at_most(limit)
    least, most = parameter.range
    if value is None:
        assert limit < least
        return
    assert parameter.contains(value)
    tolerance = 1e-6 * max(abs(limit), parameter.q or 0.0)
    assert value <= limit + tolerance
    step = 1 if parameter.distribution == "int_uniform" else parameter.q or 0.0
    assert min(limit, most) - value <= step + tolerance


@relaxed
@given(groups, st.data())
def test_configs_go_to_the_cube_and_back(group: dict[str, Any], data: st.DataObject) -> None:
    space = space_of(group)
    u = data.draw(st.lists(unit, min_size=space.dimension, max_size=space.dimension))
    config = space.from_unit(u)
    assert space.contains(config)
    assert space.typed(config) == config
    assert space.to_unit(config).shape == (space.dimension,)
    assert not np.isnan(space.to_unit(config)).any()
    for name, value in space.fixed.items():
        assert space.get(config, name) == value
    for parameter in space:
        changed = space.put(config, parameter.name, "other")
        assert space.get(changed, parameter.name) == "other"
        assert space.get(config, parameter.name) != "other" or parameter.kind == "categorical"


@relaxed
@given(st.dictionaries(names, st.one_of(categories, grid_steps), min_size=1, max_size=3))
def test_the_grid_visits_each_point_once(group: dict[str, Any]) -> None:
    space = parse_mapping({"method": "grid", "parameters": {"g": {"parameters": group}}}).space
    size = space.grid_size()
    assert size is not None
    points = [json.dumps(point, sort_keys=True) for point in space.grid_points()]
    assert len(points) == size
    assert len(set(points)) == size


# -- the spec -------------------------------------------------------------------------------------


def shuffled(value: Any) -> Any:
    """The same with every mapping's keys the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


def spec_of(group: dict[str, Any]) -> tuple[Spec, dict[str, Any]]:
    mapping = {
        "program": "train.py",
        "method": "random",
        "metric": {"name": "loss", "goal": "minimize"},
        "early_terminate": {"type": "hyperband", "min_iter": 3},
        "parameters": group,
        "swept": {"budget": {"runs": 9}, "targets": {"good": 0.1}, "retries": 1, "epochs": 12},
    }
    return parse_mapping(mapping), mapping


@relaxed
@given(groups)
def test_the_canonical_form_says_everything(group: dict[str, Any]) -> None:
    spec, _ = spec_of(group)
    again = from_canonical(json.loads(json.dumps(spec.canonical())))
    assert again == spec
    assert again.hash == spec.hash
    assert again.canonical() == spec.canonical()


@relaxed
@given(groups)
def test_the_hash_does_not_know_the_order_of_keys(group: dict[str, Any]) -> None:
    spec, mapping = spec_of(group)
    assert parse_mapping(shuffled(mapping)).hash == spec.hash
    assert parse(json.dumps(mapping)).hash == spec.hash


@relaxed
@given(groups)
def test_another_sweep_has_another_hash(group: dict[str, Any]) -> None:
    spec, mapping = spec_of(group)
    other = parse_mapping({**mapping, "parameters": {**group, "extra": {"values": [1, 2]}}})
    assert other.hash != spec.hash


def told(read: Callable[[], Spec]) -> tuple[Problem, ...]:
    """The problems that `read` tells; anything but a SpecError gets through."""
    try:
        return read().warnings
    except SpecError as error:
        return error.problems


junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.binary(max_size=3),
        st.just(10**400),
        st.just(np.float64("nan")),
        st.sampled_from(["hyperband", "bayes", "ultralytics", "lr0", "converged", "${args}"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.text(max_size=5),
                st.integers(0, 3),
                st.sampled_from(
                    [
                        "method",
                        "metric",
                        "name",
                        "goal",
                        "target",
                        "parameters",
                        "values",
                        "value",
                        "min",
                        "max",
                        "q",
                        "mu",
                        "sigma",
                        "a",
                        "b",
                        "distribution",
                        "probabilities",
                        "early_terminate",
                        "type",
                        "min_iter",
                        "max_iter",
                        "s",
                        "eta",
                        "command",
                        "swept",
                        "adapter",
                        "baseline",
                        "targets",
                        "budget",
                        "runs",
                        "hours",
                        "until",
                        "oom",
                        "reduce",
                        "factor",
                        "epochs",
                        "seed",
                        "prior",
                        "constraints",
                        "noise",
                        "repeats",
                        "lr0",
                        "close_mosaic",
                        "resources",
                        "keep",
                    ]
                ),
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=25,
)


@settings(deadline=None, max_examples=600)
@given(junk, junk, junk)
def test_junk_is_told_never_thrown(parameters: Any, swept: Any, rest: Any) -> None:
    mapping = {"method": "bayes", "parameters": parameters, "swept": swept}
    if isinstance(rest, dict):
        mapping |= {key: value for key, value in rest.items() if key not in mapping}
    for candidate in (rest, mapping):
        problems = told(partial(parse_mapping, candidate))
        assert all(problem.message for problem in problems)


_SNIPPETS = (
    *("method: ", "bayes", "parameters:", "lr0", "1e-3", "\n", "  ", "\t", "- ", ": ", "? "),
    *("{", "}", "[", "]", "'", '"', "|", "#", "&a ", "*a", "<<: ", "!!set ", "!x ", "\x00"),
)


@settings(deadline=None, max_examples=400)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(_SNIPPETS),
            max_size=14,
        ).map("".join),
    )
)
def test_junk_texts_are_told_never_thrown(text: str) -> None:
    assert all(problem.message for problem in told(partial(parse, text)))
