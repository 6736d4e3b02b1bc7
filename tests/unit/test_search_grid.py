"""Grid search in W&B's order, compared with W&B's own code, `sweeps` 0.3.0."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import Any

from tests.oracle import sweeps_python

from swept.model import Done, History, RunState, Wait
from swept.search.suggest import suggest
from swept.spec import parse_mapping
from swept.testing.search_contract import extend, started

METRIC = {"name": "loss", "goal": "minimize"}
ORACLE = r"""
import json, sys
from sweeps import next_run

answers = []
for config in json.load(sys.stdin):
    runs = []
    while (run := next_run(config, runs)) is not None:
        run.state = "finished"
        runs.append(run)
    answers.append([{k: v["value"] for k, v in run.config.items()} for run in runs])
json.dump(answers, sys.stdout)
"""
GRIDS: list[dict[str, Any]] = [
    {"b": {"values": [1, 2, 3]}, "a": {"values": ["x", "y"]}},
    {"b": {"values": [3, 1, 2]}, "a": {"value": 7}, "c": {"min": 2, "max": 4}},
    {"q": {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.25}, "z": {"values": [0]}},
    {"n": {"parameters": {"v": {"values": [1, 2]}, "u": {"values": [True, False]}}}, "m": {"values": [5, 6]}},
    {"a": {"values": [1, 1.5, None, "1", True]}, "B": {"values": [0.1, 10.0]}},
    {"a": {"values": [[1, 2], [2, 1]]}, "d": {"values": [{"k": 1}, {"k": 2}]}},
]  # fmt: skip


def walk(parameters: dict[str, Any], at_once: int) -> list[Any]:
    spec = parse_mapping({"method": "grid", "metric": METRIC, "parameters": parameters})
    history, seen = History(), []
    while starts := started(suggest(spec, history, at_once, seed=1)):
        seen += [start.config for start in starts]
        history = extend(history, starts, RunState.FINISHED, lambda _: (1.0,))
    return seen


def test_order_and_end_are_wandbs() -> None:
    configs = [{"method": "grid", "parameters": parameters} for parameters in GRIDS]
    done = subprocess.run(
        [sweeps_python(), "-W", "ignore", "-c", ORACLE],
        input=json.dumps(configs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(done.stdout)
    assert [walk(parameters, 1) for parameters in GRIDS] == theirs
    assert [walk(parameters, 4) for parameters in GRIDS] == theirs


def test_failed_and_crashed_points_are_done_and_withdrawn_ones_are_not() -> None:
    spec = parse_mapping(
        {"method": "grid", "metric": METRIC, "parameters": {"a": {"values": [1, 2, 3, 4]}}}
    )
    history = History()
    for state in (RunState.FAILED, RunState.CRASHED, RunState.KILLED, RunState.PENDING):
        history = extend(history, started(suggest(spec, history, 1, seed=1)), state)
    assert isinstance(suggest(spec, history, 1, seed=1), Wait)
    withdrawn = replace(history.runs[3], state=RunState.KILLED, attempts=())
    history = replace(history, runs=(*history.runs[:3], withdrawn))
    assert [start.config for start in started(suggest(spec, history, 9, seed=1))] == [{"a": 4}]


def test_the_end_says_how_many_points_there_were() -> None:
    spec = parse_mapping(
        {"method": "grid", "metric": METRIC, "parameters": {"a": {"values": [1, 2]}}}
    )
    history = extend(History(), started(suggest(spec, History(), 9, seed=1)), RunState.FINISHED)
    assert suggest(spec, history, 1, seed=1) == Done("all 2 grid points were tried")
