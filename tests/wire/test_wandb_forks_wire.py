"""Forks whose init is asked twice, is cut short, or is followed by another one: by hand, in this process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.wire.test_wandb_wire import KEY, RESUME, UPSERT, Wire, basic, history, wire

from swept.errors import StoreError
from swept.model import Row, Run
from swept.server.wandb import forks

__all__ = ["wire"]

READ = """query R($project: String, $name: String!) { project(name: $project, entityName: "me") {
  run(name: $name) { config historyLineCount } } }"""
PARENT = [(step, float(step)) for step in range(6)]
COPIED = PARENT[:4]


def fork_config(step: int) -> str:
    point = {"run_id": "parent", "step": step}
    return json.dumps({"_wandb": {"value": {"branch_point": point}}})


def fork(wire: Wire, step: int = 3) -> Any:
    asked = {"name": "fork", "project": "p", "host": "h", "config": fork_config(step)}
    return wire.data(UPSERT, **asked)["upsertBucket"]


def shown(wire: Wire) -> tuple[Any, Any]:
    """What the client reads of the fork: its branch point, and where its history begins."""
    run = wire.data(READ, project="p", name="fork")["project"]["run"]
    entry = json.loads(run["config"]).get("_wandb", {"value": {}})["value"]
    return entry.get("branch_point"), run["historyLineCount"]


def attempts(run: Run) -> list[int]:
    return [attempt.number for attempt in run.attempts]


@pytest.fixture
def parent(wire: Wire) -> None:
    wire.init("parent")
    wire.stream("parent", history(*PARENT))


@pytest.mark.usefixtures("parent")
def test_a_fork_that_is_asked_twice_is_one_attempt_with_its_rows_once(wire: Wire) -> None:
    fork(wire)
    fork(wire)
    found = wire.store.run("fork")
    assert attempts(found) == [1]
    assert {row.attempt for row in wire.store.rows("fork")} == {1}
    assert wire.curve("fork") == COPIED
    assert found.summary["loss"] == 3.0
    wire.stream("fork", history((4, 40.0)))
    fork(wire)
    assert attempts(wire.store.run("fork")) == [1, 2]
    assert wire.curve("fork") == COPIED


@pytest.mark.usefixtures("parent")
def test_a_fork_that_was_cut_short_goes_on_where_it_was(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "PART", 2)
    log, copied = wire.store.log_rows, list[int]()

    def cut(run: str, attempt: int, rows: Sequence[Row], **more: Any) -> Any:
        if copied == [0, 1]:
            copied.append(-1)
            raise StoreError("the store is away")
        copied.extend(row.step for row in rows)
        return log(run, attempt, rows, **more)

    monkeypatch.setattr(wire.store, "log_rows", cut)
    asked = {"name": "fork", "project": "p", "host": "h", "config": fork_config(3)}
    body = {"query": UPSERT, "variables": asked}
    answer = wire.http.post("/graphql", json=body, headers=basic(KEY))
    assert answer.status_code >= 500 or "errors" in answer.json()
    assert wire.curve("fork") == COPIED[:2]
    fork(wire)
    assert copied == [0, 1, -1, 2, 3]
    found = wire.store.run("fork")
    assert attempts(found) == [1]
    assert wire.curve("fork") == COPIED
    assert found.summary["loss"] == 3.0


@pytest.mark.usefixtures("parent")
def test_a_fork_at_another_step_is_another_attempt(wire: Wire) -> None:
    fork(wire, 3)
    fork(wire, 1)
    assert attempts(wire.store.run("fork")) == [1, 2]
    assert wire.curve("fork") == COPIED[:2]
    assert shown(wire)[0] == {"run_id": "parent", "step": 1}


@pytest.mark.usefixtures("parent")
def test_a_fork_that_begins_again_from_zero_is_none_any_more(wire: Wire) -> None:
    fork(wire)
    wire.stream("fork", history((4, 40.0)))
    assert shown(wire) == ({"run_id": "parent", "step": 3}, 0)
    wire.init("fork")
    wire.init("fork")
    wire.stream("fork", history((0, 7.0)))
    assert attempts(wire.store.run("fork")) == [1, 2]
    assert wire.curve("fork") == [(0, 7.0)]
    assert shown(wire) == (None, None)


@pytest.mark.usefixtures("parent")
def test_a_fork_that_is_resumed_stays_one(wire: Wire) -> None:
    fork(wire)
    wire.stream("fork", history((4, 40.0), complete=True, exitcode=0))
    assert wire.data(RESUME, project="p", name="fork")["model"]["bucket"]["historyLineCount"] == 5
    wire.init("fork")
    wire.stream("fork", history((5, 50.0)))
    assert wire.curve("fork") == [*COPIED, (4, 40.0), (5, 50.0)]
    assert shown(wire) == ({"run_id": "parent", "step": 3}, 0)
