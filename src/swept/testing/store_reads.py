"""The part of the store's contract that is about lists of runs and long histories; see `store_contract`."""

from __future__ import annotations

import json

import pytest

from swept.errors import NotFound, UsageError
from swept.model import File, Kind, Outcome, Row
from swept.store.base import Lease, Store
from swept.store.conditions import All, Among, Compares, Exists, Not, Property, Sort, Value
from swept.testing.scenes import NOW, claim, end, log, running, types

MANUAL = frozenset({Kind.MANUAL})
LR = Value("config", ("lr",))
EVERYTHING = All()


def _runs(store: Store, *rates: float | str | None) -> list[str]:
    made = [
        store.add_run(
            project="project",
            sweep=None,
            kind=Kind.MANUAL,
            config={} if lr is None else {"lr": lr},
            now=NOW + index,
        )
        for index, lr in enumerate(rates)
    ]
    return [run.id for run in made]


def _tried_again(store: Store) -> Lease:
    """A run with rows of two attempts: steps 0 and 1 of the first, 0 of the second, which begins afresh."""
    old = running(store, log(1, 0, loss=1.0), log(2, 1, loss=float("nan")))
    store.log_rows(old.run.id, 1, (), now=NOW, events=[Row(step, {"cpu": step}) for step in (0, 1)])
    store.expire(now=old.expires)
    new = claim(store, old.run.sweep, "r2", now=old.expires)
    assert new
    store.report(new.run.id, new.token, [log(1, 0, acc=0.5)], now=old.expires)
    return new


class ReadVerbs:
    """What every store must do where much is read. `StoreContract` has the fixtures."""

    def test_runs_are_selected_sorted_and_paged(self, store: Store) -> None:
        low, text, high, without = _runs(store, 1, "auto", 3, None)
        up, down = [Sort(LR)], [Sort(LR, descending=True)]

        def pages(order: list[Sort]) -> list[str]:
            found, after, more = [], "", True
            while more:
                page = store.select_runs(
                    "project", EVERYTHING, order, kinds=MANUAL, limit=2, after=after
                )
                found += [run.id for run in page.runs]
                after, more = page.cursors[-1], page.more
            return found

        assert pages(up) == [low, high, text, without]
        assert pages(down) == [text, high, low, without]
        assert pages([]) == [low, text, high, without]
        assert store.count_runs("project", Compares(LR, ">", 2), kinds=MANUAL) == 1
        assert store.count_runs("project", Not(Exists(LR)), kinds=MANUAL) == 1
        assert store.count_runs("project", EVERYTHING, kinds=frozenset({Kind.SEARCH})) == 0
        assert store.count_runs("another", EVERYTHING, kinds=MANUAL) == 0

    def test_a_cursor_belongs_to_its_order(self, store: Store) -> None:
        _runs(store, 1, 2)
        page = store.select_runs("project", EVERYTHING, [Sort(LR)], kinds=MANUAL, limit=1)
        for cursor in (page.cursors[0], "nonsense", "é"):
            with pytest.raises(UsageError):
                store.select_runs("project", EVERYTHING, kinds=MANUAL, limit=1, after=cursor)

    def test_runs_are_selected_by_their_agent_and_by_what_they_logged(self, store: Store) -> None:
        lease = running(store, log(1, 0, loss=1.5))
        kinds = frozenset({Kind.SEARCH})
        for condition in (
            Among(Property("agent"), ("agent",)),
            Among(Value("summary", ("loss",)), (1.5,)),
            Compares(Property("heartbeat"), ">=", NOW),
        ):
            page = store.select_runs("project", condition, kinds=kinds, limit=9)
            assert [run.id for run in page.runs] == [lease.run.id]
        store.report(lease.run.id, lease.token, [log(2, 1, loss=0.5)], now=NOW)
        gone = Among(Value("summary", ("loss",)), (1.5,))
        assert store.count_runs("project", gone, kinds=kinds) == 0

    def test_rows_are_given_as_texts(self, store: Store) -> None:
        run = _tried_again(store).run.id
        assert store.row_texts(run) == [(0, NOW, '{"acc":0.5}')]
        assert store.row_texts(run, since=1) == []
        first = running(store, log(1, 0, loss=float("nan"))).run.id
        ((_, _, text),) = store.row_texts(first)
        assert json.loads(text) == {"loss": "NaN"}
        with pytest.raises(NotFound):
            store.row_texts("none")

    def test_a_history_has_an_outline(self, store: Store) -> None:
        run = _tried_again(store).run.id
        (manual,) = _runs(store, 1)
        found = store.outlines([run, manual, "none"])
        assert (found[run].names, found[run].last_step) == (("acc", "loss"), 0)
        assert (found[manual].names, found[manual].last_step) == ((), None)
        assert "none" not in found
        newest = store.newest_system_rows([run, manual])
        assert list(newest) == [run]
        assert newest[run][0] == 1
        amounts = store.amounts(run)
        assert (amounts.rows, amounts.lines) == (1, 0)

    def test_console_lines_have_places(self, store: Store) -> None:
        lease = running(store)
        for number in (0, 1, 2, 0):
            line = {"number": number, "text": f"line {number}", "stream": "stdout", "time": NOW}
            store.add_console(lease.run.id, 1, [line], now=NOW)  # type: ignore[list-item]
        page = store.console_page(lease.run.id, after=1, limit=1)
        assert [(line["place"], line["text"]) for line in page] == [(2, "line 1")]
        last = store.console_page(lease.run.id, limit=2, last=True)
        assert [line["place"] for line in last] == [2, 3]
        assert store.amounts(lease.run.id).lines == 3
        assert store.outlines([lease.run.id])[lease.run.id].lines == 4, "followers see it again"

    def test_a_run_shows_when_it_last_lived(self, store: Store) -> None:
        lease = running(store)
        store.report(lease.run.id, lease.token, [log(1, 0, loss=1.0)], now=NOW + 5)
        assert store.heartbeat_of(lease.run.id) == NOW + 5
        end(store, lease, Outcome.FINISHED, now=NOW + 9)
        assert store.heartbeat_of(lease.run.id) == NOW + 9
        with pytest.raises(NotFound):
            store.heartbeat_of("none")

    def test_a_file_is_forgotten_once(self, store: Store) -> None:
        (run,) = _runs(store, 1)
        store.add_file(File(run, "a.txt", 1, "digest", NOW))
        assert store.delete_file(run, "a.txt", now=NOW)
        assert not store.delete_file(run, "a.txt", now=NOW)
        assert store.files(run) == []
        assert types(store, run)[-1] == "file.deleted"

    def test_projects_are_known_by_their_first_thing(self, store: Store) -> None:
        _runs(store, 1, 2)
        assert store.projects() == {"project": NOW}
