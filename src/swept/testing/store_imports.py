"""The store's contract: what is brought over from another server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swept.errors import Conflict, NotFound
from swept.model import Kind, Outcome, Row, Run, RunState, SweepState
from swept.store.base import Brought, ImportedEnd, ImportedRun, Store
from swept.store.imports import HALF
from swept.testing.scenes import NOW, curve, new_sweep, types

THEN = NOW - 100_000.0
RUN = ImportedRun(
    origin="there/runs/a1",
    source="there",
    project="project",
    sweep=None,
    kind=Kind.MANUAL,
    run_id="a1",
    name="first",
    config={"lr": 0.1},
    created=THEN,
    started=THEN + 1,
    details={"tags": ["x"]},
)
END = ImportedEnd(RunState.FINISHED, THEN + 50, "finished there", {"verdict": "fine"}, "stamp")


def brought_sweep(store: Store) -> Brought:
    return store.import_sweep(
        new_sweep(), origin="there/sweeps/s1", sweep_id="s1", created=THEN, now=NOW
    )


def brought_run(store: Store, run: ImportedRun = RUN, end: ImportedEnd = END) -> Run:
    here = store.begin_import(run, now=NOW)
    store.log_rows(here.id, 1, [Row(0, {"loss": 2.0}), Row(5, {"loss": 1.0})], now=NOW)
    return store.end_import(here.id, end, now=NOW)


class ImportVerbs:
    """Cases of `StoreContract`."""

    def test_an_imported_run_is_half_until_its_end(self, store: Store) -> None:
        brought_sweep(store)
        new = replace(RUN, sweep="s1", kind=Kind.SEARCH)
        here = store.begin_import(new, now=NOW)
        assert here == Brought("a1", False, "", None)
        half = store.run("a1")
        assert (half.state, half.ended_because) == (RunState.KILLED, HALF)
        run = brought_run(store, new)
        assert (run.state, run.ended_because, run.value) == (
            RunState.FINISHED,
            "finished there",
            1.0,
        )
        assert (run.created, run.started, run.ended) == (THEN, THEN + 1, THEN + 50)
        assert run.summary == {"loss": 1.0, "verdict": "fine"}
        assert store.imported([RUN.origin, "other"]) == {
            RUN.origin: Brought("a1", True, "stamp", 5)
        }
        assert types(store, "a1") == ["run.created", "run.imported"]
        assert all(event.data["imported"] for event in store.events(run="a1"))

    def test_an_import_may_be_repeated(self, store: Store) -> None:
        first = brought_run(store)
        renamed = replace(RUN, name="second", details={"notes": "n"})
        assert store.begin_import(renamed, now=NOW).last_step == 5
        again = brought_run(store, renamed)
        assert (again.id, again.name, again.curve) == (first.id, "second", first.curve)
        assert again.details == {"tags": ["x"], "notes": "n"}
        assert len(store.rows(first.id)) == 2
        assert len(store.runs()) == 1

    def test_a_run_that_was_begun_again_at_its_source_loses_its_old_rows(
        self, store: Store
    ) -> None:
        brought_run(store)
        position = store.position()
        assert store.begin_import(RUN, now=NOW, afresh=True).last_step is None
        assert store.rows("a1") == []
        assert store.moved_runs(position) == ["a1"], "whoever keeps its curve looks at it again"
        position = store.position()
        store.begin_import(RUN, now=NOW)
        assert store.moved_runs(position) == [], "it is as it was"
        assert types(store, "a1") == ["run.created", "run.imported", "run.changed"]

    def test_a_taken_id_gets_another(self, store: Store) -> None:
        store.add_run(project="p", sweep=None, kind=Kind.MANUAL, config={}, now=NOW, run_id="a1")
        here = store.begin_import(RUN, now=NOW)
        assert here.id.startswith("a1-")
        assert store.begin_import(RUN, now=NOW).id == here.id

    def test_a_run_that_went_on_here_is_left_alone(self, store: Store) -> None:
        brought_run(store)
        store.open_attempt("a1", agent="agent", host="h", now=NOW, lease_seconds=60)
        for verb in (
            lambda: store.begin_import(RUN, now=NOW),
            lambda: store.end_import("a1", END, now=NOW),
        ):
            with pytest.raises(Conflict, match="went on here"):
                verb()
        assert store.run("a1").state is RunState.RUNNING

    def test_what_was_deleted_here_never_came(self, store: Store) -> None:
        brought_run(store)
        store.delete_run("a1", now=NOW)
        assert store.imported([RUN.origin]) == {}
        with pytest.raises(NotFound):
            store.end_import("a1", END, now=NOW)

    def test_an_imported_sweep_is_paused_until_its_runs_are_here(self, store: Store) -> None:
        here = brought_sweep(store)
        assert (here.id, here.whole) == ("s1", False)
        assert store.sweep("s1").state is SweepState.PAUSED
        assert store.sweep("s1").created == THEN
        token = store.history("s1").token
        brought_run(store, replace(RUN, sweep="s1", kind=Kind.SEARCH))
        assert store.history("s1").token != token
        ended = store.end_import_sweep("s1", SweepState.RUNNING, reason="r", now=NOW)
        assert ended.state is SweepState.RUNNING
        store.set_sweep_state("s1", SweepState.PAUSED, reason="here", now=NOW)
        assert brought_sweep(store).whole
        kept = store.end_import_sweep("s1", SweepState.RUNNING, reason="r", now=NOW)
        assert kept.state is SweepState.PAUSED

    def test_an_objective_in_the_summary_alone_is_the_one_point(self, store: Store) -> None:
        brought_sweep(store)
        store.begin_import(replace(RUN, sweep="s1", kind=Kind.SEARCH), now=NOW)
        ended = replace(END, state=RunState.CRASHED, summary={"loss": 0.5})
        assert curve(store.end_import("a1", ended, now=NOW)) == [(0, 0.5)]
        for metric in ("score", "loss"):
            store.update_spec("s1", new_sweep(metric=metric), now=NOW)
        assert curve(store.run("a1")) == [(0, 0.5)]

    def test_a_synced_folder_is_noted_and_dated_by_its_rows(self, store: Store) -> None:
        new = store.add_run(project="p", sweep=None, kind=Kind.MANUAL, config={}, now=NOW)
        lease = store.open_attempt(new.id, agent="agent", host="h", now=NOW, lease_seconds=60)
        rows = [Row(step, {"loss": 1.0}, time=THEN + step) for step in range(3)]
        store.log_rows(new.id, 1, rows, now=NOW)
        store.complete(new.id, lease.token, Outcome.FINISHED, reason="r", now=NOW)
        store.note_import("file:x", new.id, "x", now=NOW)
        run = store.run(new.id)
        assert (run.created, run.started, run.ended) == (THEN, THEN, THEN + 2)
        assert store.imported(["file:x"])["file:x"].whole
        with pytest.raises(NotFound):
            store.note_import("file:y", "nobody", "y", now=NOW)
