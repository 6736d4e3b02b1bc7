"""For any sweep, curves, workers and orders: every step is paid for once, by the rules, the same each time."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from swept.model import (
    TRANSITIONS,
    Config,
    Continue,
    Decision,
    Desired,
    History,
    Outcome,
    RunState,
    Suggestions,
)
from swept.search.suggest import suggest
from swept.spec import Spec
from swept.stopping.decide import decide
from swept.testing.simulate import Simulation, simulate

MOVES = {(before, after) for moves in TRANSITIONS.values() for before, after in moves.items()}


@dataclass(frozen=True)
class Scene:
    """A simulation's arguments; `orders` gives what an early stopping of our own asks for, turn by turn."""

    sweep: dict[str, Any]
    curves: list[list[float]]
    budget: float
    seed: int
    workers: int
    can_resume: bool
    restart_steps: float
    orders: list[Desired]

    def curve(self, config: Config, seed: int) -> list[float]:
        return self.curves[seed % len(self.curves)]

    def play(self) -> Simulation:
        return simulate(
            self.sweep,
            self.curve,
            self.budget,
            self.seed,
            self.workers,
            self.can_resume,
            self.restart_steps,
            suggest=self.suggest if self.orders else suggest,
            decide=self.decide if self.orders else decide,
        )

    def decide(self, spec: Spec, history: History) -> list[Decision]:
        """Orders for running and paused runs; a pause only where there is a checkpoint."""
        decisions = decide(spec, history)
        for run in history.runs:
            order = self.orders[(7 * run.number + run.steps) % len(self.orders)]
            if order is not Desired.PAUSE or run.resumable:
                decisions.append(Decision(run.id, order, "an order"))
        return decisions

    def suggest(
        self, spec: Spec, history: History, n: int, *, seed: int, now: float | None = None
    ) -> Suggestions:
        """Every other time the paused runs go on, as far as they are asked for."""
        paused = [run.id for run in history.runs if run.state is RunState.PAUSED]
        if paused and history.token % 2:
            return tuple(Continue(run, {"reason": "its turn"}) for run in paused[:n])
        return suggest(spec, history, n, seed=seed, now=now)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    method = draw(st.sampled_from(["random", "grid", "bayes"]))
    x: dict[str, Any] = {"min": 0.0, "max": 1.0}
    if method == "grid":
        x = {"values": [0.1, 0.2, 0.3, 0.4, 0.5]}
    sweep: dict[str, Any] = {
        "method": method,
        "metric": {"name": "m", "goal": draw(st.sampled_from(["minimize", "maximize"]))},
        "parameters": {"x": x},
    }
    if draw(st.booleans()):
        sweep["early_terminate"] = {"type": "hyperband", "min_iter": draw(st.integers(1, 3))}
    if draw(st.booleans()):
        sweep["swept"] = {"baseline": {"x": 0.2}, "budget": {"runs": draw(st.integers(1, 6))}}
    value = st.one_of(st.floats(0, 1), st.just(math.nan), st.just(math.inf))
    return Scene(
        sweep=sweep,
        curves=draw(st.lists(st.lists(value, min_size=1, max_size=8), min_size=1, max_size=5)),
        budget=draw(st.integers(1, 40)) + draw(st.sampled_from([0.0, 0.5])),
        seed=draw(st.integers(0, 2**40)),
        workers=draw(st.integers(1, 5)),
        can_resume=draw(st.booleans()),
        restart_steps=draw(st.sampled_from([0.0, 0.25, 1.0, 3.0])),
        orders=draw(st.lists(st.sampled_from([*Desired]), max_size=6)),
    )


@given(scene=scenes())
@settings(max_examples=100, deadline=None)
def test_every_step_is_paid_for_once_and_by_the_rules(scene: Scene) -> None:
    simulation = scene.play()
    each_step_once(scene, simulation)
    ordered_and_within_the_budget(scene, simulation)
    never_more_workers_than_asked_for(scene, simulation)
    states_move_by_the_rules(simulation)
    assert repr(scene.play()) == repr(simulation)


def each_step_once(scene: Scene, simulation: Simulation) -> None:
    steps: dict[int, list[float]] = defaultdict(list)
    for row in simulation.trace:
        steps[row.run].append(row.value)
        assert row.step == len(steps[row.run])
    for run in simulation.runs:
        whole = scene.curve(run.config, run.seed or 0)
        reported = [point.value for point in run.curve]
        assert repr(reported) == repr(steps[run.number]) == repr(whole[: len(reported)])
        assert (run.state is RunState.FINISHED) <= (len(reported) == len(whole))
        assert run.resumable == scene.can_resume or not reported


def ordered_and_within_the_budget(scene: Scene, simulation: Simulation) -> None:
    restarts = sum(
        attempt.first_step > 0 and attempt.first_step <= run.steps
        for run in simulation.runs
        for attempt in run.attempts
    )
    paid = len(simulation.trace) + scene.restart_steps * restarts
    assert simulation.spent == paid <= scene.budget
    for before, after in zip(simulation.trace, simulation.trace[1:], strict=False):
        assert before.time <= after.time
        assert before.spent + 1 <= after.spent
    if simulation.ended_because.startswith("the budget of"):
        return
    assert all(run.state.ended for run in simulation.runs)


def never_more_workers_than_asked_for(scene: Scene, simulation: Simulation) -> None:
    running: set[int] = set()
    for move in simulation.moves:
        if move.run.state is RunState.RUNNING:
            running.add(move.run.number)
        else:
            running.discard(move.run.number)
        assert len(running) <= scene.workers
    assert simulation.time >= len(simulation.trace) / scene.workers


def states_move_by_the_rules(simulation: Simulation) -> None:
    now: dict[int, RunState] = {}
    left: dict[int, float] = {}
    for move in simulation.moves:
        run = move.run
        assert now.get(run.number) is None or (now[run.number], run.state) in MOVES
        now[run.number] = run.state
        left[run.number] = move.time
    assert now == {run.number: run.state for run in simulation.runs}
    for run in simulation.runs:
        last = max((row.time for row in simulation.trace if row.run == run.number), default=0.0)
        assert run.state is RunState.RUNNING or last <= left[run.number]
        assert run.resumable or all(a.outcome is not Outcome.PAUSED for a in run.attempts)


@given(scene=scenes(), share=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_what_is_recommended_depends_on_nothing_later(scene: Scene, share: float) -> None:
    """A sweep whose budget ended there names a run of the same configuration."""
    simulation = scene.play()
    spent = math.floor(share * simulation.spent)
    found = simulation.recommended(spent)
    assert found is None or found.value is not None
    for run in simulation.runs_at(spent):
        paid = [row for row in simulation.trace if row.run == run.number and row.spent <= spent]
        assert run.steps == len(paid)
    if scene.workers == 1 and scene.restart_steps == 0 and spent >= 1:
        shorter = Scene(**{**vars(scene), "budget": float(spent)}).play().recommended()
        assert (shorter is None) == (found is None)
        if shorter is not None and found is not None:
            assert (shorter.number, shorter.config) == (found.number, found.config)


def test_runs_of_a_seed_are_the_same_however_many_workers_share_them() -> None:
    sweep = {
        "method": "random",
        "metric": {"name": "m", "goal": "minimize"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "run_cap": 12,
    }

    def configs(workers: int) -> list[Config]:
        done = simulate(sweep, lambda config, _: [config["x"]] * 4, 1000, seed=9, workers=workers)
        return [run.config for run in done.runs]

    assert configs(1) == configs(5)
