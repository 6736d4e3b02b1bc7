"""The part of the store's contract that is about what runs report, and what of it is visible; see `store_contract`."""

from __future__ import annotations

import math
from typing import Any

import pytest

from swept.errors import UsageError
from swept.model import Kind, Outcome, Row, RunState
from swept.store.base import RunFilter, Store
from swept.testing.scenes import NOW, checkpoint, claim, curve, end, log, resumed, running
from swept.wire.reports import Report


class ReportVerbs:
    """Cases of `StoreContract`."""

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
