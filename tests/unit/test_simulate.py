"""A sweep in simulated time: what is paid, who is recommended, and that the server would do the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swept.engine import Engine
from swept.errors import Conflict, SpecError, UsageError
from swept.model import (
    Config,
    Continue,
    Decision,
    Desired,
    Done,
    History,
    Kind,
    Outcome,
    Run,
    RunState,
    Start,
    Suggestions,
    Wait,
)
from swept.search.suggest import suggest
from swept.spec import Spec
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.simulate import Simulation, simulate
from swept.think import InlineThinker

X = [4.0, 7.0, 1.0, 9.0, 3.0, 8.0, 2.0, 6.0, 0.0, 5.0]
HYPERBAND = {"early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 2}}


def grid(**top: Any) -> dict[str, Any]:
    metric = {"name": "loss", "goal": "minimize"}
    return {"method": "grid", "metric": metric, "parameters": {"x": {"values": X}}, **top}


def random(**top: Any) -> dict[str, Any]:
    return grid(method="random", parameters={"x": {"min": 0.0, "max": 9.0}}, **top)


def falling(config: Config, seed: int) -> list[float]:
    """Ten steps down to x."""
    return [config["x"] + 1.0 / step for step in range(1, 11)]


def states(simulation: Simulation) -> list[RunState]:
    return [run.state for run in simulation.runs]


# -- what is paid -----------------------------------------------------------------------------------


def test_one_worker_pays_a_step_and_a_unit_of_time_for_each_report() -> None:
    simulation = simulate(grid(), falling, budget=25)
    assert [row.spent for row in simulation.trace] == list(range(1, 26))
    assert [row.time for row in simulation.trace] == list(range(1, 26))
    assert [row.run for row in simulation.trace] == [1] * 10 + [2] * 10 + [3] * 5
    assert [row.step for row in simulation.trace][8:12] == [9, 10, 1, 2]
    assert simulation.trace[10].value == X[1] + 1.0
    assert states(simulation) == [RunState.FINISHED, RunState.FINISHED, RunState.RUNNING]
    assert simulation.ended_because == "the budget of 25 steps is used up"


def test_workers_share_the_budget_and_the_time() -> None:
    simulation = simulate(grid(), falling, budget=100, workers=4)
    assert simulation.spent == 100
    assert simulation.time == 30  # ten runs for four
    assert [row.run for row in simulation.trace][:8] == [1, 2, 3, 4, 1, 2, 3, 4]
    assert set(states(simulation)) == {RunState.FINISHED}


def test_a_sweep_that_is_done_ends_before_its_budget() -> None:
    simulation = simulate(grid(), falling, budget=1000)
    assert simulation.spent == 100
    assert simulation.ended_because == "all 10 grid points were tried"
    capped = simulate(random(run_cap=3), falling, budget=1000, workers=2)
    assert [len(capped.runs), capped.time] == [3, 20]
    assert capped.ended_because == "the budget of 3 runs is used up"


def test_a_budget_in_hours_counts_a_second_for_each_step() -> None:
    sweep = random(swept={"budget": {"hours": 35 / 3600}})
    assert len(simulate(sweep, falling, budget=1000).runs) == 4


def test_runs_may_be_of_unequal_length() -> None:
    simulation = simulate(grid(), lambda config, _: [config["x"]] * (1 + int(config["x"])), 1000)
    assert [len(run.curve) for run in simulation.runs] == [1 + x for x in X]


def test_a_generator_is_asked_only_for_the_steps_that_are_taken() -> None:
    taken: list[float] = []

    def curve(config: Config, seed: int) -> Iterator[float]:
        for value in falling(config, seed):
            taken.append(value)
            yield value

    options = {"swept": {"epochs": 10}}
    lazy = simulate(grid(**HYPERBAND, **options), curve, budget=1000)
    assert taken == [row.value for row in lazy.trace]
    assert lazy == simulate(grid(**HYPERBAND, **options), falling, budget=1000)


def test_twenty_trainings_of_random_search_are_no_wait() -> None:
    """Not by the clock: by how often the curve, `suggest` and `decide` are called."""
    calls = {"suggest": 0, "decide": 0}

    def counted(spec: Spec, history: History, n: int, **rest: Any) -> Suggestions:
        calls["suggest"] += 1
        return suggest(spec, history, n, **rest)

    def never(spec: Spec, history: History) -> list[Decision]:
        calls["decide"] += 1
        return []

    simulate(
        random(), lambda *_: np.linspace(1, 0, 52), budget=20 * 52, suggest=counted, decide=never
    )
    assert calls == {"suggest": 20, "decide": 20 * 52}


# -- the same as the server -------------------------------------------------------------------------


def test_the_server_s_engine_and_store_do_the_same(tmp_path: Path) -> None:
    simulation = simulate(grid(**HYPERBAND), falling, budget=1000)
    served = through_the_engine(tmp_path, simulation.spec)
    assert RunState.STOPPED in states(simulation)
    for ours, theirs in zip(simulation.runs, served, strict=True):
        assert (ours.number, ours.kind, ours.state) == (theirs.number, theirs.kind, theirs.state)
        assert (ours.config, ours.curve, ours.why) == (theirs.config, theirs.curve, theirs.why)
        assert ours.ended_because == theirs.ended_because


def through_the_engine(folder: Path, spec: Spec) -> tuple[Run, ...]:
    """One agent whose programs stop at the very report that says so."""
    store = open_store(f"sqlite:///{folder}/swept.db")
    try:
        engine = Engine(store, FakeClock(), InlineThinker())
        engine.start()
        sweep, *_ = engine.create_sweep(spec.wandb_yaml())
        agent = store.add_agent(sweep=sweep.id, host="h", kind="swept", slots=1, now=0.0)
        for number in range(100):
            status, lease, _ = engine.claim(
                sweep.id,
                {"agent": agent.id, "host": "h", "request": f"r{number}", "wait": 0},
            )
            if lease is None:
                assert status == "done"
                break
            train(engine, lease.run, lease.token)
        return store.history(sweep.id).runs
    finally:
        store.close()


def train(engine: Engine, run: Run, token: str) -> None:
    outcome, reason = Outcome.FINISHED, "the program ended"
    values = falling(run.config, 0)
    for step, value in enumerate(values, start=1):
        order = engine.report(
            run.id,
            token,
            [{"seq": step, "type": "log", "time": 0.0, "step": step, "metrics": {"loss": value}}],
        )
        if order.desired is Desired.STOP and step < len(values):
            outcome, reason = Outcome.STOPPED, order.reason
            break
    engine.complete(
        run.id,
        token,
        {
            "lease": token,
            "outcome": outcome,
            "reason": reason,
            "exit_code": 0,
            "signal": None,
            "tail": [],
        },
    )


# -- what a program gets ------------------------------------------------------------------------------


def test_a_program_gets_the_run_s_seed_also_as_the_parameter_that_takes_it() -> None:
    seen = []

    def curve(config: Config, seed: int) -> list[float]:
        seen.append((seed, config.get("seed")))
        return [0.0]

    simulation = simulate(random(swept={"seed": "seed"}), curve, budget=5, seed=3)
    assert seen == [(run.seed, run.seed) for run in simulation.runs]
    assert len(set(seen)) == 5


def test_what_a_program_does_to_its_configuration_stays_with_it() -> None:
    def curve(config: Any, seed: int) -> list[float]:
        return [float(config.pop("x"))]

    assert [run.config["x"] for run in simulate(grid(), curve, budget=10).runs] == X


def test_the_baseline_runs_first_and_is_recommended_while_nothing_is_better() -> None:
    first = simulate(random(swept={"baseline": {"x": 0.0}}), falling, budget=20)
    assert [run.kind for run in first.runs] == [Kind.BASELINE, Kind.SEARCH]
    assert number(first.recommended(10)) == 1
    worse = simulate(random(swept={"baseline": {"x": 9.0}}), falling, budget=20)
    assert (number(first.recommended(20)), number(worse.recommended(20))) == (1, 2)


# -- what is recommended ------------------------------------------------------------------------------


def number(run: Run | None) -> int | None:
    return run.number if run else None


def test_recommended_is_the_best_finished_run_at_that_point() -> None:
    simulation = simulate(grid(), falling, budget=1000)
    best = [number(simulation.recommended(spent)) for spent in range(0, 101, 10)]
    assert best == [None, 1, 1, 3, 3, 3, 3, 3, 3, 9, 9]
    assert number(simulation.recommended()) == 9
    assert number(simulation.recommended(29.9)) == 1


def test_recommended_before_anything_has_finished_is_the_best_so_far_as_it_was() -> None:
    simulation = simulate(grid(), falling, budget=1000, workers=3)
    found = simulation.recommended(9)
    assert found is not None
    assert (found.number, found.state, found.steps) == (3, RunState.RUNNING, 3)
    assert found.value == X[2] + 1 / 3
    assert simulation.recommended(0) is None
    assert simulation.runs_at(-1.0) == []


def test_maximising_turns_the_recommendation_round() -> None:
    top = {"metric": {"name": "accuracy", "goal": "maximize"}}
    assert number(simulate(grid(**top), falling, budget=1000).recommended()) == 4


def test_a_diverged_run_goes_on_to_the_end_of_its_curve_and_is_not_recommended() -> None:
    def curve(config: Config, seed: int) -> list[float]:
        return [0.0, math.nan, math.nan] if config["x"] < 5 else [config["x"]] * 3

    simulation = simulate(grid(), curve, budget=1000)
    assert {run.state for run in simulation.runs} == {RunState.FINISHED}
    assert len(simulation.trace) == 30
    assert number(simulation.recommended()) == 10
    nothing = simulate(grid(), lambda *_: [math.nan], budget=1000)
    assert nothing.recommended() is None


# -- early stopping -----------------------------------------------------------------------------------


def test_hyperband_stops_with_its_reason_and_saves_steps() -> None:
    simulation = simulate(grid(**HYPERBAND), falling, budget=1000)
    stopped = [run for run in simulation.runs if run.state is RunState.STOPPED]
    assert {run.number: run.steps for run in stopped} == {4: 2, 6: 2, 8: 4, 10: 4}
    assert stopped[0].ended_because.startswith("step 2 (report 2): loss 9.5 is above the 7.5 of")
    assert stopped[0].attempts[0].outcome is Outcome.STOPPED
    assert simulation.spent == 6 * 10 + 2 * 2 + 2 * 4
    assert number(simulation.recommended()) == 9


def test_an_order_that_comes_with_the_last_step_finds_the_run_finished() -> None:
    def late(spec: Spec, history: History) -> list[Decision]:
        return [
            Decision(run.id, desired, "late")
            for run in history.runs
            for desired in (Desired.STOP, Desired.PAUSE)
            if run.state is RunState.RUNNING and run.steps == 10
        ]

    for curve in (falling, lambda config, seed: iter(falling(config, seed))):
        simulation = simulate(grid(), curve, budget=1000, decide=late)
        assert set(states(simulation)) == {RunState.FINISHED}


# -- a method of one's own that pauses and continues ----------------------------------------------------

RUNG = 3


def pausing(spec: Spec, history: History) -> list[Decision]:
    """Everything that can be paused is paused at the rung."""
    return [
        Decision(run.id, Desired.PAUSE, f"step {RUNG} is the rung", run.steps)
        for run in history.runs
        if run.state is RunState.RUNNING and run.resumable and run.steps == RUNG
    ]


def promoting(
    spec: Spec, history: History, n: int, *, seed: int, now: float | None = None
) -> Suggestions:
    """All starts first; then the best paused run goes on, then nothing."""
    answer = suggest(spec, history, n, seed=seed, now=now)
    paused = [run for run in history.runs if run.state is RunState.PAUSED]
    if not isinstance(answer, Done) or len(paused) < len(X):
        return answer
    best = min(paused, key=lambda run: run.value or 0.0)
    return (Continue(best.id, {"reason": "the best at the rung"}),)


def test_a_continued_run_pays_its_further_steps_and_the_restart() -> None:
    simulation = simulate(
        grid(), falling, budget=1000, restart_steps=1.5, suggest=promoting, decide=pausing
    )
    assert [row[:3] for row in simulation.trace[29:32]] == [(30, 10, 3), (32.5, 9, 4), (33.5, 9, 5)]
    assert simulation.trace[30].time == 32.5
    run = simulation.runs[8]
    assert (run.state, run.steps) == (RunState.FINISHED, 10)
    assert [attempt.outcome for attempt in run.attempts] == [Outcome.PAUSED, Outcome.FINISHED]
    assert [attempt.first_step for attempt in run.attempts] == [0, 4]
    assert [attempt.ended for attempt in run.attempts] == [27, 38.5]
    assert [point.value for point in run.curve] == falling(run.config, 0)
    assert (simulation.spent, number(simulation.recommended())) == (38.5, 9)


def test_runs_that_the_end_finds_paused_are_stopped() -> None:
    simulation = simulate(grid(), falling, budget=1000, suggest=promoting, decide=pausing)
    assert states(simulation).count(RunState.STOPPED) == 9
    assert simulation.runs[0].ended_because == "all 10 grid points were tried"
    used_up = simulate(grid(), falling, budget=30, suggest=promoting, decide=pausing)
    assert set(states(used_up)) == {RunState.PAUSED}


def test_a_continuation_that_the_budget_cannot_pay_does_not_begin() -> None:
    simulation = simulate(
        grid(), falling, budget=31, restart_steps=1, suggest=promoting, decide=pausing
    )
    assert simulation.spent == 30
    assert simulation.runs[8].state is RunState.PAUSED
    assert simulation.ended_because == "the budget of 31 steps is used up"


def test_without_checkpoints_nothing_is_paused() -> None:
    simulation = simulate(grid(), falling, budget=1000, can_resume=False, decide=pausing)
    assert set(states(simulation)) == {RunState.FINISHED}
    assert not any(run.resumable for run in simulation.runs)

    def careless(spec: Spec, history: History) -> list[Decision]:
        return [Decision(run.id, Desired.PAUSE, "") for run in history.runs]

    with pytest.raises(Conflict, match="run 1 has no checkpoint: it cannot be paused"):
        simulate(grid(), falling, budget=1000, can_resume=False, decide=careless)


def test_the_first_report_is_decided_on_before_there_is_a_checkpoint() -> None:
    seen = []

    def watching(spec: Spec, history: History) -> list[Decision]:
        checkpoint = history.runs[0].checkpoint
        seen.append((history.runs[0].steps, checkpoint.step if checkpoint else None))
        return []

    simulate(grid(), falling, budget=3, decide=watching)
    assert seen == [(1, None), (2, 1), (3, 2)]


def test_a_paused_run_can_be_stopped_and_a_late_decision_changes_nothing() -> None:
    def decide(spec: Spec, history: History) -> list[Decision]:
        stops = [Decision(run.id, Desired.STOP, "hopeless") for run in history.runs[:1]]
        return pausing(spec, history) + (stops if len(history.runs) == 3 else [])

    simulation = simulate(grid(), falling, budget=12, decide=decide)
    assert states(simulation)[:2] == [RunState.STOPPED, RunState.PAUSED]
    assert simulation.runs[0].ended_because == "hopeless"
    assert simulation.runs[0].steps == RUNG


def test_an_order_reaches_the_other_run_with_its_next_report_and_a_stop_is_not_taken_back() -> None:
    def decide(spec: Spec, history: History) -> list[Decision]:
        order = {5: Desired.STOP, 6: Desired.PAUSE}.get(sum(run.steps for run in history.runs))
        return [Decision("run-2", order, order.value)] if order else []

    simulation = simulate(grid(), falling, budget=6, workers=2, decide=decide)
    assert simulation.trace[-1][:3] == (6, 2, 3)
    assert states(simulation) == [RunState.RUNNING, RunState.STOPPED]
    assert simulation.runs[1].ended_because == "stop"


# -- mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 0}, "`budget` is 0; it takes a number of steps"),
        ({"budget": math.inf}, "`budget` is inf"),
        ({"workers": 0}, "`workers` is 0; it takes 1, 2, 3"),
        ({"workers": 1.5}, "`workers` is 1.5"),
        ({"restart_steps": -1.0}, "`restart_steps` is -1.0; it takes 0 or a number above"),
        ({"curve": lambda *_: []}, "the curve of run 1 is empty"),
        ({"curve": lambda *_: 0.3}, "the curve of run 1 is of type float"),
        ({"curve": lambda *_: [0.1, None]}, "step 2 of the curve of run 1 is None"),
        ({"curve": lambda *_: ["low"]}, "step 1 of the curve of run 1 is 'low'"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    given = {"sweep": grid(), "curve": falling, "budget": 100, **arguments}
    with pytest.raises(UsageError) as caught:
        simulate(**given)
    assert message in str(caught.value)


def test_a_wrong_sweep_is_named() -> None:
    with pytest.raises(SpecError, match="early_terminate"):
        simulate(grid(early_termination={}), falling, budget=10)
    sweep = random()
    del sweep["metric"]
    with pytest.raises(UsageError, match="no `metric`"):
        simulate(sweep, falling, budget=10)


def test_a_search_that_asks_for_what_cannot_be_is_refused() -> None:
    def answering(*answer: Start | Continue) -> Any:
        return lambda spec, history, n, **_: (
            answer if history.runs else suggest(spec, history, n, seed=0)
        )

    again = Continue("run-1", {"reason": "again"})
    for answer, message in [
        ((again,), "run 1 is finished: it cannot resume"),
        ((Continue("run-7", {}),), "there is no run run-7"),
        ((again, again), "1 runs were asked for, and 2 suggested"),
    ]:
        with pytest.raises(Conflict, match=message):
            simulate(grid(), falling, budget=100, suggest=answering(*answer))


@pytest.mark.parametrize("nothing", [(), Wait("nothing now"), Done("nothing ever")])
def test_a_search_with_nothing_to_run_ends_the_simulation(nothing: Suggestions) -> None:
    simulation = simulate(grid(), falling, budget=10, suggest=lambda *_, **__: nothing)
    assert simulation.trace == ()
    assert (simulation.spent, simulation.time) == (0.0, 0.0)
    assert simulation.ended_because.startswith(("nothing", "the search has nothing"))
