"""What `suggest` does around the methods: baseline, budget, target, seeds, ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from swept.model import Attempt, Done, History, Kind, RunState, Start, Wait
from swept.search.fallback import fallback
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.testing.search_contract import extend, started


def spec(method: str = "random", **top: Any) -> Spec:
    parameters = {"x": {"min": 0.0, "max": 1.0}, "k": {"values": [1, 2, 3]}, "epochs": {"value": 9}}
    metric = {"name": "acc", "goal": "maximize"} | top.pop("metric", {})
    return parse_mapping({"method": method, "metric": metric, "parameters": parameters, **top})


BASELINE = {"baseline": {"x": 0.5, "k": 2}}


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_the_baseline_comes_first_and_nothing_waits_for_it(method: str) -> None:
    first, *others = started(suggest(spec(method, swept=BASELINE), History(), 3, seed=1))
    assert first.kind is Kind.BASELINE
    assert first.config == {"x": 0.5, "k": 2, "epochs": 9}
    assert first.why["strategy"] == "baseline"
    assert [start.kind for start in others] == [Kind.SEARCH, Kind.SEARCH]


@pytest.mark.parametrize("state", list(RunState))
def test_the_baseline_is_suggested_once_whatever_becomes_of_it(state: RunState) -> None:
    sweep = spec(swept=BASELINE)
    history = extend(History(), started(suggest(sweep, History(), 1, seed=1)), state)
    assert started(suggest(sweep, history, 1, seed=1))[0].kind is Kind.SEARCH


def test_a_failed_baseline_is_tried_again_once_a_later_run_has_ended_well() -> None:
    """A missing data set fails the baseline first; after it was mended, the sweep still needs its comparison."""
    sweep = spec(swept=BASELINE)
    history = History()
    kinds = []
    for state in (RunState.FAILED, RunState.FAILED, RunState.FINISHED, RunState.FAILED):
        starts = started(suggest(sweep, history, 1, seed=1))
        kinds.append(starts[0].kind)
        history = extend(history, starts, state)
    assert kinds == [Kind.BASELINE, Kind.SEARCH, Kind.SEARCH, Kind.BASELINE]
    # The second failure was followed by nothing that went well; the third try is the last.
    for state in (RunState.FINISHED, RunState.FAILED, RunState.FINISHED, RunState.FINISHED):
        starts = started(suggest(sweep, history, 1, seed=1))
        kinds.append(starts[0].kind)
        history = extend(history, starts, state)
    assert kinds[4:] == [Kind.SEARCH, Kind.BASELINE, Kind.SEARCH, Kind.SEARCH]


def test_a_baseline_that_was_withdrawn_is_suggested_again() -> None:
    sweep = spec(swept=BASELINE)
    history = extend(History(), started(suggest(sweep, History(), 1, seed=1)), RunState.KILLED)
    withdrawn = replace(history.runs[0], attempts=())
    history = replace(history, runs=(withdrawn,))
    assert started(suggest(sweep, history, 1, seed=1))[0].kind is Kind.BASELINE


def test_budget_counts_the_baseline_and_ends_when_nothing_is_under_way() -> None:
    sweep = spec(swept={**BASELINE, "budget": {"runs": 3}})
    starts = started(suggest(sweep, History(), 10, seed=1))
    assert [start.kind for start in starts] == [Kind.BASELINE, Kind.SEARCH, Kind.SEARCH]
    running = extend(History(), starts, RunState.RUNNING)
    waiting = suggest(sweep, running, 1, seed=1)
    assert waiting == Wait("the budget of 3 runs is used up; 3 under way")
    ended = extend(History(), starts, RunState.FAILED)
    assert suggest(sweep, ended, 1, seed=1) == Done("the budget of 3 runs is used up")


def test_a_person_who_paused_is_waited_for_and_the_search_is_not() -> None:
    sweep = spec(run_cap=1)
    paused = extend(History(), started(suggest(sweep, History(), 1, seed=1)), RunState.PAUSED)
    by_person = replace(paused, runs=(replace(paused.runs[0], paused_by="person"),))
    by_search = replace(paused, runs=(replace(paused.runs[0], paused_by="search"),))
    assert isinstance(suggest(sweep, by_person, 1, seed=1), Wait)
    assert isinstance(suggest(sweep, by_search, 1, seed=1), Done)


def test_slot_hours_are_counted_over_all_attempts() -> None:
    sweep = spec(swept={"budget": {"hours": 2}})
    history = extend(History(), started(suggest(sweep, History(), 1, seed=1)), RunState.RUNNING)
    first = Attempt(number=1, agent="a", host="h", started=0.0, ended=3600.0)
    second = Attempt(number=2, agent="a", host="h", started=7200.0)
    history = replace(history, runs=(replace(history.runs[0], attempts=(first, second)),))
    assert started(suggest(sweep, history, 1, seed=1, now=7200.0 + 3599.0))
    answer = suggest(sweep, history, 1, seed=1, now=7200.0 + 3600.0)
    assert answer == Wait("the budget of 2 slot-hours is used up (2.0 so far); 1 under way")


def test_the_sweep_ends_once_any_run_reaches_the_target() -> None:
    sweep = spec(metric={"target": 0.8})
    starts = started(suggest(sweep, History(), 2, seed=1))
    below = extend(History(), starts, RunState.FINISHED, lambda _: (0.5, 0.79))
    assert started(suggest(sweep, below, 1, seed=1))
    once = extend(History(), starts, RunState.FINISHED, lambda _: (0.8, 0.7))
    assert suggest(sweep, once, 1, seed=1) == Done("run 1 reached the target: acc 0.8")
    running = extend(History(), starts, RunState.RUNNING, lambda _: (0.9,))
    assert isinstance(suggest(sweep, running, 1, seed=1), Wait)


def test_a_run_depends_on_the_sweeps_seed_and_its_number_only() -> None:
    sweep = spec()
    together = started(suggest(sweep, History(), 3, seed=5))
    history, apart = History(), list[Start]()
    for _ in range(3):
        starts = started(suggest(sweep, history, 1, seed=5))
        history = extend(history, starts, RunState.FINISHED, lambda _: (0.1,))
        apart += starts
    assert [(s.config, s.seed) for s in together] == [(s.config, s.seed) for s in apart]
    assert started(suggest(sweep, History(), 1, seed=6))[0].config != together[0].config


def test_a_search_that_failed_gives_draws_that_say_so() -> None:
    sweep = spec("bayes", swept={**BASELINE, "budget": {"runs": 4}})
    starts = started(fallback(sweep, History(), 9, seed=1, because="the search took too long"))
    assert [start.kind for start in starts] == [Kind.BASELINE] + [Kind.SEARCH] * 3
    assert starts[1].why["reason"] == "drawn at random: the search took too long"
    assert all(sweep.space.contains(start.config) for start in starts)
    ended = extend(History(), starts, RunState.FINISHED)
    assert isinstance(fallback(sweep, ended, 1, seed=1, because="…"), Done)


def test_parameters_that_cannot_act_stand_at_their_default_except_in_a_grid() -> None:
    parameters = {"lr0": {"values": [0.001, 0.1]}, "dropout": {"values": [0.1, 0.2]}}
    for method, held in (("random", True), ("bayes", True), ("grid", False)):
        sweep = parse_mapping(
            {
                "method": method,
                "metric": {"name": "metrics/mAP50(B)", "goal": "maximize"},
                "parameters": {
                    **parameters,
                    "optimizer": {"value": "SGD"},
                    "model": {"value": "yolo11n.pt"},
                },
                "swept": {"adapter": "ultralytics"},
            }
        )
        assert "dropout" in sweep.inert
        starts = started(suggest(sweep, History(), 2, seed=1))
        default = sweep.inert["dropout"].default
        assert all((start.config["dropout"] == default) == held for start in starts)


@pytest.mark.parametrize("method", ["grid", "bayes"])
def test_runs_from_before_a_change_of_the_constants_are_no_data(method: str) -> None:
    """After `epochs: 9` became 20, old points are open again, and the baseline too; a changed range keeps all."""

    def edited(epochs: int, high: int) -> Spec:
        return parse_mapping(
            {
                "method": method,
                "metric": {"name": "acc", "goal": "maximize"},
                "parameters": {"k": {"min": 1, "max": high}, "epochs": {"value": epochs}},
                "swept": {"baseline": {"k": 1}},
            }
        )

    starts = started(suggest(edited(9, 3), History(), 9, seed=1))
    before = extend(History(), starts, RunState.FINISHED, lambda start: (start.config["k"],))
    after = replace(before, spec_version=2)
    assert isinstance(suggest(edited(9, 3), after, 9, seed=1), Done)
    assert [s.config["k"] for s in started(suggest(edited(9, 4), after, 9, seed=1))] == [4]
    again = started(suggest(edited(20, 3), after, 9, seed=1))
    assert [start.kind for start in again] == [Kind.BASELINE, Kind.SEARCH, Kind.SEARCH]
