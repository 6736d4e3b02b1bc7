"""The part of the store's contract that is about claims and their leases; see `store_contract`."""

from __future__ import annotations

import pytest

from swept.errors import Conflict, LeaseLost
from swept.model import Desired, Kind, Outcome, RunState, SweepState
from swept.store.base import Store
from swept.testing.scenes import NOW, claim, end, filled, log, running, start, types


class Leases:
    """Cases of `StoreContract`."""

    def test_a_claim_starts_an_attempt_and_the_sweep(self, store: Store) -> None:
        sweep = filled(store, start(n=1), start(Kind.BASELINE, n=0))
        lease = claim(store, sweep.id)
        assert lease is not None
        assert lease.run.kind is Kind.BASELINE
        assert (lease.run.state, lease.attempt) == (RunState.RUNNING, 1)
        assert lease.expires == NOW + 60
        assert store.sweep(sweep.id).state is SweepState.RUNNING
        assert types(store, lease.run.id) == ["run.created", "run.claimed"]
        assert store.lease_of(lease.token) == (lease.run.id, 1, True)

    def test_the_newest_lease_of_a_run_is_known_also_when_it_is_over(self, store: Store) -> None:
        lease = running(store)
        store.expire(now=lease.expires)
        known = store.lease(lease.run.id)
        assert known
        assert known.token == lease.token
        again = claim(store, lease.run.sweep, "r2")
        assert again
        known = store.lease(lease.run.id)
        assert known
        assert (known.token, known.attempt) == (again.token, 2)

    def test_the_same_request_gets_the_same_lease_while_it_lives(self, store: Store) -> None:
        sweep = filled(store, start(n=1), start(n=2))
        first, again = claim(store, sweep.id), claim(store, sweep.id)
        assert first
        assert again
        assert first.token == again.token
        end(store, first, Outcome.FINISHED)
        other = claim(store, sweep.id)
        assert other
        assert other.run.id != first.run.id

    def test_a_request_belongs_to_its_agent(self, store: Store) -> None:
        sweep = filled(store).id
        assert claim(store, sweep, request="r1")
        with pytest.raises(Conflict):
            claim(store, sweep, request="r1", agent="another")

    def test_a_stale_token_changes_nothing(self, store: Store) -> None:
        old = running(store, log(1, 0, loss=1.0))
        store.expire(now=old.expires + 1)
        new = claim(store, old.run.sweep, "r2", now=NOW + 62)
        assert new
        assert new.attempt == 2
        before = store.run(old.run.id), store.events()
        beat = store.heartbeat("agent", {old.run.id: old.token}, now=NOW + 63)
        assert beat == {old.run.id: None}
        with pytest.raises(LeaseLost):
            store.report(old.run.id, old.token, [log(2, 1, loss=0.0)], now=NOW + 63)
        with pytest.raises(LeaseLost):
            end(store, old, Outcome.FINISHED, now=NOW + 63)
        assert (store.run(old.run.id), store.events()) == before

    @pytest.mark.parametrize("retries", [3, 0])
    def test_an_expired_token_that_nobody_reclaimed_takes_its_run_back(
        self, store: Store, retries: int
    ) -> None:
        lease = running(store)
        (ended,) = store.expire(now=lease.expires, max_retries=retries)
        assert ended.state is (RunState.PENDING if retries else RunState.CRASHED)
        assert ended.retried == bool(retries)
        late = lease.expires + 100
        store.report(lease.run.id, lease.token, [log(1, 0, loss=1.0)], now=late)
        run = store.run(lease.run.id)
        assert (run.state, run.retries, len(run.attempts)) == (RunState.RUNNING, 0, 1)
        assert run.attempts[0].ended is None
        assert end(store, lease, Outcome.FINISHED, now=late).state is RunState.FINISHED

    def test_heartbeats_renew_and_a_new_period_renews_all(self, store: Store) -> None:
        lease = running(store)
        orders = store.heartbeat("agent", {lease.run.id: lease.token}, now=NOW + 50)
        order = orders[lease.run.id]
        assert order
        assert order.desired is Desired.GO
        assert store.expire(now=NOW + 70) == []
        assert store.live_leases(now=NOW + 70) == 1
        assert store.start_period(now=NOW + 5000) == 1
        assert store.expire(now=NOW + 5050) == []
        assert len(store.expire(now=NOW + 5060)) == 1

    def test_overrides_reach_the_next_claim(self, store: Store) -> None:
        sweep = filled(store, start(batch=64, optimizer={"lr": 0.1}))
        lease = claim(store, sweep.id)
        assert lease
        smaller = {"batch": 48, "optimizer.lr": 0.05}
        ended = end(store, lease, Outcome.OOM, overrides=smaller)
        assert (ended.state, ended.retried, ended.run.retries) == (RunState.PENDING, True, 1)
        again = claim(store, sweep.id, "r2")
        assert again
        assert again.run.config == {"batch": 48, "optimizer": {"lr": 0.05}}
        assert store.run(lease.run.id).config["batch"] == 64

    def test_a_wandb_agent_never_gets_a_run_twice(self, store: Store) -> None:
        agent = store.add_agent(sweep=None, host="h", kind="wandb-cli", slots=1, now=NOW)
        sweep = filled(store)
        lease = claim(store, sweep.id, agent=agent.id)
        assert lease
        (ended,) = store.expire(now=NOW + 60)
        assert ended.state is RunState.CRASHED
        ours = running(store)
        end(store, ours, Outcome.RELEASED)
        assert claim(store, ours.run.sweep, "r2", agent=agent.id) is None
        assert claim(store, ours.run.sweep, "r3") is not None
