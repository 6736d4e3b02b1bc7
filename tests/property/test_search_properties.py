"""For any space and any history: `suggest` answers, inside the space, the same each time, within the budget."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from swept.model import Done, History, Kind, RunState, Start, Wait
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.testing.search_contract import as_run, started

PARAMETERS = st.one_of(
    st.sampled_from(
        [
            {"min": 0.0, "max": 1.0},
            {"min": 1, "max": 3},
            {"min": -5, "max": 100_000_000},
            {"distribution": "log_uniform_values", "min": 1e-12, "max": 1e12},
            {"distribution": "q_log_uniform_values", "min": 1, "max": 1000, "q": 4},
            {"distribution": "q_normal", "mu": 0.0, "sigma": 1.0, "q": 0.5},
            {"distribution": "log_normal", "mu": 0.0, "sigma": 3.0},
            {"distribution": "q_beta", "a": 0.5, "b": 0.5, "q": 0.1},
            {"value": None},
            {"parameters": {"inner": {"values": [[1], [2]]}}},
        ]
    ),
    st.lists(
        st.one_of(st.integers(0, 5), st.text(max_size=2), st.none(), st.booleans()),
        min_size=1,
        max_size=6,
        unique_by=repr,
    ).map(lambda values: {"values": values}),
)
VALUES = st.lists(
    st.one_of(st.floats(), st.floats(-1, 1), st.sampled_from([0.0, 1.0, math.nan])), max_size=3
)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    method = draw(st.sampled_from(["random", "bayes", "bayes"]))
    parameters: dict[str, Any] = {
        f"p{i}": entry for i, entry in enumerate(draw(st.lists(PARAMETERS, min_size=1, max_size=5)))
    }
    metric = {"name": "m", "goal": draw(st.sampled_from(["minimize", "maximize"]))}
    top: dict[str, Any] = {"method": method, "metric": metric, "parameters": parameters}
    if draw(st.booleans()):
        top["run_cap"] = draw(st.integers(1, 12))
    return parse_mapping(top)


@st.composite
def histories(draw: st.DrawFn, spec: Spec) -> History:
    """Runs suggested by the search itself or of a foreign space, in any state, with any values."""
    history = History()
    for number in range(1, draw(st.integers(1, 14)) + 1):
        starts = started(suggest(replace(spec, run_cap=None), history, 1, seed=number))
        alien = Start(Kind.SEARCH, {"p0": draw(st.floats()), "else": 1}, 1, {})
        start = alien if not starts or draw(st.integers(0, 9)) == 0 else starts[0]
        kind = draw(st.sampled_from([Kind.SEARCH, Kind.SEARCH, Kind.BASELINE, Kind.REPEAT]))
        state = draw(st.sampled_from([*RunState, RunState.FINISHED, RunState.FINISHED]))
        run = as_run(number, replace(start, kind=kind), state, draw(VALUES))
        history = replace(history, runs=(*history.runs, run))
    return history


@given(data=st.data(), n=st.integers(1, 4))
@settings(max_examples=120, deadline=None)
def test_suggest_answers_whatever_happened(data: st.DataObject, n: int) -> None:
    spec = data.draw(specs())
    history = data.draw(histories(spec))
    answer = suggest(spec, history, n, seed=3)
    assert suggest(spec, history, n, seed=3) == answer
    if isinstance(answer, Wait | Done):
        assert answer.why
        return
    assert 1 <= len(answer) <= n
    if spec.max_runs is not None:
        assert history.counted() + len(answer) <= spec.max_runs
    for start in started(answer):
        assert spec.space.contains(start.config)
        assert start.why["reason"]
        assert all(math.isfinite(v) for v in start.why.values() if isinstance(v, float))
