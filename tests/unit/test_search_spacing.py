"""How far suggestions keep from what was tried, and what tells them to go nearer."""

from __future__ import annotations

import numpy as np
import pytest

from swept.model import Config, History, RunState
from swept.models.features import Features
from swept.search.spacing import radius, share_kept
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.testing.search_contract import extend, started

NAMES = ("a", "b", "c", "d")
CELLS = 4


def spec() -> Spec:
    parameters = {name: {"min": 0.0, "max": 1.0} for name in NAMES}
    metric = {"name": "loss", "goal": "minimize"}
    return parse_mapping({"method": "bayes", "metric": metric, "parameters": parameters})


def cell(config: Config) -> tuple[int, ...]:
    return tuple(min(int(CELLS * config[name]), CELLS - 1) for name in NAMES)


def worth(config: Config) -> float:
    """As a table has it: each cell has one value, the best in the middle."""
    return float(sum((i - 2) ** 2 for i in cell(config)))


def test_where_near_runs_say_nothing_new_it_looks_elsewhere() -> None:
    sweep, history, seen = spec(), History(), set[tuple[int, ...]]()
    while len(history.runs) < 30:
        starts = started(suggest(sweep, history, 1, seed=3))
        seen.add(cell(starts[0].config))
        history = extend(history, starts, RunState.FINISHED, lambda start: (worth(start.config),))
    assert len(seen) >= 17


def test_a_close_run_that_is_better_brings_the_next_ones_nearer() -> None:
    X = np.array([[0.5], [0.4], [0.35]])
    assert share_kept(X[:1], np.array([1.0]), 0.1) == 1.0
    assert share_kept(X[:2], np.array([1.0, 0.5]), 0.1) == 0.25
    assert (
        share_kept(X, np.array([1.0, 0.5, 0.6]), 0.1) == 0.25
    )  # not close, as near as it may now be
    assert share_kept(np.array([[0.5], [0.4], [0.38]]), np.array([1.0, 0.5, 0.6]), 0.1) == 0.5


def test_neither_a_repetition_nor_a_run_far_away_says_whether_it_pays_to_go_near() -> None:
    assert share_kept(np.array([[0.5], [0.5]]), np.array([1.0, 0.5]), 0.1) == 1.0
    assert share_kept(np.array([[0.5], [0.9]]), np.array([1.0, 0.5]), 0.1) == 1.0


def test_a_distance_is_known_however_many_parameters_there_are() -> None:
    parameters = {f"p{i}": {"min": 0.0, "max": 1.0} for i in range(400)}
    metric = {"name": "loss", "goal": "minimize"}
    many = parse_mapping({"method": "bayes", "metric": metric, "parameters": parameters})
    assert radius(Features.of(many), tried=1000, wide=0.1) == pytest.approx(0.1 * 20.0)
    assert radius(Features.of(spec()), tried=10**6, wide=0.1) < 0.05
