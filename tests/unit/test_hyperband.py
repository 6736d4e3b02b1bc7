"""Hyperband's rungs and verdicts on plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from swept.stopping.hyperband import LAST_RUNG, judge, reports, rungs, thresholds


@dataclass(frozen=True)
class Rules:
    min_iter: int | None = None
    max_iter: int | None = None
    s: float | None = None
    eta: float = 3
    strict: bool = True


@pytest.mark.parametrize(
    ("rules", "first"),
    [
        (Rules(min_iter=30, eta=2), [30, 60, 120]),
        (Rules(min_iter=3), [3, 9, 27]),
        (Rules(min_iter=1, eta=1.5), [1, 1, 2, 3, 5]),
        (Rules(max_iter=27, s=2), [3, 9]),
        (Rules(max_iter=27, s=9), [1, 3, 9]),
        (Rules(max_iter=100, s=3, eta=2), [12, 25, 50]),
        (Rules(max_iter=2, s=3), []),
        (Rules(), []),
    ],
)
def test_rungs(rules: Rules, first: list[int]) -> None:
    found = rungs(rules)
    assert found[: len(first)] == first
    assert bool(found) == bool(first)


def test_s_has_no_effect_beside_min_iter() -> None:
    assert rungs(Rules(min_iter=30, eta=2, s=3)) == rungs(Rules(min_iter=30, eta=2))


def test_max_iter_wins_over_min_iter() -> None:
    assert rungs(Rules(min_iter=5, max_iter=27, s=2)) == [3, 9]


def test_rungs_end_before_they_overflow() -> None:
    assert max(rungs(Rules(min_iter=10, eta=1e200))) <= LAST_RUNG


def test_a_tie_with_the_threshold_goes_on() -> None:
    rules = Rules(min_iter=2, eta=2)
    curves = [[1.0, 5.0], [1.0, 5.0], [1.0, 6.0]]
    levels = thresholds(rules, curves)
    assert levels == [(2, 5.0, 3)]
    verdicts = [judge(rules, levels, curve) for curve in curves]
    assert [verdict is not None and verdict.stop for verdict in verdicts] == [False, False, True]


def test_before_the_first_rung_nothing_is_judged() -> None:
    rules = Rules(min_iter=3, eta=2)
    levels = thresholds(rules, [[1.0, 1.0, 1.0], [9.0]])
    assert judge(rules, levels, [9.0]) is None


def test_without_strict_an_earlier_best_saves_a_run() -> None:
    curves = [[1.0, 3.0], [0.5, 4.0], [2.0, 2.0]]
    strict, lenient = Rules(min_iter=2, eta=3), Rules(min_iter=2, eta=3, strict=False)
    levels = thresholds(strict, curves)
    judged, spared = judge(strict, levels, curves[1]), judge(lenient, levels, curves[1])
    assert judged is not None
    assert judged.stop
    assert spared is not None
    assert not spared.stop


def test_reports_that_are_not_finite_do_not_count() -> None:
    assert reports([1.0, float("nan"), float("inf"), 2.0], -1.0) == [-1.0, -2.0]
