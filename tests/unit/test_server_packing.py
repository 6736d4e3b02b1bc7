"""The server writes curves down once more, a little at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from swept.model import Outcome, Row
from swept.server.packing import REST_SECONDS, Packing
from swept.store.base import Store
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.scenes import NOW, end, log, new_sweep, running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "swept.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{path}")
    yield opened
    opened.close()


def finished(store: Store) -> str:
    lease = running(store, log(1, 1, loss=0.5))
    end(store, lease, Outcome.FINISHED)
    return lease.run.id


def due(store: Store) -> list[str]:
    return store.pack_curves(store.moved_runs(None), points=0)


def test_what_there_was_before_and_what_changes_is_written_down(store: Store) -> None:
    old = finished(store)
    packing = Packing(store, FakeClock())
    assert due(store) == [old]
    packing.step()
    assert due(store) == []
    store.log_rows(old, 1, [Row(2, {"loss": 0.25})], now=NOW)
    fresh = finished(store)
    assert due(store) == [old, fresh]
    packing.step()
    assert due(store) == []


def test_it_does_a_little_at_a_time(store: Store) -> None:
    runs = [finished(store) for _ in range(25)]
    packing = Packing(store, FakeClock(), points=10)
    for left in (runs[10:], runs[20:], []):
        packing.step()
        assert due(store) == left


def refused(path: Path, run: str) -> None:
    """The database fails at each copy of that run, as a full disk does at all."""
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON packed_curves "
            f"WHEN NEW.run LIKE '{run}' BEGIN SELECT RAISE(ABORT, 'full'); END"
        )


def test_after_a_failure_it_rests_and_goes_on_where_it_was(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs = [finished(store) for _ in range(3)]
    clock = FakeClock()
    packing = Packing(store, clock)
    refused(path, "%")
    packing.step()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DROP TRIGGER full")
    packing.step()
    assert due(store) == runs, "it rests"
    assert len(caplog.records) == 1
    clock.advance(REST_SECONDS)
    for _ in range(2):
        packing.step()
    assert due(store) == []


def test_a_run_that_fails_each_time_holds_up_no_other(store: Store, path: Path) -> None:
    bad, *_ = (finished(store) for _ in range(20))
    clock = FakeClock()
    packing = Packing(store, clock)
    refused(path, bad)
    for _ in range(30):
        packing.step()
        clock.advance(REST_SECONDS)
    assert due(store) == [bad]
    finished(store)
    for _ in range(3):
        packing.step()
        clock.advance(REST_SECONDS)
    assert due(store) == [bad]


def test_a_failure_of_any_kind_is_told_and_raised_to_nobody(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """The tick that it follows has to look whether the server is needed."""

    class Broken:
        def position(self) -> tuple[int, int]:
            raise ZeroDivisionError("a fault of the program")

    clock = FakeClock()
    packing = Packing(cast(Store, Broken()), clock)
    for _ in range(3):
        packing.step()
    (told,) = caplog.records
    assert "a fault of the program" in told.getMessage()
    assert told.exc_info


def test_copies_go_with_the_points(store: Store, path: Path) -> None:
    run = finished(store)
    other = finished(store)
    Packing(store, FakeClock()).step()
    assert copies(path) == {run, other}
    store.update_spec(store.run(run).sweep or "", new_sweep(metric="acc"), now=NOW)
    assert copies(path) == {other}
    store.delete_run(other, now=NOW)
    assert copies(path) == set()


def copies(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as other:
        return {run for (run,) in other.execute("SELECT run FROM packed_curves")}
