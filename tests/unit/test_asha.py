"""Asynchronous successive halving: odd reports, programs without checkpoints, the end of a sweep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from swept.errors import SpecError
from swept.model import (
    Attempt,
    Checkpoint,
    Config,
    Continue,
    Decision,
    Desired,
    Done,
    History,
    Kind,
    Outcome,
    Point,
    Run,
    RunState,
)
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.stopping.decide import decide, promotions
from swept.stopping.rungs import rungs
from swept.testing.simulate import Simulation, simulate

NAN = math.nan
RUNNING, PAUSED, FINISHED = RunState.RUNNING, RunState.PAUSED, RunState.FINISHED


def sweep(stopping: Any = "asha", epochs: Any = 27, **top: Any) -> dict[str, Any]:
    return {
        "method": "random",
        "metric": {"name": "loss", "goal": "minimize"},
        "parameters": {"x": {"min": 0.0, "max": 9.0}},
        "swept": {"epochs": epochs, "early_stopping": stopping},
        **top,
    }


SPEC = parse_mapping(sweep({"type": "asha", "min_epochs": 3}))  # rungs at 3 and 9


def attempt(number: int = 1, first: int = 0, *, reported: bool = True) -> Attempt:
    return Attempt(number, "a", "h", 0.0, first_step=first, last_sequence=9, reported=reported)


def run(
    number: int,
    values: Sequence[float],
    state: RunState = RUNNING,
    *,
    steps: Iterable[int] = (),
    saved: bool = True,
    **more: Any,
) -> Run:
    """A run that reported `values` at `steps` (1, 2, 3 …), with a checkpoint of its last one."""
    places = tuple(steps) or tuple(range(1, len(values) + 1))
    curve = tuple(Point(step, value) for step, value in zip(places, values, strict=True))
    attempts = more.pop("attempts", (attempt(),))
    mark = Checkpoint(f"r{number}", len(attempts), places[-1], "p", "h", 0.0) if saved else None
    fields = {
        "kind": Kind.SEARCH,
        "config": {"x": 1.0},
        "paused_by": "search" if state is PAUSED else "",
        **more,
    }
    return Run(
        id=f"r{number}",
        project="p",
        sweep="s",
        number=number,
        name="",
        state=state,
        attempts=attempts,
        curve=curve,
        checkpoint=mark,
        **fields,
    )


def asked(*runs: Run, spec: Spec = SPEC) -> dict[str, Desired]:
    return {one.run: one.desired for one in decide(spec, History(runs))}


def next_up(*runs: Run, spec: Spec = SPEC) -> list[str]:
    return [one.run for one in promotions(spec, History(runs))]


def curve_of(config: Config, seed: int) -> list[float]:
    return [config["x"] + 3.0 / step for step in range(1, 28)]


def states(simulation: Simulation) -> list[RunState]:
    return [each.state for each in simulation.runs]


# -- the rungs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("full", "eta", "first", "steps"),
    [
        (100, 3, None, (4, 11, 33)),
        (52, 3, None, (2, 6, 17)),
        (10, 3, None, (1, 3)),
        (2, 3, None, (1,)),
        (1, 3, None, ()),
        (100, 4, 3, (3, 12, 48)),
        (100, 2, 3, (3, 6, 12, 24, 48)),  # 96 of 100 would save nothing
        (10**6, 1.001, 10, None),
        (None, 3, None, ()),
    ],
)
def test_rungs(full: int | None, eta: float, first: int | None, steps: Any) -> None:
    found = rungs(full, eta, first)
    if steps is not None:
        assert found == steps
    assert list(found) == sorted(set(found))


def test_without_the_length_of_a_run_the_first_rung_is_enough() -> None:
    with pytest.raises(SpecError, match="where its rungs are"):
        parse_mapping(sweep(epochs=None) | {"swept": {"early_stopping": "asha"}})
    spec = parse_mapping(sweep() | {"swept": {"early_stopping": {"type": "asha", "min_epochs": 2}}})
    assert asked(run(1, [2, 2], PAUSED), run(2, [3, 3]), spec=spec) == {"r2": Desired.PAUSE}


# -- at a rung --------------------------------------------------------------------------------------


def test_a_run_pauses_at_its_rung_and_the_best_third_go_on() -> None:
    assert asked(run(1, [5, 5])) == {}
    assert asked(run(1, [5, 5, 5])) == {"r1": Desired.PAUSE}
    others = run(1, [5, 5, 5], PAUSED), run(2, [4, 4, 4], PAUSED)
    assert next_up(*others) == []
    assert asked(*others, run(3, [3, 3, 3])) == {"r3": Desired.GO}
    assert asked(*others, run(3, [6, 6, 6])) == {"r3": Desired.PAUSE}
    assert next_up(*others, run(3, [6, 6, 6], PAUSED)) == ["r2"]


def test_a_run_that_was_let_pass_is_not_called_back() -> None:
    others = run(1, [5, 5, 5], PAUSED), run(2, [4, 4, 4], PAUSED)
    (told,) = decide(SPEC, History((*others, run(3, [3, 3, 3]))))
    passed = run(3, [3, 3, 3, 3], desired_why=told.reason)
    better = run(4, [1, 1, 1], PAUSED)
    assert asked(*others, passed, better) == {}
    assert asked(*others, run(3, [3, 3, 3, 3]), better) == {"r3": Desired.PAUSE}


def test_a_continued_run_is_judged_at_the_next_rung_only() -> None:
    others = [run(n, [1.0] * 9, PAUSED) for n in range(1, 4)]
    again = (attempt(), attempt(2, first=4))
    assert asked(*others, run(9, [9.0] * 4, attempts=again)) == {}
    assert asked(*others, run(9, [9.0] * 9, attempts=again)) == {"r9": Desired.PAUSE}
    silent = (attempt(), attempt(2, reported=False))  # it has not reported yet
    assert asked(*others, run(9, [9.0] * 3, attempts=silent)) == {}


def test_a_missed_decision_is_made_up_for_with_the_value_at_the_rung() -> None:
    others = run(1, [5, 5, 5], PAUSED), run(2, [4, 4, 4], PAUSED)
    for later in ([3, 3, 3, 99], [3, 3, 3, 99, 99]):
        assert asked(*others, run(3, later)) == {"r3": Desired.GO}
    for later in ([6, 6, 6, 0], [6, 6, 6, 0, 0]):
        assert asked(*others, run(3, later)) == {"r3": Desired.PAUSE}
    assert asked(*others, run(3, [6, 6, 6, 0, 0, 0])) == {}, "too late: at the next rung"


def test_the_highest_rung_goes_first() -> None:
    low = [run(n, [float(n)] * 3, PAUSED) for n in range(1, 4)]
    high = [run(n, [float(n)] * 9, PAUSED) for n in range(4, 7)]
    assert next_up(*low, *high) == ["r4", "r1", "r2"]


def test_a_metric_that_comes_every_five_steps() -> None:
    others = run(1, [5.0], PAUSED, steps=[5]), run(2, [4.0], PAUSED, steps=[5])
    assert asked(*others, run(3, [3.0], steps=[5])) == {"r3": Desired.GO}
    assert asked(*others, run(3, [6.0], steps=[5])) == {"r3": Desired.PAUSE}
    assert asked(*others, run(3, [6.0, 6.0], steps=[5, 10])) == {"r3": Desired.PAUSE}


def test_steps_may_count_from_0() -> None:
    assert asked(run(1, [5.0, 5.0], steps=[0, 1])) == {}
    assert asked(run(1, [5.0] * 3, steps=[0, 1, 2])) == {"r1": Desired.PAUSE}
    again = (attempt(), attempt(2, first=3))
    assert asked(run(1, [5.0] * 4, steps=[0, 1, 2, 3], attempts=again)) == {}


def test_the_goal_may_be_to_maximise() -> None:
    metric = {"metric": {"name": "loss", "goal": "maximize"}}
    spec = parse_mapping(sweep({"type": "asha", "min_epochs": 3}, **metric))
    others = run(1, [5, 5, 5], PAUSED), run(2, [4, 4, 4], PAUSED)
    assert asked(*others, run(3, [6, 6, 6]), spec=spec) == {"r3": Desired.GO}
    assert next_up(*others, run(3, [3, 3, 3], PAUSED), spec=spec) == ["r1"]


def test_only_running_search_runs_are_decided_on() -> None:
    for kind in (Kind.BASELINE, Kind.REPEAT):
        assert asked(run(1, [5, 5, 5], kind=kind)) == {}
    assert asked(run(1, [5, 5, 5], desired=Desired.PAUSE)) == {}
    assert asked(*(run(1, [5, 5, 5], state) for state in RunState if state is not RUNNING)) == {}
    baseline = run(1, [1.0] * 27, FINISHED, kind=Kind.BASELINE)
    others = run(2, [5, 5, 5], PAUSED), run(3, [4, 4, 4], PAUSED)
    assert next_up(baseline, *others) == [], "it holds the place of the best third"


def test_a_run_that_a_person_paused_is_theirs() -> None:
    runs = [run(n, [float(n)] * 3, PAUSED) for n in range(1, 7)]
    runs[0] = replace(runs[0], paused_by="person")
    assert next_up(*runs) == ["r2"]


def test_a_short_run_is_let_finish() -> None:
    spec = parse_mapping(
        sweep({"type": "asha", "min_epochs": 3}, epochs="x")
        | {"parameters": {"x": {"values": [4, 27]}}}
    )
    others = run(1, [1.0] * 3, PAUSED), run(2, [1.0] * 3, PAUSED)
    assert asked(*others, run(3, [5, 5, 5], config={"x": 4}), spec=spec) == {}
    assert asked(*others, run(3, [5, 5, 5], config={"x": 27}), spec=spec) == {"r3": Desired.PAUSE}


def test_a_program_that_ended_by_itself_stands_at_the_rungs_that_it_never_reached() -> None:
    """Beside a whole training the run paused at the last rung is not the best third."""
    patient, last = run(1, [1.0] * 4, FINISHED), run(3, [3.0] * 9, PAUSED)
    assert next_up(patient, run(2, [2.0] * 9, PAUSED), last) == []
    assert next_up(patient, run(2, [0.5] * 9, PAUSED), last) == ["r2"]


# -- no numbers -------------------------------------------------------------------------------------


def test_nan_at_step_1_is_no_divergence() -> None:
    spec = parse_mapping(sweep({"type": "asha", "min_epochs": 1, "eta": 2}))
    others = run(1, [NAN, 5.0], PAUSED), run(2, [NAN, 6.0], PAUSED), run(3, [NAN, 7.0], PAUSED)
    assert asked(*others, run(4, [NAN]), spec=spec) == {}
    assert asked(*others, run(4, [NAN, 4.0]), spec=spec) == {"r4": Desired.GO}
    assert next_up(*others, run(4, [NAN, 4.0], PAUSED), spec=spec)[0] == "r4"


def test_a_diverged_run_is_stopped_once_others_show_that_it_is_one() -> None:
    lost = run(2, [5.0, NAN, NAN, NAN])
    assert asked(run(1, [5.0] * 4, FINISHED), lost) == {"r2": Desired.STOP}
    assert asked(lost) == {"r2": Desired.PAUSE}
    alone = run(2, [5.0, NAN, NAN, NAN, NAN], saved=False)
    assert asked(alone) == {"r2": Desired.GO}, "nothing says that there is better"
    others = run(1, [5.0, 5.0, 5.0], PAUSED), run(3, [6.0] * 3, PAUSED)
    assert next_up(*others, replace(lost, state=PAUSED, paused_by="search")) == ["r1"]


def test_one_nan_at_the_rung_is_forgiven() -> None:
    others = run(1, [5, 5, 5], PAUSED), run(2, [4, 4, 4], PAUSED)
    assert asked(*others, run(3, [3, 3, NAN])) == {}
    assert asked(*others, run(3, [3, 3, NAN, 3])) == {"r3": Desired.GO}


def test_diverging_trainings_cost_little() -> None:
    def curve(config: Config, seed: int) -> list[float]:
        first = config["x"]
        return [first, *([NAN] * 26 if first > 3 else [first] * 26)]

    simulation = simulate(sweep(run_cap=20), curve, 1000, seed=3)
    lost = [each for each in simulation.runs if each.config["x"] > 3]
    assert len(lost) > 8
    assert max(each.steps for each in lost) <= 4
    assert simulation.recommended() is not None


# -- programs without checkpoints -------------------------------------------------------------------


def test_a_checkpoint_that_comes_a_moment_later_is_waited_for() -> None:
    first = run(1, [5, 5, 5], saved=False, attempts=(attempt(),))
    early = parse_mapping(sweep({"type": "asha", "min_epochs": 1}))
    assert asked(run(1, [5], saved=False), spec=early) == {}
    assert asked(run(1, [5, 5], saved=False), spec=early) == {}
    assert asked(run(1, [5, 5]), spec=early) == {"r1": Desired.PAUSE}
    # Another run of the sweep has one: this program keeps them.
    assert asked(first, run(2, [4, 4, 4], PAUSED)) == {"r1": Desired.PAUSE}


def test_without_checkpoints_the_worse_ones_are_stopped() -> None:
    def bare(number: int, value: float, length: int = 3) -> Run:
        return run(number, [value] * length, saved=False)

    ahead = bare(1, 5.0, 6)
    assert asked(ahead, bare(2, 4.0)) == {"r2": Desired.GO}
    assert asked(ahead, bare(2, 6.0)) == {"r2": Desired.STOP}
    assert asked(bare(1, 5.0, 5)) == {"r1": Desired.GO}, "the best so far"


def test_a_run_that_began_again_from_the_start_is_never_paused_again() -> None:
    """Its pause left no checkpoint: it would begin for ever."""
    twice = (attempt(), attempt(2))
    others = run(1, [5, 5, 5], PAUSED), run(2, [4, 4, 4], PAUSED)
    assert asked(*others, run(3, [6.0] * 3, saved=False, attempts=twice)) == {"r3": Desired.STOP}


@pytest.mark.parametrize("workers", [1, 2, 4, 16])
def test_it_pauses_nothing_that_cannot_go_on(workers: int) -> None:
    simulation = simulate(sweep(run_cap=30), curve_of, 1000, 1, workers, can_resume=False)
    assert set(states(simulation)) == {RunState.STOPPED, FINISHED}
    assert all(len(each.attempts) == 1 for each in simulation.runs)
    assert simulation.spent < 30 * 27 / 2


# -- a whole sweep ----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 4, 16])
@pytest.mark.parametrize("restart", [0.0, 1.0])
def test_runs_are_capped_and_continuations_are_not(workers: int, restart: float) -> None:
    simulation = simulate(sweep(run_cap=30), curve_of, 1000, 1, workers, restart_steps=restart)
    assert len(simulation.runs) == 30
    attempts = sum(len(each.attempts) for each in simulation.runs)
    assert attempts > 30
    ended = [each for each in simulation.runs if each.state is FINISHED]
    assert ended
    assert all(each.steps == 27 for each in ended)
    assert simulation.recommended() == min(simulation.runs, key=lambda each: each.config["x"])
    reports = len(simulation.trace)
    assert simulation.spent == reports + restart * (attempts - 30)
    assert reports < 30 * 27 / 4


@pytest.mark.parametrize("runs", [1, 2, 3, 4])
def test_the_best_of_a_few_runs_is_trained_to_its_end(runs: int) -> None:
    """Of fewer than η runs none is among the best third."""
    simulation = simulate(sweep(run_cap=runs), curve_of, 1000)
    best = min(simulation.runs, key=lambda each: each.config["x"])
    assert best.state is FINISHED
    assert simulation.ended_because == f"the budget of {runs} runs is used up"


def test_a_grid_ends_with_a_whole_training_too() -> None:
    grid = {"method": "grid", "parameters": {"x": {"values": [5.0, 3.0, 4.0]}}}
    simulation = simulate(sweep() | grid, curve_of, 1000)
    assert states(simulation) == [RunState.STOPPED, FINISHED, RunState.STOPPED]


def test_a_run_that_is_continued_at_once_pays_no_restart() -> None:
    def better_each_time(config: Config, seed: int) -> list[float]:
        counted.append(seed)
        return [1.0 / len(counted)] * 27

    counted: list[int] = []
    simulation = simulate(sweep(run_cap=9), better_each_time, 1000, restart_steps=5.0)
    last = simulation.runs[-1]
    assert [each.outcome for each in last.attempts] == [Outcome.FINISHED]


def test_hours_that_are_used_up_continue_nothing() -> None:
    runs = tuple(
        replace(run(n, [float(n)] * 3, PAUSED), attempts=(replace(attempt(), ended=3600.0),))
        for n in range(1, 4)
    )
    options = {"epochs": 27, "early_stopping": {"type": "asha", "min_epochs": 3}}
    hours = parse_mapping(sweep() | {"swept": {**options, "budget": {"hours": 3}}})
    assert isinstance(suggest(hours, History(runs), 1, seed=1, now=0.0), Done)
    answer = suggest(SPEC, History(runs), 1, seed=1, now=0.0)
    assert isinstance(answer, tuple)
    assert isinstance(answer[0], Continue)


def test_every_order_says_why_in_figures() -> None:
    others = run(1, [5, 5, 5], PAUSED), run(2, [4, 4, 4], PAUSED)
    (told,) = decide(SPEC, History((*others, run(3, [0.123456, 0.123456, 0.123456]))))
    assert told == Decision(
        "r3", Desired.GO, "rung 3: loss 0.1235 is number 1 of 3; the best goes on", 3
    )
    (ahead,) = promotions(SPEC, History((*others, run(3, [6, 6, 6], PAUSED))))
    assert ahead.why["reason"] == "rung 3: loss 4 is number 1 of 3; the best goes on"
    assert ahead.why["strategy"] == "continue"


def test_runs_paused_before_the_first_rung_go_on_last() -> None:
    """Another rule paused them, before the file was changed to this one."""
    assert next_up(run(1, [1.0], PAUSED), *(run(n, [2.0] * 3, PAUSED) for n in (2, 3, 4))) == [
        "r2",
        "r1",
    ]
