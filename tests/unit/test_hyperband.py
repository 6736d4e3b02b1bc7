"""Hyperband: its rungs, its verdicts on plain numbers, and what `decide` makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swept.model import Decision, Desired, History, Kind, Run, RunState, Start
from swept.spec import Spec, parse_mapping
from swept.stopping.decide import decide, promotions
from swept.stopping.hyperband import LAST_RUNG, judge, reports, rungs, thresholds
from swept.sweepfile.schema import Hyperband
from swept.testing.search_contract import as_run


@pytest.mark.parametrize(
    ("rules", "first"),
    [
        (Hyperband(min_iter=30, eta=2), [30, 60, 120]),
        (Hyperband(min_iter=3), [3, 9, 27]),
        (Hyperband(min_iter=1, eta=1.5), [1, 1, 2, 3, 5]),
        (Hyperband(max_iter=27, s=2), [3, 9]),
        (Hyperband(max_iter=27, s=9), [1, 3, 9]),
        (Hyperband(max_iter=100, s=3, eta=2), [12, 25, 50]),
        (Hyperband(max_iter=2, s=3), []),
        (Hyperband(), []),
    ],
)
def test_rungs(rules: Hyperband, first: list[int]) -> None:
    found = rungs(rules)
    assert found[: len(first)] == first
    assert bool(found) == bool(first)


def test_s_has_no_effect_beside_min_iter() -> None:
    assert rungs(Hyperband(min_iter=30, eta=2, s=3)) == rungs(Hyperband(min_iter=30, eta=2))


def test_max_iter_wins_over_min_iter() -> None:
    assert rungs(Hyperband(min_iter=5, max_iter=27, s=2)) == [3, 9]


def test_rungs_end_before_they_overflow() -> None:
    assert max(rungs(Hyperband(min_iter=10, eta=1e200))) <= LAST_RUNG


def test_a_tie_with_the_threshold_goes_on() -> None:
    rules = Hyperband(min_iter=2, eta=2)
    curves = [[1.0, 5.0], [1.0, 5.0], [1.0, 6.0]]
    levels = thresholds(rules, curves)
    assert levels == [(2, 5.0, 3)]
    verdicts = [judge(rules, levels, curve) for curve in curves]
    assert [verdict is not None and verdict.stop for verdict in verdicts] == [False, False, True]


def test_before_the_first_rung_nothing_is_judged() -> None:
    rules = Hyperband(min_iter=3, eta=2)
    levels = thresholds(rules, [[1.0, 1.0, 1.0], [9.0]])
    assert judge(rules, levels, [9.0]) is None


def test_without_strict_an_earlier_best_saves_a_run() -> None:
    curves = [[1.0, 3.0], [0.5, 4.0], [2.0, 2.0]]
    strict, lenient = Hyperband(min_iter=2, eta=3), Hyperband(min_iter=2, eta=3, strict=False)
    levels = thresholds(strict, curves)
    judged, spared = judge(strict, levels, curves[1]), judge(lenient, levels, curves[1])
    assert judged is not None
    assert judged.stop
    assert spared is not None
    assert not spared.stop


def test_reports_that_are_not_finite_do_not_count() -> None:
    assert reports([1.0, float("nan"), float("inf"), 2.0], -1.0) == [-1.0, -2.0]


# -- decide -----------------------------------------------------------------------------------------


def spec(goal: str = "maximize", **top: object) -> Spec:
    stopping = {"type": "hyperband", "min_iter": 3, "eta": 2}
    return parse_mapping(
        {
            "method": "random",
            "metric": {"name": "mAP50", "goal": goal},
            "parameters": {"a": {"min": 0.0, "max": 1.0}},
            "early_terminate": stopping,
            **top,
        }
    )


def run(number: int, *values: float, kind: Kind = Kind.SEARCH) -> Run:
    return as_run(number, Start(kind, {"a": 0.5}, 1, {"reason": "drawn"}), RunState.RUNNING, values)


GOOD = tuple(replace(run(i, 0.1, 0.3, 0.45 + i / 100), state=RunState.FINISHED) for i in (1, 2, 3))


def test_the_reason_has_the_figures() -> None:
    (decision,) = decide(spec(), History((*GOOD, run(4, 0.1, 0.2, 0.412))))
    assert decision == Decision(
        "run-4",
        Desired.STOP,
        "step 2 (report 3): mAP50 0.412 is below the 0.46 of the best half of 4 runs at this rung",
        step=2,
    )


def test_where_the_epochs_are_known_it_says_epoch() -> None:
    sweep = spec(swept={"epochs": 9})
    (decision,) = decide(sweep, History((*GOOD, run(4, 0.1, 0.2, 0.412))))
    assert decision.reason.startswith("epoch 2 (report 3): mAP50 0.412")


def test_a_run_that_has_reported_its_last_step_is_let_finish() -> None:
    """A rung at the last epoch saves nothing, and would keep a whole training out of the ranking."""
    last = run(4, 0.1, 0.2, 0.412)
    assert decide(spec(swept={"epochs": 3}), History((*GOOD, last))) == []
    from_one = replace(last, curve=tuple(replace(p, step=p.step + 1) for p in last.curve))
    assert decide(spec(swept={"epochs": 3}), History((*GOOD, from_one))) == []
    assert len(decide(spec(swept={"epochs": 4}), History((*GOOD, from_one)))) == 1


def test_figures_that_differ_late_are_shown_until_they_differ() -> None:
    pair = (run(1, 0.0, 0.0, 0.4000001), run(2, 0.0, 0.0, 0.4))
    (decision,) = decide(spec(), History((*pair, run(3, 0.0, 0.0, 0.4000001))))
    assert "mAP50 0.4 is below the 0.4000001 " in decision.reason


def test_a_decision_is_given_once() -> None:
    told = replace(run(4, 0.1, 0.2, 0.1), desired=Desired.STOP)
    assert decide(spec(), History((*GOOD, told))) == []


@pytest.mark.parametrize("kind", [Kind.BASELINE, Kind.REPEAT, Kind.CONFIRM])
def test_only_search_runs_are_stopped_and_the_others_count(kind: Kind) -> None:
    other = run(4, 0.1, 0.2, 0.1, kind=kind)
    assert decide(spec(), History((*GOOD, other))) == []
    better = [run(number, 0.1, 0.2, 0.9, kind=kind) for number in (4, 5, 6)]
    poor = run(7, 0.1, 0.2, 0.46)
    assert decide(spec(), History((*GOOD, poor))) == []
    assert [d.run for d in decide(spec(), History((*GOOD, *better, poor)))] == ["run-7"]


def test_runs_of_another_fidelity_do_not_count() -> None:
    final = [run(number, 0.1, 0.2, 0.9, kind=Kind.FINAL) for number in (4, 5, 6)]
    assert decide(spec(), History((*GOOD, *final, run(7, 0.1, 0.2, 0.46)))) == []


def test_runs_from_before_a_change_of_the_constants_do_not_count() -> None:
    parameters = {"a": {"min": 0.0, "max": 1.0}, "epochs": {"value": 20}}
    poor = replace(run(7, 0.1, 0.2, 0.1), spec_version=2)
    history = History((*GOOD, poor), spec_version=2)
    assert decide(spec(parameters=parameters), history) == []
    assert [decision.run for decision in decide(spec(), history)] == ["run-7"]


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.RUNNING])
def test_runs_that_do_not_run_are_left_alone(state: RunState) -> None:
    assert decide(spec(), History((*GOOD, replace(run(4, 0.1, 0.2, 0.1), state=state)))) == []


def test_a_step_that_was_not_finite_does_not_count_as_a_report() -> None:
    nan = float("nan")
    assert decide(spec(), History((*GOOD, run(4, 0.1, nan, 0.1)))) == []
    (decision,) = decide(spec(), History((*GOOD, run(4, 0.1, nan, 0.1, 0.2))))
    assert decision.reason.startswith("step 3 (report 3): mAP50 0.2 ")


def test_hyperband_continues_nothing_and_without_it_nothing_is_decided() -> None:
    history = History((*GOOD, run(4, 0.1, 0.2, 0.1)))
    assert promotions(spec(), history) == ()
    assert decide(replace(spec(), early_terminate=None), history) == []
