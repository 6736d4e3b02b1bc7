"""`asha` in simulated time against algorithm 2 of Li et al. 2020, written down once more from the paper."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from swept.model import Config, Desired, History, RunState
from swept.spec import Spec
from swept.stopping.decide import decide, promotions
from swept.testing.simulate import Simulation, simulate

FULL = 27
BUDGET = 220


class Paper:
    """`get_job` and its bookkeeping. A configuration is a number from 1 on; smaller losses are better."""

    def __init__(self, rungs: list[int], eta: float) -> None:
        self.rungs = rungs
        self.eta = eta
        self.losses: list[dict[int, float]] = [{} for _ in rungs]
        self.promoted: list[set[int]] = [set() for _ in rungs]
        self.drawn = 0

    def get_job(self, *, draw: bool = True) -> tuple[int, int]:
        """The configuration, and the rung that it leaves (-1: a new one)."""
        for k in reversed(range(len(self.rungs))):
            ranked = sorted(self.losses[k], key=lambda number: (self.losses[k][number], number))
            candidates = ranked[: math.floor(len(ranked) / self.eta)]
            for number in candidates:
                if number not in self.promoted[k]:
                    return number, k
        self.drawn += draw
        return self.drawn if draw else 0, -1


def by_the_paper(
    curves: dict[int, list[float]], rungs: list[int], eta: float, workers: int, steps: int
) -> list[tuple[int, int]]:
    """(configuration, step) of every report, in order. A worker that finishes a rung takes its next job at once."""
    paper = Paper(rungs, eta)
    trace: list[tuple[int, int]] = []
    done: dict[int, int] = {}
    queue: list[tuple[int, int, int]] = []
    order, free, now = 0, workers, 0
    while len(trace) < steps:
        going = []
        while queue and queue[0][0] == now:
            _, _, number = heapq.heappop(queue)
            done[number] = done.get(number, 0) + 1
            trace.append((number, done[number]))
            if done[number] == FULL:
                free += 1
                continue
            if done[number] in rungs:
                k = rungs.index(done[number])
                paper.losses[k][number] = curves[number][done[number] - 1]
                if paper.get_job(draw=False) != (number, k):
                    free += 1
                    continue
                paper.promoted[k].add(number)
            going.append(number)
        while free:
            number, k = paper.get_job()
            if k >= 0:
                paper.promoted[k].add(number)
            going.append(number)
            free -= 1
        for number in going:
            order += 1
            heapq.heappush(queue, (now + 1, order, number))
        now = queue[0][0]
    return trace


def losses(x: float) -> list[float]:
    """Curves that cross, with ties."""
    walk = np.random.default_rng(int(x * 1e9)).normal(size=FULL).cumsum()
    return [float(value) for value in np.round(walk)]


def sweep(eta: float, first: int, goal: str) -> dict[str, Any]:
    stopping = {"type": "asha", "eta": eta, "min_epochs": first}
    return {
        "method": "random",
        "metric": {"name": "loss", "goal": goal},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "swept": {"epochs": FULL, "early_stopping": stopping},
    }


@settings(max_examples=60, deadline=None)
@given(
    eta=st.sampled_from([2, 3, 4, 2.5]),
    first=st.sampled_from(
        [2, 3, 5]
    ),  # whether a program keeps checkpoints shows at its second step
    workers=st.sampled_from([1, 2, 3, 4, 16]),
    goal=st.sampled_from(["minimize", "maximize"]),
    seed=st.integers(0, 10_000),
)
def test_runs_are_promoted_as_in_the_paper(
    eta: float, first: int, workers: int, goal: str, seed: int
) -> None:
    sign = 1.0 if goal == "minimize" else -1.0

    def curve(config: Config, _: int) -> list[float]:
        return [sign * value for value in losses(config["x"])]

    simulation = simulate(sweep(eta, first, goal), curve, BUDGET, seed, workers)
    rungs = [r for r in (int(first * eta**k) for k in range(8)) if r * math.sqrt(eta) <= FULL]
    curves = {run.number: losses(run.config["x"]) for run in simulation.runs}
    steps = BUDGET - workers
    ours = [(report.run, report.step) for report in simulation.trace]
    assert ours[:steps] == by_the_paper(curves, rungs, eta, workers, steps)[:steps]


@settings(max_examples=40, deadline=None)
@given(
    word=st.sampled_from(["asha", "auto", "median", "hyperband"]),
    workers=st.integers(1, 16),
    resume=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_the_same_log_gives_the_same_answer_and_no_order_that_cannot_be_obeyed(
    word: str, workers: int, resume: bool, seed: int
) -> None:
    """NaN at the start, ends in NaN, unequal lengths: decisions are of runs that run, told once, and pure."""

    def curve(config: Config, _: int) -> list[float]:
        values = losses(config["x"])[: 5 + int(config["x"] * 22)]
        values[0] = math.nan
        if int(config["x"] * 1000) % 5 == 0:
            values[6:] = [math.nan] * len(values[6:])
        return values

    def watched(spec: Spec, history: History) -> list[Any]:
        found = decide(spec, history)
        assert decide(spec, history) == found
        assert promotions(spec, history) == promotions(spec, history)
        for decision in found:
            run = history.run(decision.run)
            assert run is not None
            assert (run.state, run.desired) == (RunState.RUNNING, Desired.GO)
            assert decision.reason.isprintable()
            assert resume or decision.desired is not Desired.PAUSE
        assert [d.run for d in found] == list(dict.fromkeys(d.run for d in found))
        return found

    options = {"epochs": FULL, "early_stopping": word}
    text = sweep(3, 2, "minimize") | {"swept": options, "run_cap": 12}
    played = [
        simulate(text, curve, 400, seed, workers, can_resume=resume, decide=watched)
        for _ in range(2)
    ]
    assert played[0] == played[1] or _same(*played)
    assert not [run for run in played[0].runs if run.state is RunState.PAUSED]


def _same(a: Simulation, b: Simulation) -> bool:
    """NaN is not equal to itself."""
    return repr(a.trace) == repr(b.trace) and repr(a.runs) == repr(b.runs)
