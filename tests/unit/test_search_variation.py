"""Variations of good runs: between two of them, near them, and never what a constraint forbids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from swept.models.features import Features
from swept.search.variation import FEWEST, SIZES, variations
from swept.spec import parse_mapping

PARAMETERS = {"a": {"min": 0.0, "max": 1.0}, "b": {"min": 0.0, "max": 1.0}}


def features(**own: Any) -> Features:
    metric = {"name": "loss", "goal": "minimize"}
    sweep = {"method": "bayes", "metric": metric, "parameters": PARAMETERS, "swept": own}
    return Features.of(parse_mapping(sweep))


def test_they_lie_near_good_runs_and_not_near_bad_ones() -> None:
    good = np.array([[0.2, 0.3], [0.25, 0.3], [0.2, 0.35], [0.25, 0.35]])
    bad = np.full((12, 2), 0.95)
    found = variations(features(), np.vstack([good, bad]), np.random.default_rng(0), 200)
    assert found.shape == (200, 2)
    assert ((found >= 0.0) & (found <= 1.0)).all()
    away = np.abs(found - good.mean(axis=0))
    assert np.median(away) < max(SIZES)
    assert np.linalg.norm(found - bad[0], axis=1).min() > 0.1


@pytest.mark.parametrize("runs", range(FEWEST))
def test_of_too_few_runs_there_are_none(runs: int) -> None:
    assert variations(features(), np.zeros((runs, 2)), np.random.default_rng(0), 8).shape == (0, 2)


def test_constraints_hold() -> None:
    given = features(constraints=["a + b <= 1"])
    ranked = np.array([[0.5, 0.5], [0.9, 0.1], [0.1, 0.9], [0.7, 0.3]])
    found = variations(given, ranked, np.random.default_rng(0), 200)
    assert given.feasible(found).all()
    assert (found.sum(axis=1) <= 1.0 + 1e-9).all()
