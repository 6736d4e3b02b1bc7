"""The part of the store's contract that is about runs outside of sweeps, and all that is kept around a run; see `store_contract`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from swept.errors import Conflict, NotFound
from swept.model import File, Kind, Outcome
from swept.store.base import RunFilter, Store
from swept.store.flat import PROGRAM_CONFIG
from swept.testing.scenes import NOW, end, log, program_config, running, types


class RunVerbs:
    """Cases of `StoreContract`."""

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
