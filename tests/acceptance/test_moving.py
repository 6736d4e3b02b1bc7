"""What an import must not do to runs that have a program here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from swept.client import Client
from swept.errors import Conflict
from swept.model import Kind
from swept.moving.came import Came
from swept.moving.offline import Sender, folders
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import Served, in_memory
from swept.wire.imports import ImportRows

ROWS: ImportRows = {
    "rows": [{"step": 0, "metrics": {"loss": 9.0}, "time": None}],
    "events": [],
    "lines": [],
}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    store = open_store(f"sqlite:///{tmp_path}/swept.db")
    yield in_memory(store, FakeClock(), tmp_path / "files")
    store.close()


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with served.client() as made:
        yield made


def brought(client: Client) -> str:
    return client.import_run(
        {
            "origin": "there/runs/a1",
            "source": "there",
            "project": "p",
            "sweep": None,
            "id": "a1",
            "name": "one",
            "config": {},
            "created": 1.0,
            "started": 1.0,
            "details": {},
            "afresh": False,
        }
    )["id"]


def test_rows_are_imported_only_into_imported_runs_that_did_not_go_on_here(
    served: Served, client: Client
) -> None:
    lease = client.manual_run({"project": "p", "host": "h", "pid": 1, "config": {}})
    with pytest.raises(Conflict, match="was not imported"):
        client.import_rows(lease["run"], ROWS)
    run = brought(client)
    client.import_rows(run, ROWS)
    served.store.open_attempt(run, agent="agent", host="h", now=2.0, lease_seconds=60)
    with pytest.raises(Conflict, match="went on here"):
        client.import_rows(run, ROWS)


def test_the_folder_of_a_run_that_is_running_here_is_left_alone(
    served: Served, client: Client, tmp_path: Path
) -> None:
    new = served.store.add_run(
        project="p", sweep=None, kind=Kind.MANUAL, config={}, now=1.0, run_id="live"
    )
    served.store.open_attempt(new.id, agent="agent", host="h", now=1.0, lease_seconds=60)
    folder = tmp_path / "wandb" / "run-20260101_000000-live"
    folder.mkdir(parents=True)
    (folder / "run-live.wandb").write_bytes(b"")
    sender = Sender(client, Came())
    sender.send(folders(tmp_path / "wandb"), lambda done, total: None)
    assert sender.came.counts["left_out"] == 1
    assert "running on this server" in sender.came.left_out[0]["why"]
    assert client.run("live")["state"] == "running"
