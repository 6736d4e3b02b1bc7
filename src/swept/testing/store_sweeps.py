"""The part of the store's contract that is about sweeps, their specs, and suggestions; see `store_contract`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swept.errors import Conflict, NotFound
from swept.model import Continue, Desired, Kind, Outcome, Run, RunState, SweepState
from swept.store.base import RunFilter, Store
from swept.testing.scenes import (
    NOW,
    checkpoint,
    claim,
    curve,
    effective,
    end,
    filled,
    log,
    new_sweep,
    running,
    start,
)


class SweepVerbs:
    """What every store must do with sweeps. `StoreContract` has the fixtures."""

    # -- sweeps -----------------------------------------------------------------------------------

    def test_a_sweep_is_found_again_after_reopening(
        self, store: Store, reopen: Callable[[], Store]
    ) -> None:
        sweep = store.create_sweep(new_sweep("/a.yaml"), now=NOW)
        again = reopen()
        try:
            assert again.sweep(sweep.id) == sweep
            assert sweep.state is SweepState.PENDING
            assert sweep.spec == {"method": "random"}
        finally:
            again.close()

    def test_an_unknown_thing_is_said_to_be_unknown(self, store: Store) -> None:
        for ask in (store.sweep, store.run, store.agent, store.history, store.rows, store.files):
            with pytest.raises(NotFound):
                ask("nothing")
        assert store.lease_of("local-0") is None
        assert store.find_run("project", "nothing") is None

    def test_launching_a_path_twice_gives_one_sweep(self, store: Store) -> None:
        first, created = store.find_or_create_sweep(new_sweep("/a.yaml"), now=NOW)
        again, created_again = store.find_or_create_sweep(new_sweep("/a.yaml"), now=NOW)
        assert (created, created_again) == (True, False)
        assert again.id == first.id
        store.set_sweep_state(first.id, SweepState.CANCELLED, reason="", now=NOW)
        other, created = store.find_or_create_sweep(new_sweep("/a.yaml"), now=NOW)
        assert created
        assert [sweep.id for sweep in store.sweeps()] == [other.id, first.id]

    def test_finishing_a_sweep_stops_paused_and_kills_pending_runs(self, store: Store) -> None:
        sweep = filled(store, start(n=1), start(n=2))
        lease = claim(store, sweep.id)
        assert lease
        store.report(lease.run.id, lease.token, [log(1, 0, loss=1.0), checkpoint(2, 0)], now=NOW)
        end(store, lease, Outcome.PAUSED)
        store.set_sweep_state(sweep.id, SweepState.FINISHED, reason="grid exhausted", now=NOW)
        assert [run.state for run in store.runs(RunFilter(sweep=sweep.id))] == [
            RunState.STOPPED,
            RunState.KILLED,
        ]
        assert store.sweep(sweep.id).ended_because == "grid exhausted"
        assert claim(store, sweep.id, "r2") is None

    def test_a_paused_run_of_a_finished_sweep_keeps_why_it_was_paused(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=1.0), checkpoint(2, 0))
        sweep = lease.run.sweep
        assert sweep
        store.set_desired(lease.run.id, Desired.PAUSE, reason="hopeless", by="search", now=NOW)
        assert end(store, lease, Outcome.PAUSED).state is RunState.PAUSED
        store.set_sweep_state(sweep, SweepState.FINISHED, reason="the budget is used up", now=NOW)
        assert store.run(lease.run.id).ended_because == (
            "hopeless (the sweep ended before it was continued)"
        )

    def test_cancelling_a_sweep_orders_its_running_runs_to_stop(self, store: Store) -> None:
        lease = running(store)
        assert lease.run.sweep
        store.set_sweep_state(lease.run.sweep, SweepState.CANCELLED, reason="me", now=NOW)
        run = store.run(lease.run.id)
        assert (run.state, run.desired) == (RunState.RUNNING, Desired.STOP)
        assert run.desired_why == "cancelled"
        assert end(store, lease, Outcome.STOPPED).state is RunState.KILLED
        with pytest.raises(Conflict):
            store.set_sweep_state(lease.run.sweep, SweepState.RUNNING, reason="", now=NOW)

    def test_sweep_states_leave_final_runs_alone(self, store: Store) -> None:
        sweep = filled(store)
        final = store.add_run(
            project="project", sweep=sweep.id, kind=Kind.FINAL, config={}, now=NOW
        )
        store.set_sweep_state(sweep.id, SweepState.CANCELLED, reason="", now=NOW)
        lease = claim(store, sweep.id, run=final.id)
        assert lease is not None
        assert lease.run.id == final.id

    def test_a_paused_sweep_gives_out_nothing(self, store: Store) -> None:
        sweep = filled(store)
        store.set_sweep_state(sweep.id, SweepState.PAUSED, reason="", now=NOW)
        assert claim(store, sweep.id) is None
        store.set_sweep_state(sweep.id, SweepState.RUNNING, reason="", now=NOW)
        assert claim(store, sweep.id) is not None

    def test_an_edit_withdraws_what_never_started_and_stales_the_fill(self, store: Store) -> None:
        sweep = filled(store, start(n=1), start(n=2))
        lease = claim(store, sweep.id)
        assert lease
        token = store.history(sweep.id).token
        edited = store.update_spec(sweep.id, new_sweep(), now=NOW)
        assert edited.spec_version == 2
        history = store.history(sweep.id)
        assert [run.state for run in history.runs] == [RunState.RUNNING, RunState.KILLED]
        assert history.counted() == 1
        assert store.add(sweep.id, token, [start()], now=NOW) is None
        added = store.add(sweep.id, history.token, [start()], now=NOW)
        assert added
        assert added[0].spec_version == 2

    def test_an_edit_withdraws_a_baseline_that_never_started(self, store: Store) -> None:
        sweep = filled(store, start(), start(kind=Kind.BASELINE))
        store.update_spec(sweep.id, new_sweep(), now=NOW)
        assert {run.state for run in store.history(sweep.id).runs} == {RunState.KILLED}

    def test_an_edited_objective_is_read_from_the_rows_again(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=1.0, score=7))
        assert lease.run.sweep
        store.update_spec(lease.run.sweep, new_sweep(metric="score"), now=NOW)
        assert curve(store.run(lease.run.id)) == [(0, 7.0)]

    @pytest.mark.parametrize(
        ("outcome", "kept"),
        [
            (Outcome.FINISHED, [(3, 0.5)]),
            (Outcome.STOPPED, [(3, 0.5)]),
            (Outcome.FAILED, []),
        ],
    )
    def test_an_objective_in_the_summary_alone_outlives_an_edit_and_its_undoing(
        self, store: Store, outcome: Outcome, kept: list[tuple[int, float]]
    ) -> None:
        lease = running(store, log(1, 3, other=1.0))
        run, sweep = lease.run.id, lease.run.sweep
        assert sweep
        store.update_run(run, summary={"loss": 0.5, "score": 7}, now=NOW)
        end(store, lease, outcome)
        assert curve(store.run(run)) == kept
        store.update_spec(sweep, new_sweep(metric="score"), now=NOW)
        assert curve(store.run(run)) == [(step, 7.0) for step, _ in kept]
        store.update_spec(sweep, new_sweep(metric="loss"), now=NOW)
        assert curve(store.run(run)) == kept

    def test_every_version_of_a_spec_is_kept(self, store: Store) -> None:
        first, second = new_sweep(metric="loss"), new_sweep(metric="score")
        sweep = store.create_sweep(first, now=NOW)
        store.update_spec(sweep.id, second, now=NOW)
        specs = [store.spec_of(sweep.id, version) for version in (1, 2)]
        assert specs == [first.spec, second.spec]
        for unknown in ((sweep.id, 3), ("nobody", 1)):
            with pytest.raises(NotFound):
                store.spec_of(*unknown)

    def test_a_search_that_is_done_ends_only_a_sweep_that_is_idle(self, store: Store) -> None:
        sweep = filled(store).id
        seen = store.history(sweep).token
        assert store.finish_idle(sweep, seen, reason="done", now=NOW) is None  # a run is pending
        assert not store.idle(sweep)
        lease = claim(store, sweep)
        assert lease is not None
        assert store.finish_idle(sweep, seen, reason="done", now=NOW) is None  # and running
        assert not store.idle(sweep)
        end(store, lease, Outcome.FINISHED)
        assert store.idle(sweep)
        store.set_sweep_state(sweep, SweepState.PAUSED, reason="", now=NOW)
        assert store.finish_idle(sweep, seen, reason="done", now=NOW) is None  # it has changed
        token = store.history(sweep).token
        finished = store.finish_idle(sweep, token, reason="done", now=NOW)
        assert finished is not None
        assert (finished.state, finished.ended_because) == (SweepState.FINISHED, "done")

    # -- suggestions ------------------------------------------------------------------------------

    def test_a_fill_is_applied_once(self, store: Store) -> None:
        sweep = store.create_sweep(new_sweep(), now=NOW)
        token = store.history(sweep.id).token
        assert store.add(sweep.id, token, [start(n=1)], now=NOW)
        assert store.add(sweep.id, token, [start(n=2)], now=NOW) is None
        assert [run.number for run in store.history(sweep.id).runs] == [1]

    def test_new_metrics_do_not_stale_a_fill_but_states_do(self, store: Store) -> None:
        lease = running(store)
        sweep = lease.run.sweep
        assert sweep
        token = store.history(sweep).token
        store.report(lease.run.id, lease.token, [log(1, 0, loss=1.0)], now=NOW)
        assert store.add(sweep, token, [start()], now=NOW)
        token = store.history(sweep).token
        store.set_sweep_state(sweep, SweepState.PAUSED, reason="", now=NOW)
        assert store.add(sweep, token, [start()], now=NOW) is None

    def test_the_search_continues_only_what_it_paused_itself(self, store: Store) -> None:
        for by, state in (("search", RunState.PENDING), ("person", RunState.PAUSED)):
            lease = running(store, log(1, 3, loss=1.0), checkpoint(2, 3))
            store.set_desired(lease.run.id, Desired.PAUSE, reason="rung", by=by, now=NOW)
            assert end(store, lease, Outcome.PAUSED).run.paused_by == by
            sweep = lease.run.sweep
            assert sweep
            ahead = Continue(lease.run.id, {"reason": "promoted"})
            store.add(sweep, store.history(sweep).token, [ahead], now=NOW)
            assert store.run(lease.run.id).state is state
            reasons = [order.data["reason"] for order in store.orders(lease.run.id)]
            assert reasons == ["rung", "promoted"][: 2 if by == "search" else 1]

    def test_add_run_finds_the_usable_run_of_the_same_key(self, store: Store) -> None:
        parent = running(store).run

        def train() -> Run:
            return store.add_run(
                project="project",
                sweep=parent.sweep,
                kind=Kind.FINAL,
                config={"b": 1, "a": 2},
                parent=parent.id,
                now=NOW,
                reuse=True,
            )

        first = train()
        assert train().id == first.id
        store.set_desired(first.id, Desired.STOP, reason="", by="person", now=NOW)
        assert train().id != first.id

    def test_enqueueing_opens_a_finished_sweep(self, store: Store) -> None:
        sweep = filled(store)
        store.set_sweep_state(sweep.id, SweepState.FINISHED, reason="", now=NOW)
        store.add_run(project="project", sweep=sweep.id, kind=Kind.SEARCH, config={}, now=NOW)
        assert store.sweep(sweep.id).state is SweepState.RUNNING

    # -- prior runs -------------------------------------------------------------------------------

    def test_a_prior_is_a_copy_that_is_seen_and_never_counted_or_given_out(
        self, store: Store
    ) -> None:
        lease = running(store, log(1, 0, loss=2.0, score=5), log(2, 3, loss=1.0), effective(3, b=2))
        end(store, lease, Outcome.STOPPED)
        sweep = store.create_sweep(new_sweep(), now=NOW)
        token = store.history(sweep.id).token
        (prior,) = store.add_priors(sweep.id, [lease.run.id], now=NOW)
        assert (prior.kind, prior.state) == (Kind.PRIOR, RunState.STOPPED)
        assert (prior.sweep, prior.parent) == (sweep.id, lease.run.id)
        assert curve(prior) == [(0, 2.0), (3, 1.0)]
        assert (prior.summary["score"], prior.effective_config) == (5, {"b": 2})
        assert store.rows(prior.id) == store.rows(lease.run.id)
        history = store.history(sweep.id)
        assert (history.runs, history.counted()) == ((prior,), 0)
        assert store.add(sweep.id, token, [start()], now=NOW) is None  # made without it
        assert claim(store, sweep.id, kinds=frozenset(Kind)) is None
        with pytest.raises(Conflict):
            store.open_attempt(prior.id, agent="a", host="h", now=NOW, lease_seconds=60)

    def test_a_prior_is_added_once_and_outlives_its_original(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=2.0))
        assert lease.run.sweep
        end(store, lease, Outcome.FINISHED)
        sweep = store.create_sweep(new_sweep(), now=NOW)
        first = store.add_priors(sweep.id, [lease.run.id, lease.run.id], now=NOW)
        assert store.add_priors(sweep.id, [lease.run.id], now=NOW) == first
        assert store.add_priors(lease.run.sweep, [lease.run.id], now=NOW) == []  # its own
        store.delete_run(lease.run.id, now=NOW)
        (kept,) = store.history(sweep.id).runs
        assert (kept.parent, curve(kept)) == (None, [(0, 2.0)])

    def test_an_objective_that_stands_in_the_summary_alone_is_one_point(self, store: Store) -> None:
        lease = running(store, log(1, 4, speed=1))
        store.update_run(lease.run.id, summary={"loss": 0.5}, now=NOW)
        end(store, lease, Outcome.FINISHED)
        sweep = store.create_sweep(new_sweep(), now=NOW)
        (prior,) = store.add_priors(sweep.id, [lease.run.id], now=NOW)
        assert curve(prior) == [(4, 0.5)]
        assert store.rows(prior.id)[0].metrics == {"speed": 1, "loss": 0.5}

    def test_only_runs_that_are_over_become_priors(self, store: Store) -> None:
        ended, under_way = running(store), running(store)
        end(store, ended, Outcome.FINISHED)
        sweep = store.create_sweep(new_sweep(), now=NOW)
        for name, error in ((under_way.run.id, Conflict), ("nobody", NotFound)):
            with pytest.raises(error):
                store.add_priors(sweep.id, [ended.run.id, name], now=NOW)
        assert store.history(sweep.id).runs == ()
