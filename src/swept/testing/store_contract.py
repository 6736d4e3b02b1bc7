"""The store's contract as a test class: subclass it, give it your store, run pytest.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def reopen(self, tmp_path):
            return lambda: open_store(f"sqlite:///{tmp_path}/swept.db")

`reopen` opens the same data each time it is called; the class closes what it opens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from swept.errors import Conflict, LeaseLost, NotFound, UsageError
from swept.model import (
    Desired,
    File,
    Kind,
    Outcome,
    Row,
    RunState,
    SweepState,
)
from swept.store.base import MEASURED, RunFilter, Store
from swept.store.flat import PROGRAM_CONFIG
from swept.testing.scenes import (
    NOW,
    checkpoint,
    claim,
    curve,
    end,
    filled,
    log,
    program_config,
    resumed,
    running,
    start,
    types,
)
from swept.testing.store_artifacts import ArtifactVerbs
from swept.testing.store_board import BoardVerbs
from swept.testing.store_imports import ImportVerbs
from swept.testing.store_reads import ReadVerbs
from swept.testing.store_sweeps import SweepVerbs
from swept.testing.store_waits import Waits
from swept.wire.reports import Report


class StoreContract(SweepVerbs, ArtifactVerbs, ImportVerbs, ReadVerbs, BoardVerbs, Waits):
    """What every store must do. Subclasses override the fixture `reopen`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Store]:
        raise NotImplementedError("override the fixture `reopen`: it opens your store")

    @pytest.fixture
    def store(self, reopen: Callable[[], Store]) -> Iterator[Store]:
        store = reopen()
        yield store
        store.close()

    # -- claims and leases ------------------------------------------------------------------------

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

    # -- how attempts end -------------------------------------------------------------------------

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

    # -- reports and what is visible --------------------------------------------------------------

    def test_reports_are_taken_once_in_order_and_without_gaps(self, store: Store) -> None:
        lease = running(store)

        def report(*reports: Report) -> int:
            return store.report(lease.run.id, lease.token, reports, now=NOW).acknowledged

        assert report(log(1, 0, loss=3.0), log(2, 1, loss=2.0)) == 2
        assert report(log(2, 1, loss=9.0), log(3, 1, extra=1)) == 3
        assert report(log(5, 4, loss=0.0)) == 3
        assert [(row.step, dict(row.metrics)) for row in store.rows(lease.run.id)] == [
            (0, {"loss": 3.0}),
            (1, {"loss": 2.0, "extra": 1}),
        ]

    def test_only_the_objective_is_told_as_changed(self, store: Store) -> None:
        lease = running(store)
        changed = [
            store.report(lease.run.id, lease.token, [item], now=NOW).objective_changed
            for item in (log(1, 0, other=1), log(2, 0, loss=1.0), log(3, 0, loss=1.0))
        ]
        assert changed == [False, True, False]

    def test_special_numbers_survive(self, store: Store) -> None:
        values = [math.nan, math.inf, -math.inf, 1e308]
        lease = running(
            store,
            *(log(i, i, loss=value, deep={"x": [value]}) for i, value in enumerate(values, 1)),
        )
        for read in (
            [point.value for point in store.run(lease.run.id).curve],
            [point["value"] for point in store.points_after(0)],
            [row.metrics["loss"] for row in store.rows(lease.run.id)],
            [row.metrics["deep"]["x"][0] for row in store.rows(lease.run.id)],
        ):
            assert math.isnan(read[0])
            assert read[1:] == values[1:]
        assert store.run(lease.run.id).value == 1e308

    def test_a_number_that_no_column_takes_is_refused_for_good(self, store: Store) -> None:
        """Trying again is of no use: so it is no failure of the store."""
        lease = running(store)
        for act in (
            lambda: store.report(lease.run.id, lease.token, [log(1, 2**63, loss=1.0)], now=NOW),
            lambda: end(store, lease, Outcome.FAILED, exit_code=2**70),
            lambda: store.events(after=2**70),
        ):
            with pytest.raises(UsageError, match="cannot be kept"):
                act()
        order = store.report(lease.run.id, lease.token, [log(1, 2, loss=1.0)], now=NOW)
        assert order.acknowledged == 1

    def test_strange_text_survives(self, store: Store) -> None:
        lease = running(store, log(1, 0, note="nul \x00 surrogate \udc80 €"))
        assert store.rows(lease.run.id)[0].metrics["note"] == "nul \x00 surrogate \udc80 €"
        line: Any = {"number": 0, "text": "a\x00b\udc80", "stream": "stdout", "time": NOW}
        store.add_console(lease.run.id, 1, [line], now=NOW)
        assert store.console(lease.run.id)[0]["text"] == "a�b?"

    def test_a_resumed_attempt_hides_only_what_it_repeats(self, store: Store) -> None:
        lease = running(
            store, log(1, 1, loss=3.0), log(2, 2, loss=2.0), checkpoint(3, 2), log(4, 3, loss=1.0)
        )
        end(store, lease, Outcome.RELEASED)
        again = claim(store, lease.run.sweep, "r2", reachable=frozenset({"disk"}))
        assert again
        assert curve(again.run) == [(1, 3.0), (2, 2.0), (3, 1.0)]  # nothing hidden yet
        store.report(again.run.id, again.token, [resumed(1, 2), log(2, None, loss=9.0)], now=NOW)
        run = store.run(again.run.id)
        assert curve(run) == [(1, 3.0), (2, 2.0), (3, 9.0)]
        assert run.summary["loss"] == 9.0
        assert run.attempts[1].first_step == 3
        assert [row.attempt for row in store.rows(run.id)] == [1, 1, 2]

    def test_every_look_sees_what_came_since_the_last(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=3.0), checkpoint(2, 0))
        sweep, run = lease.run.sweep or "", lease.run.id

        def looks() -> list[list[tuple[int, float]]]:
            listed = store.runs(RunFilter(sweep=sweep))
            return [curve(one) for one in (*store.history(sweep).runs, *listed, store.run(run))]

        assert looks() == [[(0, 3.0)]] * 3
        store.report(run, lease.token, [log(3, 1, loss=2.0), log(4, 0, loss=1.0)], now=NOW)
        assert looks() == [[(0, 1.0), (1, 2.0)]] * 3
        end(store, lease, Outcome.RELEASED)
        again = claim(store, sweep, request="again", reachable=frozenset({"disk"}))
        assert again is not None
        store.report(run, again.token, [resumed(1, 0)], now=NOW)
        assert looks() == [[(0, 1.0)]] * 3

    def test_an_attempt_from_scratch_hides_everything(self, store: Store) -> None:
        lease = running(store, log(1, 5, loss=3.0, early=1), checkpoint(2, 5))
        end(store, lease, Outcome.RELEASED)
        again = claim(store, lease.run.sweep, "r2", now=NOW + 1000)
        assert again
        store.report(again.run.id, again.token, [log(1, None, loss=9.0)], now=NOW + 1000)
        run = store.run(again.run.id)
        assert curve(run) == [(0, 9.0)]
        assert run.summary == {"loss": 9.0}
        assert run.checkpoint is None

    def test_an_attempt_that_died_at_its_start_takes_no_history_away(self, store: Store) -> None:
        lease = running(store, log(1, 1, loss=3.0), checkpoint(2, 1))
        end(store, lease, Outcome.RELEASED)
        for index in range(2):
            dead = claim(store, lease.run.sweep, f"d{index}", reachable=frozenset({"disk"}))
            assert dead
            end(store, dead, Outcome.LOST)
        run = store.run(lease.run.id)
        assert curve(run) == [(1, 3.0)]
        assert run.resumable

    def test_rows_of_the_file_stream_are_merged_by_step(self, store: Store) -> None:
        lease = running(store)
        store.log_rows(lease.run.id, 1, [Row(0, {"loss": 1.0}), Row(1, {"a": {"b": 2}})], now=NOW)
        order = store.log_rows(
            lease.run.id, 1, [Row(0, {"loss": 2.0, "c": 3})], now=NOW, events=[Row(0, {"gpu": 1})]
        )
        assert order.objective_changed
        rows = store.rows(lease.run.id)
        assert [dict(row.metrics) for row in rows] == [{"loss": 2.0, "c": 3}, {"a": {"b": 2}}]
        assert store.run(lease.run.id).summary == {"loss": 2.0, "c": 3, "a": {"b": 2}}
        assert [dict(row.metrics) for row in store.system_rows(lease.run.id)] == [{"gpu": 1}]
        assert [row.step for row in store.rows(lease.run.id, since=1)] == [1]
        assert [row.step for row in store.rows(lease.run.id, before=1, limit=1)] == [0]

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

    def test_details_are_stored_with_their_rows_or_not_at_all(self, store: Store) -> None:
        run = running(store).run.id
        store.log_rows(
            run, 1, [Row(0, {"loss": 1.0})], now=NOW, details={"lines": 1, "tags": ["a"]}
        )
        with pytest.raises(UsageError):
            store.log_rows(run, 1, [Row(1 << 70, {"loss": 2.0})], now=NOW, details={"lines": 2})
        found = store.run(run)
        assert found.details == {"lines": 1, "tags": ["a"]}
        assert [point.step for point in found.curve] == [0]

    def test_a_late_row_of_the_file_stream_revives_a_crashed_run(self, store: Store) -> None:
        run = store.add_run(project="p", sweep=None, kind=Kind.MANUAL, config={}, now=NOW)
        store.open_attempt(run.id, agent="sdk", host="h", now=NOW, lease_seconds=180.0)
        (ended,) = store.expire(now=NOW + 180)
        assert ended.state is RunState.CRASHED  # manual runs never become pending
        store.log_rows(run.id, 1, [Row(0, {"x": 1})], now=NOW + 200)
        assert store.run(run.id).state is RunState.RUNNING

    def test_points_are_read_on_from_a_cursor(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=1.0), log(2, 1, loss=2.0))
        points = store.points_after(0, sweep=lease.run.sweep)
        assert [(point["step"], point["value"]) for point in points] == [(0, 1.0), (1, 2.0)]
        cursor = points[-1]["cursor"]
        assert store.points_after(cursor, run=lease.run.id) == []
        store.report(lease.run.id, lease.token, [log(3, 0, loss=5.0)], now=NOW)
        (changed,) = store.points_after(cursor, run=lease.run.id)
        assert (changed["step"], changed["value"]) == (0, 5.0)

    # -- runs outside a sweep, and everything around ----------------------------------------------

    def test_a_manual_run_is_taken_without_a_claim(self, store: Store) -> None:
        run = store.add_run(project="p", sweep=None, kind=Kind.MANUAL, config={}, now=NOW)
        lease = store.open_attempt(run.id, agent="sdk", host="h", now=NOW, lease_seconds=60.0)
        again = store.open_attempt(run.id, agent="sdk", host="h", now=NOW, lease_seconds=60.0)
        assert (again.attempt, again.token) == (2, lease.token)
        assert store.lease_of(lease.token) == (run.id, 2, True)
        with pytest.raises(Conflict):
            store.open_attempt(run.id, agent="other", host="h", now=NOW, lease_seconds=60.0)
        assert end(store, again, Outcome.FINISHED).run.curve == ()
        assert store.find_run("p", run.id) is not None
        assert store.find_run("q", run.id) is None
        assert store.runs(RunFilter(manual_only=True))[0].id == run.id

    def test_what_is_known_of_a_run_can_be_changed(self, store: Store) -> None:
        lease = running(store)
        change: Mapping[str, Any] = {
            "name": "n",
            "config": {"a": 1},
            "details": {"group": "g"},
            "effective": {"a": 2},
        }
        store.update_run(lease.run.id, now=NOW, summary={"x": math.inf}, **change)
        run = store.update_run(lease.run.id, now=NOW, summary={"y": 1})
        assert (run.name, run.config, run.details) == ("n", {"a": 1}, {"group": "g"})
        assert run.summary == {"x": math.inf, "y": 1}
        assert run.effective_config == {"a": 2}
        run = store.update_run(lease.run.id, now=NOW, summary={"z": 1}, replace_summary=True)
        assert run.summary == {"z": 1}

    def test_what_a_program_sets_beside_the_given_config_is_kept_and_found(
        self, store: Store
    ) -> None:
        lease = running(store, program_config(1, depth=3), program_config(2, width=8))
        run = store.run(lease.run.id)
        assert (run.config, run.effective_config) == (lease.run.config, None)
        assert run.details[PROGRAM_CONFIG] == {"depth": 3, "width": 8}

    def test_a_whole_summary_hides_what_was_logged_under_other_names(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=1.0, gone=2.0))
        run = store.update_run(lease.run.id, now=NOW, summary={"loss": 3}, replace_summary=True)
        assert run.summary == {"loss": 3}
        store.report(lease.run.id, lease.token, [log(2, 1, new=1.0)], now=NOW)
        assert store.run(lease.run.id).summary == {"loss": 3, "new": 1.0}

    @pytest.mark.parametrize("summary", [{"loss": 0.5}, {"loss": {"min": 0.5, "mean": 3}}])
    @pytest.mark.parametrize("outcome", [Outcome.FINISHED, Outcome.STOPPED])
    def test_an_objective_in_the_summary_alone_is_the_value_of_an_ended_run(
        self, store: Store, summary: dict[str, Any], outcome: Outcome
    ) -> None:
        lease = running(store, log(1, 3, other=1.0))
        store.update_run(lease.run.id, now=NOW, summary=summary, replace_summary=True)
        run = end(store, lease, outcome).run
        assert (run.value, curve(run)) == (0.5, [(3, 0.5)])

    def test_an_objective_in_the_rows_counts_whatever_the_summary_says(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=1.0), log(2, 1, loss=2.0))
        store.update_run(lease.run.id, now=NOW, summary={"loss": {"min": 1.0}})
        assert end(store, lease, Outcome.FINISHED).run.value == 2.0

    def test_the_summary_of_a_run_that_may_come_back_is_no_value_yet(self, store: Store) -> None:
        lease = running(store)
        store.update_run(lease.run.id, now=NOW, summary={"loss": 0.5})
        assert end(store, lease, Outcome.LOST, max_retries=0).run.curve == ()

    def test_a_summary_may_have_names_of_any_length(self, store: Store) -> None:
        lease = running(store)
        values = {"x" * 10_000: 1, "long": "y" * 100_000}
        run = store.update_run(lease.run.id, now=NOW, summary=values, replace_summary=True)
        assert run.summary == values

    def test_alerts_of_one_title_are_told_once_in_a_while(self, store: Store) -> None:
        lease = running(store)

        def alert(title: str, now: float) -> bool:
            return store.alert(
                lease.run.id, title=title, text="t", level="WARN", wait=60.0, now=now
            )

        told = [alert("a", NOW), alert("a", NOW + 59), alert("b", NOW + 59), alert("a", NOW + 60)]
        assert told == [True, False, True, True]
        assert [event.data["title"] for event in store.alerts(lease.run.id)] == ["a", "b", "a"]
        assert types(store, lease.run.id)[-1] == "run.alert"
        with pytest.raises(NotFound):
            store.alert("none", title="a", text="", level="INFO", wait=0.0, now=NOW)

    def test_only_an_idle_run_is_deleted_and_its_events_stay(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=1.0))
        with pytest.raises(Conflict):
            store.delete_run(lease.run.id, now=NOW)
        end(store, lease, Outcome.FINISHED)
        store.delete_run(lease.run.id, now=NOW)
        with pytest.raises(NotFound):
            store.run(lease.run.id)
        assert types(store, lease.run.id)[-1] == "run.deleted"
        assert store.points_after(0) == []

    def test_console_lines_are_replaced_and_followed(self, store: Store) -> None:
        lease = running(store)

        def write(number: int, text: str) -> None:
            line: Any = {"number": number, "text": text, "stream": "stdout", "time": NOW}
            store.add_console(lease.run.id, 1, [line], now=NOW)

        write(0, "a")
        write(1, "1 %")
        cursor = store.console(lease.run.id)[-1]["cursor"]
        write(1, "99 %")
        assert [line["text"] for line in store.console(lease.run.id, after=cursor)] == ["99 %"]
        assert [line["text"] for line in store.console(lease.run.id)] == ["a", "99 %"]

    def test_files_and_agents_are_kept(self, store: Store) -> None:
        lease = running(store)
        file = File(lease.run.id, "best.pt", 3, "d", NOW)
        store.add_file(file)
        store.add_file(file)
        assert store.files(lease.run.id) == [file]
        agent = store.add_agent(sweep=lease.run.sweep, host="h", kind="swept", slots=2, now=NOW)
        store.touch_agent(agent.id, now=NOW + 5)
        store.end_agent(agent.id, now=NOW + 6)
        (known,) = store.agents(lease.run.sweep)
        assert (known.id, known.last_seen, known.ended) == (agent.id, NOW + 6, NOW + 6)

    def test_the_position_is_behind_all_that_has_happened(self, store: Store) -> None:
        assert store.position() == (0, 0)
        running(store, log(1, 0, loss=1.0), log(2, 1, loss=2.0))
        last = store.events()[-1].number
        assert store.position() == (last, int(store.points_after(0)[-1]["cursor"]))

    def test_events_are_numbered_in_order_and_filtered(self, store: Store) -> None:
        lease, other = running(store), running(store)
        store.add_event("note", sweep=None, run=None, data={"type": "x", "n": math.nan}, now=NOW)
        events = store.events()
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert math.isnan(events[-1].data["n"])
        mine = store.events(sweep=lease.run.sweep)
        assert {event.sweep for event in mine} == {lease.run.sweep}
        assert store.events(after=mine[0].number, sweep=lease.run.sweep, limit=1) == [mine[1]]
        assert other.run.id not in {event.run for event in mine}

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
