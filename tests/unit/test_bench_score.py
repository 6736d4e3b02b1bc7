"""The yardsticks of the search benchmark."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score import (
    Cells,
    Interval,
    at_spent,
    at_time,
    average_ranks,
    best_peer,
    common,
    difference,
    mean_to_reach,
    ratio,
    to_reach,
    verdict,
)

TRACE = [(2.0, 1.0, 0.8), (5.0, 3.0, 0.4), (9.0, 5.0, 0.1)]
regrets = st.floats(0, 1)
tables = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(0, 4)), regrets, min_size=1, max_size=12
)


def cells(*values: float) -> Cells:
    return {("task", seed): value for seed, value in enumerate(values)}


def test_a_trace_is_read_at_and_between_its_rows() -> None:
    assert [at_spent(TRACE, spent) for spent in (1, 2, 4.9, 5, 100)] == [1.0, 0.8, 0.8, 0.4, 0.1]
    assert [at_time(TRACE, time) for time in (0, 1, 4, 5)] == [1.0, 0.8, 0.4, 0.1]
    assert at_spent([], 10) == 1.0


def test_what_is_never_reached_costs_the_budget() -> None:
    assert to_reach(TRACE, 0.4, 20) == 5
    assert to_reach(TRACE, 0.05, 20) == 20
    assert mean_to_reach([TRACE], 0.05, 20) == 20


def test_the_mean_of_traces_reaches_a_level_where_one_of_them_gains() -> None:
    other = [(1.0, 1.0, 0.6), (6.0, 6.0, 0.0)]
    assert mean_to_reach([TRACE, other], 0.7, 20) == 2
    assert mean_to_reach([TRACE, other], 0.2, 20) == 6


@given(st.lists(st.tuples(st.floats(0, 50), regrets), max_size=8), regrets)
def test_a_single_trace_is_its_own_mean(rows: list[tuple[float, float]], level: float) -> None:
    best, trace = math.inf, []
    for spent, regret in sorted(rows):
        if regret < best:
            best = regret
            trace.append((spent, spent, regret))
    assert mean_to_reach([trace], level, 50) == to_reach(trace, level, 50)


def test_differences_are_paired() -> None:
    """A constant gain on cells that differ widely is certain; unpaired, it would drown."""
    theirs = cells(0.1, 0.9, 0.5, 0.3, 0.7)
    ours = {cell: value - 0.05 for cell, value in theirs.items()}
    found = difference(ours, theirs)
    assert (found.mean, found.low, found.high) == pytest.approx((-0.05, -0.05, -0.05))
    assert verdict(found) == "ahead"
    assert verdict(difference(theirs, ours)) == "behind"


def test_a_gain_in_half_of_the_cells_is_noise() -> None:
    found = difference(cells(0.1, 0.3, 0.1, 0.3), cells(0.2, 0.2, 0.2, 0.2))
    assert found.low < 0 < found.high
    assert verdict(found) == "within noise"


def test_a_few_cells_prove_nothing() -> None:
    found = difference(cells(0.1, 0.1), cells(0.9, 0.9))
    assert verdict(found) == "not compared"
    assert not found.ahead


def test_only_common_cells_count() -> None:
    ours, theirs = {("a", 0): 0.1, ("a", 1): 0.9}, {("a", 0): 0.2, ("b", 0): 0.0}
    assert common(ours, theirs) == [("a", 0)]
    assert difference(ours, theirs).n == 1
    assert verdict(difference(ours, {("b", 0): 0.0})) == "not compared"


@settings(max_examples=30)
@given(tables, tables)
def test_an_interval_turns_with_the_sign(a: Cells, b: Cells) -> None:
    found, back = difference(a, b), difference(b, a)
    if found.n:
        assert found.low <= found.high
        assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_ratios_are_of_means() -> None:
    found = ratio(cells(0.1, 0.3), cells(0.4, 0.4))
    assert found.mean == pytest.approx(0.5)
    assert found.low <= 0.5 <= found.high
    assert math.isnan(ratio(cells(0.1), cells(0.0)).mean)


def test_ranks_share_ties_and_need_common_cells() -> None:
    ranks = average_ranks({"x": cells(0.1, 0.2), "y": cells(0.1, 0.3), "z": cells(0.5, 0.1)})
    assert ranks == {"x": 1.75, "y": 2.25, "z": 2.0}
    assert math.isnan(average_ranks({"x": {("a", 0): 1.0}, "y": {("b", 0): 1.0}})["x"])


@given(st.dictionaries(st.sampled_from("vwxyz"), tables, min_size=1))
def test_ranks_sum_to_those_of_a_full_table(found: dict[str, Cells]) -> None:
    ranks = average_ranks(found)
    if common(*found.values()):
        assert sum(ranks.values()) == pytest.approx(len(found) * (len(found) + 1) / 2)


def test_the_best_peer_is_another_method() -> None:
    found = {"swept": cells(0.0), "a": cells(0.2), "b": cells(0.1)}
    assert best_peer(found, "swept") == "b"
    assert best_peer({"swept": cells(0.0)}, "swept") is None


def test_the_same_cells_give_the_same_interval() -> None:
    ours, theirs = cells(0.1, 0.2, 0.6), cells(0.3, 0.1, 0.2)
    assert difference(ours, theirs) == difference(ours, theirs)
    assert isinstance(difference(ours, theirs), Interval)
