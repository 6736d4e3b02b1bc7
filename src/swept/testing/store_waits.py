"""The store's contract: whom a run with a checkpoint waits for, and how long."""

from __future__ import annotations

import pytest

from swept.errors import NotFound
from swept.model import Outcome
from swept.store.base import Store
from swept.testing.scenes import NOW, checkpoint, claim, end, filled, log, running, types


class Waits:
    """Cases of `StoreContract`."""

    def test_a_checkpoint_waits_for_an_agent_that_reaches_it(self, store: Store) -> None:
        lease = running(store, log(1, 4, loss=1.0), checkpoint(2, 4, host="disk-a"))
        end(store, lease, Outcome.RELEASED)
        sweep = lease.run.sweep
        assert claim(store, sweep, "r2") is None
        near = claim(store, sweep, "r3", reachable=frozenset({"disk-a"}))
        assert near
        assert near.run.checkpoint
        assert near.run.checkpoint.step == 4
        end(store, near, Outcome.RELEASED)
        far = claim(store, sweep, "r4", now=NOW + 301)
        assert far
        assert far.run.checkpoint is None
        assert "run.from_zero" in types(store, lease.run.id)

    def test_a_checkpoint_waits_for_its_writer_while_that_may_come(self, store: Store) -> None:
        sweep = filled(store).id
        writer = store.add_agent(sweep=sweep, host="h", kind="swept", slots=1, now=NOW).id
        lease = claim(store, sweep, agent=writer)
        assert lease
        run = lease.run.id
        store.report(run, lease.token, [log(1, 4, loss=1.0), checkpoint(2, 4)], now=NOW)
        assert not store.awaited(run, now=NOW)  # it is running
        end(store, lease, Outcome.RELEASED)
        assert store.run(run).pending_since == NOW
        store.touch_agent(writer, now=NOW + 400)
        assert store.awaited(run, now=NOW + 400)
        assert not store.awaited(run, now=NOW + 400, leaving=frozenset({writer}))
        assert claim(store, sweep, "r2", now=NOW + 400) is None
        assert not store.awaited(run, now=NOW + 461)  # not heard of
        store.touch_agent(writer, now=NOW + 1800)
        assert not store.awaited(run, now=NOW + 1800)  # it has had its time
        far = claim(store, sweep, "r3", now=NOW + 1800)
        assert far
        assert far.run.checkpoint is None
        with pytest.raises(NotFound):
            store.awaited("nobody", now=NOW)

    @pytest.mark.parametrize(
        ("kind", "gone"), [("wandb-cli", ""), ("swept", "ended"), ("swept", "leaving")]
    )
    def test_a_checkpoint_does_not_wait_for_who_takes_up_no_run(
        self, store: Store, kind: str, gone: str
    ) -> None:
        sweep = filled(store).id
        writer = store.add_agent(sweep=sweep, host="h", kind=kind, slots=1, now=NOW).id
        lease = claim(store, sweep, agent=writer)
        assert lease
        store.report(lease.run.id, lease.token, [checkpoint(1, 4)], now=NOW)
        end(store, lease, Outcome.PREEMPTED)
        store.touch_agent(writer, now=NOW + 400)
        if gone == "ended":
            store.end_agent(writer, now=NOW + 400)
        leaving = frozenset({writer} if gone == "leaving" else ())
        assert not store.awaited(lease.run.id, now=NOW + 400, leaving=leaving)
        far = claim(store, sweep, "r2", now=NOW + 400, leaving=leaving)
        assert far
        assert far.run.checkpoint is None
