"""The part of the store's contract that is about an agent's figures of the machine; see `store_contract`."""

from __future__ import annotations

import pytest

from swept.errors import LeaseLost
from swept.model import Outcome, Row, RunState
from swept.store.base import MEASURED, Store
from swept.testing.scenes import NOW, claim, end, log, running


class Measured:
    """Cases of `StoreContract`."""

    def test_system_metrics_of_an_agent_make_room_for_those_of_the_program(
        self, store: Store
    ) -> None:
        run = running(store).run.id
        mine = [Row(MEASURED + second, {"cpu": second}) for second in (1, 2)]
        assert store.add_measured(run, 1, mine, now=NOW)
        assert store.add_measured(run, 1, mine, now=NOW), "the same again changes nothing"
        assert [row.step for row in store.system_rows(run)] == [MEASURED + 1, MEASURED + 2]
        assert [row.step for row in store.system_rows(run, limit=1)] == [MEASURED + 1]
        assert [row.step for row in store.system_rows(run, since=MEASURED + 2)] == [MEASURED + 2]
        store.log_rows(run, 1, [], now=NOW, events=[Row(0, {"gpu": 1})])
        assert [row.step for row in store.system_rows(run)] == [0]
        assert not store.add_measured(run, 1, mine, now=NOW)
        assert [row.step for row in store.system_rows(run)] == [0]

    def test_system_metrics_of_an_agent_thin_out_with_age(self, store: Store) -> None:
        run = running(store).run.id
        store.add_measured(run, 1, [Row(MEASURED + at, {"cpu": at}) for at in (0, 15, 59)], now=NOW)
        assert [row.step - MEASURED for row in store.system_rows(run)] == [0, 15, 59]
        later = [Row(MEASURED + at, {"cpu": at}) for at in range(600, 8_000, 15)]
        store.add_measured(run, 1, later, now=NOW)
        found = [row.step - MEASURED for row in store.system_rows(run)]
        whole = [row.step - MEASURED for row in later if row.step - MEASURED >= 7_995 - 3_600]
        assert found == [0, *range(600, 4_380, 60), 4_380, *whole]

    def test_system_metrics_of_an_agent_outlive_their_attempt(self, store: Store) -> None:
        """Those of the program go with its other rows, and the next attempt of it numbers its own from 0 again."""
        for number, (step, kept) in enumerate(((0, []), (MEASURED + 5, [(1, MEASURED + 5)]))):
            lease = running(store, log(1, 1, loss=3.0))
            rows = [Row(step, {"cpu": 1})]
            if step < MEASURED:
                store.log_rows(lease.run.id, 1, [], now=NOW, events=rows)
            else:
                store.add_measured(lease.run.id, 1, rows, now=NOW)
            end(store, lease, Outcome.RELEASED)
            again = claim(store, lease.run.sweep, f"again {number}")
            assert again
            store.report(again.run.id, again.token, [log(1, 0, loss=2.0)], now=NOW)
            rows = store.system_rows(lease.run.id)
            assert [(row.attempt, row.step) for row in rows] == kept

    def test_system_metrics_of_an_agent_are_no_sign_of_life(self, store: Store) -> None:
        lease = running(store)
        run, rows = lease.run.id, [Row(MEASURED + 1, {"cpu": 1})]
        store.add_measured(run, 1, rows, now=lease.expires - 1)
        (lost,) = store.expire(now=lease.expires)
        assert lost.state is RunState.PENDING, "nothing was renewed"
        told = store.position()
        assert store.add_measured(run, 1, rows, now=lease.expires + 1), "of what happened before"
        assert store.run(run).state is RunState.PENDING
        assert store.position() == told
        assert claim(store, lease.run.sweep, "again", now=lease.expires + 2)
        with pytest.raises(LeaseLost):
            store.add_measured(run, 1, rows, now=lease.expires + 3)
