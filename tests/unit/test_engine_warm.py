"""`swept.warm_start`: the runs of earlier sweeps join a new one, as copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from swept.engine import Engine
from swept.errors import SpecError
from swept.model import Kind, Run, RunState, Sweep
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.think import InlineThinker
from swept.wire.agents import ClaimRequest
from swept.wire.reports import Completion, Report

SWEEP = """
method: bayes
program: train.py
metric: {name: loss, goal: minimize}
run_cap: 3
parameters:
  lr: {min: 0.0, max: 1.0}
  epochs: {value: 2}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    store = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    made = Engine(store, FakeClock(), InlineThinker())
    made.start()
    yield made
    store.close()


def warm(*names: str) -> str:
    return f"{SWEEP}swept:\n  warm_start: [{', '.join(names)}]\n"


def ran(engine: Engine, text: str = SWEEP) -> Sweep:
    """A sweep whose three runs have ended: the last one failed."""
    sweep = engine.create_sweep(text)[0]
    now = engine.clock.now()
    agent = engine.store.add_agent(sweep=sweep.id, host="h", kind="swept", slots=1, now=now).id
    for number, outcome in enumerate(("finished", "finished", "failed")):
        asked: ClaimRequest = {"agent": agent, "host": "h", "request": f"r{number}", "wait": 0.0}
        lease = engine.claim(sweep.id, asked)[1]
        assert lease is not None
        told: Report = {
            "seq": 1, "type": "log", "time": 0.0, "step": 1, "metrics": {"loss": 1.0 + number}
        }  # fmt: skip
        engine.report(lease.run.id, lease.token, [told])
        code = 0 if outcome == "finished" else 1
        end: Completion = {
            "lease": "", "outcome": outcome, "exit_code": code, "signal": None, "reason": "", "tail": [],
        }  # fmt: skip
        engine.complete(lease.run.id, lease.token, end)
    return sweep


def priors(engine: Engine, sweep: Sweep) -> list[Run]:
    runs = engine.store.history(sweep.id).runs
    return [run for run in runs if run.kind is Kind.PRIOR]


def test_a_new_sweep_has_the_finished_runs_of_earlier_ones_with_their_curves(
    engine: Engine,
) -> None:
    first, second = ran(engine), ran(engine)
    single = engine.store.history(second.id).runs[2]
    sweep, created, _, warnings = engine.create_sweep(warm(first.id, f"local/x/{single.id}"))
    assert created
    assert [run.state for run in priors(engine, sweep)] == [
        *[RunState.FINISHED] * 2,
        RunState.FAILED,
    ]
    assert [run.curve[-1].value for run in priors(engine, sweep)] == [1.0, 2.0, 3.0]
    assert [run.details["source"] for run in priors(engine, sweep)] == [first.id] * 2 + [second.id]
    assert [p for p in warnings if p.key == "swept.warm_start"] == []


def test_names_that_mean_nothing_are_told_before_anything_is_made(engine: Engine) -> None:
    earlier = ran(engine)
    with pytest.raises(SpecError) as raised:
        engine.create_sweep(warm(earlier.id, "nobody", "nothing"))
    assert [(p.key, p.line) for p in raised.value.problems] == [
        ("swept.warm_start[1]", 10),
        ("swept.warm_start[2]", 10),
    ]
    assert len(engine.store.sweeps()) == 1


def test_runs_of_no_use_are_warned_of(engine: Engine) -> None:
    earlier = ran(engine)
    longer = warm(earlier.id).replace("epochs: {value: 2}", "epochs: {value: 9}")
    said = [p.message for p in engine.create_sweep(longer)[3] if p.key == "swept.warm_start"]
    assert len(said) == 2
    assert "it ran with epochs 2, and this sweep has 9" in said[0]


def test_launching_again_adds_nothing_and_an_update_what_is_new(engine: Engine) -> None:
    first, second = ran(engine), ran(engine)
    sweep = engine.launch(warm(first.id), "/a.yaml")[0]
    assert engine.launch(warm(first.id), "/a.yaml")[:2] == (engine.store.sweep(sweep.id), False)
    assert len(priors(engine, sweep)) == 2
    engine.update_spec(sweep.id, warm(first.id, second.id))
    assert len(priors(engine, sweep)) == 4
