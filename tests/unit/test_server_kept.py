"""What the server keeps of a sweep's runs: what is read again, and what one reader leaves to the next."""

from __future__ import annotations

import itertools
import operator
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from swept.model import Outcome, Row, Run
from swept.server.gathered import MOST_METRICS, Boards, Keeper, merged
from swept.server.histories import Histories
from swept.store.base import Store
from swept.store.identity import SeededIdentities
from swept.store.read_board_base import Scope, Series
from swept.store.sql import open_store
from swept.testing.scenes import NOW, claim, end, log, new_sweep, start


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    yield opened
    opened.close()


def swept(store: Store, runs: int) -> str:
    sweep = store.create_sweep(new_sweep(), now=NOW).id
    starts = [start(lr=float(number)) for number in range(runs)]
    store.add(sweep, store.history(sweep).token, starts, now=NOW)
    return sweep


def test_only_runs_that_have_changed_are_made_whole_again(store: Store) -> None:
    sweep = swept(store, 4)
    leases = [claim(store, sweep, f"r{number}", now=NOW) for number in range(3)]
    histories = Histories(store, Boards(store))
    before = histories.of(sweep)
    assert all(map(operator.is_, histories.of(sweep), before))
    for lease in leases[:2]:
        assert lease is not None
        store.report(lease.run.id, lease.token, [log(1, 1, loss=0.5)], now=NOW)
    after = histories.of(sweep)
    assert [one is other for one, other in zip(before, after, strict=True)] == [False] * 2 + [
        True
    ] * 2
    assert [len(run.curve) for run in after] == [1, 1, 0, 0]


class HeldUp:
    """A store whose first reading of a metric comes back late."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read, self.go_on = threading.Event(), threading.Event()

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._store, verb)

    def metric_series(self, runs: Any, name: str) -> Any:
        found = self._store.metric_series(runs, name)
        if name == "acc" and not self.read.is_set():
            self.read.set()
            assert self.go_on.wait(30.0)
        return found


def test_who_waited_for_a_metric_that_was_let_go_reads_it_anew(store: Store) -> None:
    sweep = swept(store, 1)
    lease = claim(store, sweep, now=NOW)
    assert lease is not None
    run = lease.run.id
    store.report(run, lease.token, [log(1, 1, loss=0.5, acc=0.1)], now=NOW)
    end(store, lease, Outcome.FINISHED)
    held = HeldUp(store)
    keeper = Keeper(cast(Store, held), Scope(sweep=sweep), itertools.count().__next__)
    found = dict[str, Series]()

    def ask(who: str) -> None:
        found[who] = keeper.metric("acc")[1][run]

    first, second = (threading.Thread(target=ask, args=(who,)) for who in ("first", "second"))
    first.start()
    assert held.read.wait(30.0)
    second.start()
    for number in range(5 * MOST_METRICS):  # the second may come after the first of them
        keeper.metric(f"other{number}")
    store.log_rows(run, 1, [Row(2, {"acc": 0.2})], now=NOW)
    keeper.look()
    held.go_on.set()
    first.join(30.0)
    second.join(30.0)
    assert found["first"].values.tolist() == [0.1]
    assert found["second"].values.tolist() == [0.1, 0.2]


def test_runs_that_were_read_again_stand_where_they_were_and_new_ones_last(store: Store) -> None:
    sweep = swept(store, 4)
    runs = tuple(store.board_runs(Scope(sweep=sweep)))
    claim(store, sweep, now=NOW)
    again = tuple(store.board_runs(Scope(sweep=sweep)))
    changed = [one for one, other in zip(again, runs, strict=True) if one != other]
    assert len(changed) == 1
    assert merged(runs[:3], [runs[3], *changed]) == again
    assert merged(tuple[Run, ...](), runs) == runs
