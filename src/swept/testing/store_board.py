"""The part of the store's contract that a page needs to draw many runs at once; see `store_contract`."""

from __future__ import annotations

import math
from dataclasses import replace

from swept.model import Kind, Outcome, Row
from swept.store.base import Lease, Store
from swept.store.read_board_base import Changes, Scope, Series
from swept.store.read_series import abridged
from swept.testing.scenes import (
    NOW,
    claim,
    effective,
    end,
    filled,
    log,
    new_sweep,
    resumed,
    running,
    start,
)

NOTHING = Changes(frozenset(), False)


def _of(lease: Lease) -> Scope:
    return Scope(sweep=lease.run.sweep)


def _points(series: Series) -> list[tuple[int, float]]:
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


class BoardVerbs:
    """`board_runs`, `board_changes` and the bulk reads of curves say what the verbs for one run say."""

    def test_runs_are_read_as_they_are(self, store: Store) -> None:
        lease = running(store, log(1, 1, loss=float("nan"), acc=0.5), effective(2, lr=0.1))
        end(store, lease, Outcome.FINISHED)
        store.update_run(lease.run.id, now=NOW, summary={"note": "x"})
        (run,) = store.board_runs(_of(lease))
        whole = store.run(lease.run.id)
        assert run.summary.keys() == whole.summary.keys() == {"loss", "acc", "note"}
        for name in ("id", "state", "config", "ended", "ended_because", "seed", "number", "name"):
            assert getattr(run, name) == getattr(whole, name)
        assert run.why == {"reason": "because"}
        assert run.effective_config == {"lr": 0.1}
        assert [(one.number, one.outcome) for one in run.attempts] == [(1, Outcome.FINISHED)]
        assert run.curve == ()

    def test_a_scope_has_its_own_runs_in_order_and_no_priors(self, store: Store) -> None:
        sweep = filled(store, start(lr=1.0), start(lr=2.0))
        other = running(store, log(1, 1, loss=0.5))
        end(store, other, Outcome.FINISHED)
        store.add_priors(sweep.id, [other.run.id], now=NOW)
        ids = [run.id for run in store.runs() if run.sweep == sweep.id][:2]
        alone = store.add_run(
            project=sweep.project, sweep=None, kind=Kind.MANUAL, config={}, now=NOW
        )
        scope = Scope(sweep=sweep.id)
        assert [run.id for run in store.board_runs(scope)] == ids
        asked = [ids[1], other.run.id, "nothing", ids[0], *(f"no{number}" for number in range(600))]
        assert [run.id for run in store.board_runs(scope, asked)] == ids
        outside = store.board_runs(Scope(project=sweep.project))
        assert [run.id for run in outside] == [alone.id]
        assert store.has_project(sweep.project)
        assert not store.has_project("another")

    def test_changes_name_the_runs(self, store: Store) -> None:
        lease = running(store, log(1, 1, loss=0.5))
        position = store.position()
        assert store.board_changes(_of(lease), *position) == NOTHING
        store.report(lease.run.id, lease.token, [log(2, 2, acc=0.5)], now=NOW)
        assert store.board_changes(_of(lease), *position) == NOTHING, "readers look at running ones"
        store.report(lease.run.id, lease.token, [log(3, 3, loss=0.4)], now=NOW)
        mine = Changes(frozenset({lease.run.id}), False)
        assert store.board_changes(_of(lease), *position) == mine
        assert store.moved_sweeps(*position) == {lease.run.sweep}
        position = store.position()
        running(store, log(1, 1, loss=0.1))
        assert store.board_changes(_of(lease), *position) == NOTHING
        end(store, lease, Outcome.FINISHED)
        assert store.board_changes(_of(lease), *position) == mine
        position = store.position()
        store.update_spec(lease.run.sweep or "", new_sweep(metric="acc"), now=NOW)
        assert store.board_changes(_of(lease), *position).all_again

    def test_an_ended_run_that_changes_says_so(self, store: Store) -> None:
        lease = running(store, log(1, 1, loss=0.5))
        end(store, lease, Outcome.FINISHED)
        mine = Changes(frozenset({lease.run.id}), False)
        run = lease.run.id

        position = store.position()
        store.log_rows(run, 1, [Row(0, {"acc": 0.1})], now=NOW)
        assert store.board_changes(_of(lease), *position) == mine
        position = store.position()
        store.update_run(run, now=NOW, summary={"late": 1})
        assert store.board_changes(_of(lease), *position) == mine
        position = store.position()
        store.update_run(run, now=NOW, name="renamed")
        assert store.board_changes(_of(lease), *position) == mine
        position = store.position()
        store.update_run(run, now=NOW, name="renamed", details={"notes": "x"})
        assert store.board_changes(_of(lease), *position) == NOTHING

    def test_curves_are_the_visible_ones(self, store: Store) -> None:
        plain = running(store, log(1, 1, loss=0.5, acc=1), log(2, 2, loss=float("nan"), acc=2))
        again = running(store, *(log(step, step, loss=float(step), acc=step) for step in (1, 2, 3)))
        store.expire(now=again.expires)
        new = claim(store, again.run.sweep, "again", now=again.expires)
        assert new
        asked = [plain.run.id, again.run.id, "nothing"]
        before = store.objective_series(asked)
        assert _points(before[again.run.id]) == [(1, 1.0), (2, 2.0), (3, 3.0)]
        later = [resumed(1, 2), log(2, 3, loss=9.0), log(3, 4, loss=8.0, acc=4)]
        store.report(new.run.id, new.token, later, now=again.expires)
        found = store.objective_series(asked, times=True)
        assert found.keys() == {plain.run.id, again.run.id}
        assert _points(found[again.run.id]) == [(1, 1.0), (2, 2.0), (3, 9.0), (4, 8.0)]
        one = found[plain.run.id]
        assert one.steps.tolist() == [1, 2]
        assert one.values[0] == 0.5
        assert math.isnan(one.values[1])
        assert one.times is not None
        assert one.times.tolist() == [NOW, NOW]
        acc = store.metric_series(asked, "acc")
        assert _points(acc[again.run.id]) == [(1, 1.0), (2, 2.0), (4, 4.0)]
        assert _points(acc[plain.run.id]) == [(1, 1.0), (2, 2.0)]
        ends = store.curve_ends(Scope(sweep=again.run.sweep))[again.run.id]
        assert (ends[0].step, ends[-1].step, ends[-1].value) == (1, 4, 8.0)
        (only,) = store.curve_ends(_of(running(store, log(1, 5, loss=0.5)))).values()
        assert [(point.step, point.value) for point in only] == [(5, 0.5)]

    def test_steps_need_not_follow_one_another(self, store: Store) -> None:
        told = {
            "each": (3, 4, 5),
            "some": (0, 10, 20),
            "few": (2, 3, 2**53 + 1),
            "one": (7,),
            "none": (),
        }
        leases = {
            name: running(store, *(log(at, step, loss=at / 8) for at, step in enumerate(steps, 1)))
            for name, steps in told.items()
        }
        again = running(store, log(1, 1, loss=0.1), log(2, 3, loss=0.2), log(3, 4, loss=0.3))
        store.expire(now=again.expires)
        new = claim(store, again.run.sweep, "again", now=again.expires)
        assert new
        later = [resumed(1, 3), log(2, 4, loss=9.0), log(3, 6, loss=8.0)]
        store.report(new.run.id, new.token, later, now=again.expires)
        runs = [*(lease.run.id for lease in leases.values()), again.run.id]
        found = store.objective_series(runs)
        whole = {run: [(p.step, p.value) for p in store.run(run).curve] for run in runs}
        assert {run: _points(one) for run, one in found.items()} == {
            run: curve for run, curve in whole.items() if curve
        }

    def test_curves_may_be_written_down_once_more(self, store: Store) -> None:
        leases = [
            running(store, log(1, 2, loss=1.0), log(2, 5, loss=float("nan"))),
            running(store, log(1, 1, loss=2.0), log(2, 2, loss=-0.0), log(3, 3, loss=math.inf)),
            running(store),
            running(store, log(1, 7, loss=0.5)),
        ]
        runs = [lease.run.id for lease in leases]
        for lease in leases[:3]:
            end(store, lease, Outcome.FINISHED)
        before = {run: repr(_points(one)) for run, one in store.objective_series(runs).items()}
        assert set(before) == {*runs[:2], runs[3]}
        asked = [*runs, "nothing"]
        assert store.pack_curves(asked, points=0) == runs[:2], "not those that run or say nothing"
        assert store.pack_curves(asked, points=100) == []
        assert store.pack_curves(asked, points=0) == []
        found = store.objective_series(runs)
        assert {run: repr(_points(one)) for run, one in found.items()} == before

        store.log_rows(runs[0], 1, [Row(3, {"loss": 9.0})], now=NOW)
        assert [step for step, _ in _points(store.objective_series(runs)[runs[0]])] == [2, 3, 5]
        assert store.pack_curves(runs, points=0) == [runs[0]]
        store.update_spec(leases[1].run.sweep or "", new_sweep(metric=""), now=NOW)
        assert runs[1] not in store.objective_series(runs)
        assert store.pack_curves(runs, points=100) == []
        store.delete_run(runs[0], now=NOW)
        assert store.objective_series(runs).keys() == {runs[3]}

    def test_curves_are_written_down_a_few_points_at_a_time(self, store: Store) -> None:
        """Hidden points count too: they are read all the same."""
        runs = []
        for _ in range(3):
            lease = running(store, *(log(step, step, loss=1.0) for step in range(1, 4)))
            store.expire(now=lease.expires)
            again = claim(store, lease.run.sweep, "again", now=lease.expires)
            assert again
            store.report(lease.run.id, again.token, [log(1, 0, acc=0.5)], now=lease.expires)
            end(store, again, Outcome.FINISHED, now=lease.expires)
            runs.append(lease.run.id)
        assert store.objective_series(runs) == {}
        assert store.pack_curves(runs, points=5) == runs[1:]
        assert store.pack_curves(runs, points=6) == []
        first = running(store, *(log(step, step, loss=1.0) for step in range(1, 4)))
        end(store, first, Outcome.FINISHED)
        other = running(store, log(1, 1, loss=1.0))
        end(store, other, Outcome.FINISHED)
        both = [first.run.id, other.run.id]
        assert store.pack_curves(both, points=1) == both[1:], "one at least"
        assert store.pack_curves(both, points=1) == []

    def test_a_copy_is_of_what_the_attempts_show(self, store: Store) -> None:
        first = running(store, *(log(step, step, loss=float(step)) for step in (1, 2, 3)))
        run = first.run.id
        store.expire(now=first.expires)
        assert store.pack_curves([run], points=100) == [], "it waits to be tried again"
        second = claim(store, first.run.sweep, "again", now=first.expires)
        assert second
        store.report(run, second.token, [log(1, 0, acc=0.5)], now=first.expires)
        assert store.objective_series([run]) == {}, "begun again, without an objective so far"
        end(store, second, Outcome.FINISHED, now=first.expires)
        assert store.pack_curves([run], points=100) == []
        assert store.objective_series([run]) == {}

    def test_runs_that_moved_are_named_in_order(self, store: Store) -> None:
        first = running(store, log(1, 1, loss=0.5))
        second = running(store)
        both = [first.run.id, second.run.id]
        assert store.moved_runs(None) == both
        position = store.position()
        assert store.moved_runs(position) == []
        end(store, second, Outcome.FINISHED)
        store.report(first.run.id, first.token, [log(2, 2, loss=0.4)], now=NOW)
        assert store.moved_runs(position) == both
        store.delete_run(second.run.id, now=NOW)
        assert store.moved_runs(position) == both[:1]

    def test_runs_come_with_their_curves(self, store: Store) -> None:
        lease = running(store, *(log(at, at, loss=abs(3.5 - at)) for at in range(1, 8)))
        silent = filled(store, start(lr=1.0))
        for scope in (_of(lease), Scope(sweep=silent.id)):
            found = store.board_drawn(scope, times=True)
            bare = store.board_runs(scope)
            assert [replace(run, curve=()) for run in found.runs] == bare
            alone = store.objective_series([run.id for run in bare], times=True)
            assert found.series.keys() == alone.keys()
            for run in found.runs:
                assert run.curve == (abridged(alone[run.id]) if run.id in alone else ())
                assert store.board_drawn(scope, [run.id]).runs == [run]
        (run,) = store.board_drawn(_of(lease)).runs
        assert [point.step for point in run.curve] == [1, 3, 7]
        assert store.board_drawn(_of(lease), ["nothing"]).runs == []

    def test_the_last_step_is_known_without_an_objective(self, store: Store) -> None:
        lease = running(store, log(1, 3, loss=0.5), log(2, 7, acc=0.5))
        assert store.last_steps(_of(lease)) == {lease.run.id: 7}
        assert store.last_steps(Scope(sweep=filled(store).id)) == {}

    def test_ends_of_some_runs_are_those_of_all(self, store: Store) -> None:
        lease = running(store, log(1, 1, loss=0.5), log(2, 2, loss=0.4))
        everything = store.curve_ends(_of(lease))
        assert store.curve_ends(_of(lease), [lease.run.id, "nothing"]) == everything != {}
        assert store.curve_ends(_of(lease), []) == {}

    def test_any_metric_is_found_by_its_name(self, store: Store) -> None:
        odd = 'a "b", \\ {c}: é'
        rows: list[dict[str, object]] = [
            {"x": 1.5, odd: 2.0},
            {"x": "NaN", "text": '"x":7,', "n": {"x": 3}},
            {"x": float("inf"), "n.x": 4},
            {"text": "x", "x": True},
            {'y"x': 1, "x": None},
            {'",x': 8, "x": 10**400},
        ]
        lease = running(store, *(log(at + 1, at, **row) for at, row in enumerate(rows)))
        run = lease.run.id

        def read(name: str) -> list[tuple[int, float]]:
            found = store.metric_series([run], name)
            return _points(found[run]) if run in found else []

        x = read("x")
        assert [step for step, _ in x] == [0, 1, 2, 5]
        assert (x[0][1], x[2][1], x[3][1]) == (1.5, math.inf, math.inf)
        assert math.isnan(x[1][1])
        assert read(odd) == [(0, 2.0)]
        assert read("n.x") == [(1, 3.0), (2, 4.0)]
        assert read("text") == read("nothing") == read("") == []
        names = store.metric_names(_of(lease))
        assert names.keys() == {name for row in rows for name in row}
        assert set(names.values()) == {1}
