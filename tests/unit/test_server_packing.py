"""The server writes curves down once more, a little at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from swept.errors import StoreError
from swept.model import Outcome, Row
from swept.server.packing import REST_SECONDS, Packing
from swept.store.base import Store
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.scenes import NOW, end, log, running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db")
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
    assert not packing.step()
    assert due(store) == []
    store.log_rows(old, 1, [Row(2, {"loss": 0.25})], now=NOW)
    fresh = finished(store)
    assert due(store) == [old, fresh]
    assert not packing.step()
    assert due(store) == []


def test_it_does_a_little_at_a_time(store: Store) -> None:
    runs = [finished(store) for _ in range(25)]
    packing = Packing(store, FakeClock(), points=1)
    assert packing.step()
    assert 0 < len(due(store)) < len(runs)
    assert not packing.step()
    assert due(store) == []


class FullDisk:
    """A store that cannot be written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.full, self.asked = True, 0

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._store, verb)

    def pack_curves(self, runs: Sequence[str], *, points: int) -> list[str]:
        self.asked += 1
        if self.full:
            raise StoreError("the disk is full")
        return self._store.pack_curves(runs, points=points)


def test_after_a_failure_it_rests_and_goes_on_where_it_was(store: Store) -> None:
    finished(store)
    disk, clock = FullDisk(store), FakeClock()
    packing = Packing(cast(Store, disk), clock)
    assert packing.step()
    assert packing.step()
    assert disk.asked == 1
    disk.full = False
    clock.advance(REST_SECONDS)
    assert not packing.step()
    assert due(store) == []
