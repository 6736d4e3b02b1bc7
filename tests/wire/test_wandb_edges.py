"""The edges: what is forked, what is refused, what an unknown place is answered; each says what is the matter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.wire.harness import Client

pytestmark = [pytest.mark.slow]


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


def told_by(text: str) -> Any:
    found = re.search(r"TOLD (\{.*\})", text)
    assert found is not None, text
    return json.loads(found[1])


# -- forks ----------------------------------------------------------------------------------------


def forks(client: Client) -> Any:
    """A run with six rows; forks of it, of a fork, and of one that was offline."""
    told = told_by(client.run("edges_fork.py"))
    (folder,) = client.folder.glob(f"wandb/offline-run-*-{told['offline']}")
    client.run("-m", "wandb", "sync", str(folder))
    names = ("parent", "fork", "second", "offline")
    told["runs"] = {name: client.server.get(f"/api/runs/{told[name]}") for name in names}
    told["rows"] = {name: client.server.rows(told[name]) for name in names}
    told["read"] = told_by(client.run("edges_read.py", told["fork"]))
    return told


def losses(rows: list[Any]) -> list[tuple[int, Any]]:
    return [(row["step"], row["metrics"].get("loss")) for row in rows]


@pytest.mark.feature(
    "SDK", "wandb.init(fork_from=…): a new run with the other one's rows up to there"
)
@plays(forks)
def test_a_fork_begins_with_the_rows_of_its_parent(told: Any) -> None:
    rows, runs = told["rows"], told["runs"]
    assert losses(rows["parent"]) == [(step, step) for step in range(6)]
    own = [(3, 100), (4, 101), (5, 102)]
    assert losses(rows["fork"]) == [(0, 0), (1, 1), (2, 2), *own, (6, 200)]  # it was resumed
    assert losses(rows["second"]) == [(0, 0), (1, 1), (2, 2), *own[:2], (5, -1)]
    assert rows["fork"][0]["metrics"]["late"] == "NaN"
    assert rows["fork"][:3] == rows["parent"][:3]
    fork = runs["fork"]
    assert (fork["state"], fork["parent"], fork["config"]) == (
        "finished",
        told["parent"],
        {"lr": 0.2},
    )
    assert fork["details"]["forked_from"] == {"run": told["parent"], "step": 2}
    assert "forked" in fork["why"]
    assert fork["defined"]["loss"]["step_metric"] == "epoch"
    assert runs["second"]["summary"]["early"] == 1  # logged before the fork only
    assert runs["second"]["summary"]["loss"] == -1
    assert runs["parent"]["summary"]["loss"] == 5


@pytest.mark.feature("SDK", "fork_from offline, sent by wandb sync")
@plays(forks)
def test_a_fork_that_was_offline_stands_behind_its_parents_rows(told: Any) -> None:
    parents = [(step, step) for step in range(4)]
    assert losses(told["rows"]["offline"]) == [*parents, (4, 300), (5, 301)]
    summary = told["runs"]["offline"]["summary"]
    assert (summary["loss"], summary["_step"]) == (301, 5)


@pytest.mark.feature("Public API", "a fork's history, summary and branch point")
@plays(forks)
def test_the_public_api_reads_a_fork(told: Any) -> None:
    read = told["read"]
    assert read["losses"] == [0, 1, 2, 100, 101, 102, 200]
    assert (read["last"], read["summary"]["loss"]) == (6, 200)
    assert read["branch"] == {"run_id": told["parent"], "step": 2}


@pytest.mark.feature("SDK", "resume_from, and a fork of what is not there: one clear line")
@plays(forks)
def test_a_rewind_and_an_impossible_fork_stop_the_program_with_a_reason(told: Any) -> None:
    refused = told["refused"]
    assert "resume_from (rewinding a run) is not served" in refused["rewind"]
    assert "fork_from" in refused["rewind"]
    assert "there is no run `nobody` in project `edges-fork`" in refused["unknown"]
    assert (
        "cannot be forked at step 9: the server has rows up to step 5 only" in refused["too late"]
    )
