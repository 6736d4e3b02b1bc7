"""Hyperband's decisions against W&B's own code, `sweeps` 0.3.0, over thousands of random histories."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from tests.oracle import sweeps_python

from swept.model import Desired, Goal, History, Kind, RunState, Start
from swept.spec import parse_mapping
from swept.stopping.decide import decide
from swept.stopping.hyperband import rungs
from swept.sweepfile.schema import Hyperband, Metric
from swept.testing.search_contract import as_run

CASES = 4000
SPEC = parse_mapping({"parameters": {"a": {"min": 0.0, "max": 1.0}}, "method": "random"})
STATES = (RunState.RUNNING, RunState.RUNNING, RunState.FINISHED, RunState.CRASHED, RunState.PENDING)
ORACLE = r"""
import json, math, sys
from sweeps import stop_runs
from sweeps.run import SweepRun
from sweeps.hyperband_stopping import hyperband_stop_runs

def value(text):
    return float(text)

answers = []
for case in json.load(sys.stdin):
    runs = [
        SweepRun(
            name=str(i),
            state=run["state"],
            history=[{"loss": value(v)} for v in run["values"]],
        )
        for i, run in enumerate(case["runs"])
    ]
    config = {
        "method": "random",
        "metric": {"name": "loss", "goal": case["goal"]},
        "early_terminate": {"type": "hyperband", **case["rules"]},
        "parameters": {"a": {"values": [1]}},
    }
    stopped = stop_runs(config, runs)
    info = next((r.early_terminate_info for r in runs if r.early_terminate_info), None)
    answers.append(
        {
            "stopped": sorted(int(run.name) for run in stopped),
            "bands": None if info is None else info["bands"],
        }
    )
json.dump(answers, sys.stdout)
"""


@dataclass(frozen=True)
class Case:
    goal: Goal
    rules: Hyperband
    states: tuple[RunState, ...]
    curves: tuple[tuple[float, ...], ...]


def draw(rng: np.random.Generator) -> Case:
    """One random sweep: ties, plateaus, NaN, infinities, empty and unequal curves among its runs."""
    eta = float(rng.choice([2, 3, 4, 1.5, 2.7]))
    strict = bool(rng.random() < 0.6)
    if rng.random() < 0.5:
        rules = Hyperband(min_iter=int(rng.integers(1, 6)), eta=eta, strict=strict)
    else:
        rules = Hyperband(
            max_iter=int(rng.integers(int(eta) + 1, 40)),
            s=int(rng.integers(1, 5)),
            eta=eta,
            strict=strict,
        )
    count = int(rng.integers(1, 9))
    curves = []
    for _ in range(count):
        length = int(rng.integers(0, 30))
        if rng.random() < 0.5:
            values = rng.integers(0, 4, length).astype(float)  # ties at every rung
        else:
            values = rng.normal(size=length).cumsum()
        values[rng.random(length) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
        curves.append(tuple(float(value) for value in values))
    states = tuple(STATES[i] for i in rng.integers(len(STATES), size=count))
    goal = Goal.MINIMIZE if rng.random() < 0.5 else Goal.MAXIMIZE
    return Case(goal, rules, states, tuple(curves))


def stopped(case: Case) -> list[int]:
    """The places of the runs that `decide` stops, by the sweep's public door."""
    spec = replace(SPEC, metric=Metric("loss", case.goal), early_terminate=case.rules)
    start = Start(Kind.SEARCH, {"a": 0.5}, 1, {"reason": "drawn"})
    runs = [
        as_run(number, start, state, curve)
        for number, (state, curve) in enumerate(zip(case.states, case.curves, strict=True))
    ]
    decisions = decide(spec, History(tuple(runs)))
    assert all(decision.desired is Desired.STOP for decision in decisions)
    return [int(decision.run.removeprefix("run-")) for decision in decisions]


def as_json(case: Case) -> dict[str, Any]:
    rules = {key: value for key, value in asdict(case.rules).items() if value is not None}
    runs = [
        {"state": state.value, "values": [str(value) for value in curve]}
        for state, curve in zip(case.states, case.curves, strict=True)
    ]
    return {"goal": case.goal.value, "rules": rules, "runs": runs}


def ask(cases: list[Case]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sweeps_python(), "-W", "ignore", "-c", ORACLE],
        input=json.dumps([as_json(case) for case in cases]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def test_every_decision_is_the_one_that_wandb_takes() -> None:
    cases = [draw(np.random.default_rng([7, number])) for number in range(CASES)]
    cases = [case for case in cases if rungs(case.rules)]  # sweeps raises without any rung
    answers = ask(cases)
    assert [stopped(case) for case in cases] == [answer["stopped"] for answer in answers]
    assert (
        sum(len(answer["stopped"]) for answer in answers) > CASES // 4
    )  # the comparison has teeth
    assert any(math.isnan(value) for case in cases for curve in case.curves for value in curve)


def test_the_rungs_are_wandbs() -> None:
    cases = [draw(np.random.default_rng([8, number])) for number in range(300)]
    cases = [case for case in cases if rungs(case.rules) and RunState.RUNNING in case.states]
    for case, answer in zip(cases, ask(cases), strict=True):
        ours = rungs(case.rules)
        assert answer["bands"] is None or answer["bands"][: len(ours)] == ours
