"""The engine's advice: thought of once for each stage of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from swept.analysis.best import Advice
from swept.engine import Engine
from swept.model import Kind, Point, Run, RunState, Sweep
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.think import InlineThinker, ThinkError

STEPS = 16
SWEEP: dict[str, Any] = {
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
    "run_cap": 12,
    "swept": {"epochs": STEPS, "early_stopping": "auto"},
}


class Counting(InlineThinker):
    """Counts how often it is asked for advice; `broken`: and fails."""

    def __init__(self) -> None:
        self.asked, self.broken = 0, False

    def advise(self, spec: Mapping[str, Any], runs: Sequence[Run]) -> Advice | None:
        self.asked += 1
        if self.broken:
            raise ThinkError("failed: no memory")
        return super().advise(spec, runs)


def run(number: int, steps: int, state: RunState) -> Run:
    curve = tuple(Point(step, number + 1.0 / step) for step in range(1, steps + 1))
    config = {"x": number / 10}
    return Run(f"r{number}", "p", "s", number, "n", Kind.SEARCH, state, config, curve=curve)


RUNS = [*(run(n, STEPS, RunState.FINISHED) for n in (1, 2, 3)), run(4, 5, RunState.RUNNING)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[Engine, Counting, Sweep]]:
    store, thinker = (
        open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1)),
        Counting(),
    )
    made = Engine(store, FakeClock(), thinker)
    made.start()
    yield made, thinker, made.create_sweep(yaml.safe_dump(SWEEP))[0]
    store.close()


def test_it_is_thought_of_once_a_stage(engine: tuple[Engine, Counting, Sweep]) -> None:
    made, thinker, sweep = engine
    first = made.advice(sweep, RUNS)
    assert first is not None
    assert first.run == "r1"
    assert made.advice(sweep, [*RUNS[:3], run(4, 6, RunState.RUNNING)]) == first
    assert thinker.asked == 1, "a report between two rungs changes nothing"
    made.advice(sweep, [*RUNS[:3], run(4, 8, RunState.RUNNING)])
    assert thinker.asked == 2, "a rung"
    made.advice(sweep, [*RUNS[:3], run(4, 8, RunState.PAUSED)])
    assert thinker.asked == 3, "a state"


def test_a_model_that_fails_leaves_the_best_value_seen(
    engine: tuple[Engine, Counting, Sweep],
) -> None:
    made, thinker, sweep = engine
    thinker.broken = True
    assert made.advice(sweep, RUNS) is None
    assert made.advice(sweep, RUNS) is None
    assert thinker.asked == 1, "it may take half a minute to fail"


def test_without_learning_curves_nobody_is_asked(engine: tuple[Engine, Counting, Sweep]) -> None:
    made, thinker, sweep = engine
    plain = {**SWEEP, "swept": {"epochs": STEPS, "early_stopping": "asha"}}
    asha, *_ = made.create_sweep(yaml.safe_dump(plain))
    assert made.advice(asha, RUNS) is None
    assert made.advice(replace(sweep, id="none"), []) is None
    assert thinker.asked == 1
