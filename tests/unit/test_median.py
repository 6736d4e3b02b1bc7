"""The median rule: who is judged when, and against what."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.unit.test_asha import asked, run, sweep

from swept.model import Config, Desired, History, Kind, Run, RunState
from swept.spec import Spec, parse_mapping
from swept.stopping.decide import decide
from swept.testing.simulate import simulate

NAN = math.nan


def spec_of(goal: str = "minimize", **figures: int) -> Spec:
    metric = {"name": "loss", "goal": goal}
    options = {"type": "median", "min_epochs": 3, "min_runs": 3, **figures}
    return parse_mapping(sweep(options, metric=metric))


def finished(number: int, value: float, length: int = 27, **more: Any) -> Run:
    return run(number, [value] * length, RunState.FINISHED, **more)


THREE = finished(1, 1.0), finished(2, 2.0), finished(3, 3.0)


def test_worse_than_the_median_stops_and_equal_goes_on() -> None:
    spec = spec_of()
    assert asked(*THREE, run(4, [2.0] * 3), spec=spec) == {}
    assert asked(*THREE, run(4, [2.1] * 3), spec=spec) == {"r4": Desired.STOP}
    assert asked(*THREE, run(4, [2.1, 1.9, 2.1]), spec=spec) == {}, "by its best so far"


def test_the_others_count_by_the_mean_of_what_they_had_reported_by_then() -> None:
    falling = [
        run(n, [9.0, 6.0, 3.0, *[0.0] * 24], RunState.FINISHED) for n in range(1, 4)
    ]  # 6 on average at step 3
    assert asked(*falling, run(4, [7.0, 7.0, 5.9]), spec=spec_of()) == {}
    assert asked(*falling, run(4, [7.0, 7.0, 6.1]), spec=spec_of()) == {"r4": Desired.STOP}


def test_only_after_the_warm_up_and_enough_finished_runs() -> None:
    bad = run(4, [9.0] * 3)
    assert asked(*THREE, run(4, [9.0] * 2), spec=spec_of()) == {}
    assert asked(*THREE[:2], bad, spec=spec_of()) == {}
    assert asked(*THREE, bad, spec=spec_of(min_runs=4)) == {}
    assert asked(*THREE, bad, spec=spec_of(min_epochs=4)) == {}
    plain = parse_mapping(sweep("median"))
    five = [finished(n, 1.0) for n in range(5, 10)]
    assert asked(*five[:4], bad, spec=plain) == {}
    assert asked(*five, bad, spec=plain) == {"r4": Desired.STOP}
    assert asked(*five, run(4, [9.0] * 2), spec=plain) == {}, "a tenth of 27 steps, rounded up"


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.FAILED, RunState.RUNNING])
def test_only_finished_runs_are_the_measure(state: RunState) -> None:
    others = THREE[0], THREE[1], run(3, [3.0] * 27, state)
    assert asked(*others, run(4, [9.0] * 3), spec=spec_of()) == {}


def test_the_goal_may_be_to_maximise() -> None:
    spec = spec_of("maximize")
    assert asked(*THREE, run(4, [2.1] * 3), spec=spec) == {}
    assert asked(*THREE, run(4, [1.9] * 3), spec=spec) == {"r4": Desired.STOP}


def test_a_baseline_counts_and_is_never_stopped() -> None:
    others = finished(1, 1.0, kind=Kind.BASELINE), *THREE[1:]
    assert asked(*others, run(4, [9.0] * 3), spec=spec_of()) == {"r4": Desired.STOP}
    assert asked(*THREE, run(4, [9.0] * 3, kind=Kind.BASELINE), spec=spec_of()) == {}


def test_a_run_at_its_last_step_is_let_finish() -> None:
    assert asked(*THREE, run(4, [9.0] * 26), spec=spec_of()) == {"r4": Desired.STOP}
    assert asked(*THREE, run(4, [9.0] * 27), spec=spec_of()) == {}


def test_runs_of_unequal_length_and_every_other_step() -> None:
    others = finished(1, 1.0, 2), THREE[1], run(3, [3.0], RunState.FINISHED, steps=[2])
    assert asked(*others, run(4, [2.1], steps=[4]), spec=spec_of()) == {"r4": Desired.STOP}
    assert asked(*others, run(4, [1.9], steps=[4]), spec=spec_of()) == {}
    late = run(3, [3.0], RunState.FINISHED, steps=[20])  # nothing to compare with at step 4
    assert asked(*THREE[:2], late, run(4, [1.6], steps=[4]), spec=spec_of()) == {"r4": Desired.STOP}


def test_no_numbers() -> None:
    spec = spec_of(min_epochs=1)
    assert asked(*THREE, run(4, [NAN]), spec=spec) == {}
    assert asked(*THREE, run(4, [NAN, 1.0]), spec=spec) == {}
    assert asked(*THREE, run(4, [NAN, NAN, NAN]), spec=spec) == {"r4": Desired.STOP}
    assert asked(*THREE, run(4, [1.0, NAN, NAN]), spec=spec) == {}
    assert asked(*THREE, run(4, [1.0, NAN, NAN, NAN]), spec=spec) == {"r4": Desired.STOP}
    blank = [run(n, [NAN] * 27, RunState.FINISHED) for n in (5, 6, 7)]
    assert asked(*blank, run(4, [9.0] * 3), spec=spec) == {}


def test_the_reason_has_both_figures() -> None:
    (told,) = decide(spec_of(), History((*THREE, run(4, [2.5] * 3))))
    assert told.reason == (
        "step 3: the best loss so far, 2.5, is worse than 2, the median of the averages of 3 finished runs up to there"
    )


@pytest.mark.parametrize("workers", [1, 4, 16])
@pytest.mark.parametrize("resume", [True, False])
def test_it_saves_steps_and_keeps_the_best(workers: int, resume: bool) -> None:
    def curve(config: Config, seed: int) -> list[float]:
        return [config["x"] + 1.0 / step for step in range(1, 28)]

    simulation = simulate(sweep("median", run_cap=60), curve, 2000, 1, workers, resume)
    assert simulation.spent < 60 * 27 * 0.8
    assert simulation.recommended() == min(simulation.runs, key=lambda each: each.config["x"])
