"""The part of the store's contract that is about how attempts end, and what was ordered meanwhile; see `store_contract`."""

from __future__ import annotations

import pytest

from swept.errors import Conflict
from swept.model import Desired, Outcome, RunState
from swept.store.base import RunFilter, Store
from swept.testing.scenes import NOW, checkpoint, claim, end, filled, log, running, start


class Endings:
    """Cases of `StoreContract`."""

    @pytest.mark.parametrize(
        ("outcome", "state"),
        [
            (Outcome.FINISHED, RunState.FINISHED),
            (Outcome.FAILED, RunState.FAILED),
            (Outcome.STOPPED, RunState.STOPPED),
            (Outcome.KILLED, RunState.KILLED),
            (Outcome.PAUSED, RunState.PENDING),  # no checkpoint
            (Outcome.RELEASED, RunState.PENDING),
            (Outcome.PREEMPTED, RunState.PENDING),
            (Outcome.OOM, RunState.PENDING),
            (Outcome.LOST, RunState.PENDING),
        ],
    )
    def test_an_outcome_is_answered_the_same_twice(
        self, store: Store, outcome: Outcome, state: RunState
    ) -> None:
        lease = running(store)
        first = end(store, lease, outcome, exit_code=3)
        assert first.state is state
        assert first.retried == (outcome in (Outcome.OOM, Outcome.LOST))
        assert first.run.attempts[0].exit_code == 3
        events = store.events()
        again = end(store, lease, Outcome.FAILED)
        assert (again.state, again.retried) == (first.state, first.retried)
        assert store.events() == events

    def test_retries_run_out(self, store: Store) -> None:
        sweep = filled(store)
        states = []
        for index in range(3):
            lease = claim(store, sweep.id, f"r{index}")
            assert lease
            states.append(end(store, lease, Outcome.LOST, max_retries=2).state)
        assert states == [RunState.PENDING, RunState.PENDING, RunState.CRASHED]

    def test_lost_leases_use_the_retries_of_their_runs(self, store: Store) -> None:
        sweep = filled(store, start(n=1), start(n=2)).id
        leases = [claim(store, sweep, request=f"r{number}") for number in (1, 2)]
        first, second = (lease.run.id for lease in leases if lease)
        late = NOW + 1000
        assert [run.id for run in store.overdue(now=NOW)] == []
        assert {run.id for run in store.overdue(now=late)} == {first, second}
        ended = store.expire(now=late, retries={first: 0})
        assert {one.run.id: one.state for one in ended} == {
            first: RunState.CRASHED,
            second: RunState.PENDING,
        }
        assert store.overdue(now=late) == []

    def test_the_runs_that_ended_last_are_listed(self, store: Store) -> None:
        sweep = filled(store, *(start(n=n) for n in range(4))).id
        leases = [claim(store, sweep, request=f"r{number}") for number in range(4)]
        for after, lease in enumerate(lease for lease in leases[1:] if lease):
            end(store, lease, Outcome.FINISHED, now=NOW + after)
        listed = store.runs(RunFilter(sweep=sweep, ended_last=2))
        assert [run.number for run in listed] == [3, 4]

    @pytest.mark.parametrize("outcome", [Outcome.RELEASED, Outcome.LOST, Outcome.OOM])
    def test_a_stop_that_was_ordered_holds_whatever_ended_the_attempt(
        self, store: Store, outcome: Outcome
    ) -> None:
        lease = running(store)
        store.set_desired(lease.run.id, Desired.STOP, reason="bad", by="search", now=NOW, step=3)
        assert end(store, lease, outcome).state is RunState.STOPPED
        told = [event for event in store.events(run=lease.run.id) if event.type == "run.decided"]
        assert [event.data["step"] for event in told] == [3]

    def test_orders_act_at_once_on_idle_runs(self, store: Store) -> None:
        pending = store.history(filled(store).id).runs[0]
        killed = store.set_desired(pending.id, Desired.STOP, reason="no", by="person", now=NOW)
        assert (killed.state, killed.ended_because) == (RunState.KILLED, "no")
        with pytest.raises(Conflict):
            store.set_desired(pending.id, Desired.GO, reason="", by="person", now=NOW)
        late = store.set_desired(pending.id, Desired.STOP, reason="late", by="search", now=NOW)
        assert late == killed

    def test_a_person_pauses_and_resumes(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=1.0), checkpoint(2, 0))
        store.set_desired(lease.run.id, Desired.PAUSE, reason="", by="person", now=NOW)
        store.set_desired(lease.run.id, Desired.GO, reason="late", by="search", now=NOW)
        order = store.heartbeat("agent", {lease.run.id: lease.token}, now=NOW)[lease.run.id]
        assert order
        assert order.desired is Desired.PAUSE
        assert end(store, lease, Outcome.PAUSED).state is RunState.PAUSED
        run = store.set_desired(lease.run.id, Desired.GO, reason="", by="person", now=NOW)
        assert (run.state, run.desired, run.paused_by) == (RunState.PENDING, Desired.GO, "")
