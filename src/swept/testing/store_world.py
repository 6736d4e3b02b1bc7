"""A sweep to which anything may happen: for tests of what is kept beside the rows."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from swept.model import Kind, Outcome, Row, Run, RunState, SweepState
from swept.spec import parse_mapping
from swept.store.base import ImportedEnd, ImportedRun, Lease, NewSweep, RunFilter, Store
from swept.testing.scenes import NOW, checkpoint, claim, end, log, new_sweep, resumed, start
from swept.wire.reports import Report

ALL = frozenset(RunState)
METRICS = ("loss", "acc")
FIRST = 1
"""The number of a report, until it is known which one it is."""


class World:
    """A sweep, another one beside it, and what may happen to them. `at` chooses which run it happens to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.sweep = store.create_sweep(_file("loss", 0), now=NOW).id
        self.other = store.create_sweep(_file("loss", 1), now=NOW).id
        self.held: list[Lease] = []
        self.now = NOW
        self.requests = itertools.count()
        self._told: Counter[str] = Counter()  # token → its reports so far
        self._suggest(self.other, 1)
        self._claim(self.other)
        self.objective(8)
        self.ended(list(Outcome).index(Outcome.FINISHED))
        self._suggest(self.sweep, 2)
        self._claim(self.sweep)

    def _suggest(self, sweep: str, count: int) -> None:
        starts = [start(lr=float(next(self.requests)), odd="\ud800") for _ in range(count)]
        self.store.add(sweep, self.store.history(sweep).token, starts, now=self.now)

    def _claim(self, sweep: str) -> None:
        lease = claim(self.store, sweep, f"r{next(self.requests)}", now=self.now)
        if lease is not None:
            self.held.append(lease)

    def _lease(self, at: int) -> Lease | None:
        return self.held[at % len(self.held)] if self.held else None

    def _run(self, at: int, states: frozenset[RunState] = ALL) -> Run | None:
        found = [run for run in self.store.runs(RunFilter(sweep=self.sweep)) if run.state in states]
        return found[at % len(found)] if found else None

    # -- what may happen --------------------------------------------------------------------------

    def suggest(self, at: int) -> None:
        self._suggest(self.sweep, 1 + at % 3)

    def take(self, at: int) -> None:
        self._claim(self.sweep)

    def objective(self, at: int) -> None:
        lease = self._lease(at)
        if lease:
            value = math.nan if at % 5 == 0 else at / 7
            self._report(lease, log(FIRST, at % 11, loss=value))

    def beside_it(self, at: int) -> None:
        lease = self._lease(at)
        if lease:
            self._report(lease, log(FIRST, at % 7, acc=at / 3))

    def saved(self, at: int) -> None:
        lease = self._lease(at)
        if lease:
            self._report(lease, checkpoint(FIRST, at % 11))

    def _report(self, lease: Lease, report: Report) -> None:
        self._told[lease.token] += 1  # a store does not take a report out of turn
        report["seq"] = self._told[lease.token]
        self.store.report(lease.run.id, lease.token, [report], now=self.now)

    def ended(self, at: int) -> None:
        lease = self._lease(at)
        if lease:
            self.held.remove(lease)
            outcome = list(Outcome)[at % len(Outcome)]
            end(self.store, lease, outcome, now=self.now)

    def lost(self, at: int) -> None:
        """All that are held go back, and one is taken up where it was."""
        if not self.held:
            return
        self.now = max(lease.expires for lease in self.held) + 1.0
        self.store.expire(now=self.now)
        self.held.clear()
        self._claim(self.sweep)
        if self.held:
            self._report(self.held[-1], resumed(FIRST, at % 4))

    def late(self, at: int) -> None:
        run = self._run(at, frozenset({RunState.FINISHED, RunState.STOPPED, RunState.FAILED}))
        if run and run.attempts:
            self.store.log_rows(run.id, 1, [Row(at % 9, {"acc": 0.1, "loss": at / 2})], now=NOW)

    def renamed(self, at: int) -> None:
        run = self._run(at)
        if run:
            self.store.update_run(run.id, now=self.now, name=f"n{at}", summary={"note": at})

    def deleted(self, at: int) -> None:
        run = self._run(at)
        if run and run.state is not RunState.RUNNING:
            self.store.delete_run(run.id, now=self.now)

    def file_changed(self, at: int) -> None:
        self.store.update_spec(self.sweep, _file(METRICS[at % 2], at), now=self.now)

    def learned_from(self, at: int) -> None:
        for run in self.store.runs(RunFilter(sweep=self.other)):
            if run.state.ended:
                self.store.add_priors(self.sweep, [run.id], now=self.now)

    def child(self, at: int) -> None:
        parent = self._run(at, frozenset({RunState.FINISHED}))
        if parent:
            self.store.add_run(
                project=parent.project,
                sweep=self.sweep,
                kind=Kind.FINAL,
                config={"seed": at},
                parent=parent.id,
                now=self.now,
            )

    def imported(self, at: int) -> None:
        """A run of another server comes, or comes again: further, or begun afresh under the same id; perhaps not whole."""
        new = ImportedRun(
            origin=f"there/{at % 2}",
            source="there",
            project="project",
            sweep=self.sweep,
            kind=Kind.SEARCH,
            run_id=f"imported{at % 2}",
            name=f"i{at}",
            config={"lr": float(at)},
            created=NOW,
            started=NOW,
        )
        run = self.store.begin_import(new, now=self.now, afresh=at % 3 == 0).id
        if at % 5:
            self.store.log_rows(run, 1, [Row(at % 9, {"loss": at / 4, "acc": 0.2})], now=self.now)
        if at % 7:
            end = ImportedEnd(RunState.FINISHED, NOW + 1.0, "", {"note": at}, str(at))
            self.store.end_import(run, end, now=self.now)

    def over(self, at: int) -> None:
        state = (SweepState.PAUSED, SweepState.RUNNING, SweepState.FINISHED)[at % 3]
        self.store.set_sweep_state(self.sweep, state, reason="", now=self.now)


def _file(metric: str, at: int) -> NewSweep:
    spec = {
        "method": "random",
        "metric": {"name": metric, "goal": "minimize"},
        "parameters": {"lr": {"min": 0.0, "max": 1e6}},
        "swept": {"metric": {"at": ("last", "best")[at % 2]}},
    }
    return replace(new_sweep(str(at), metric), spec=parse_mapping(spec).canonical())


HAPPENINGS: tuple[Callable[[World, int], None], ...] = (
    World.suggest,
    World.take,
    World.objective,
    World.objective,
    World.beside_it,
    World.beside_it,
    World.saved,
    World.ended,
    World.lost,
    World.late,
    World.renamed,
    World.deleted,
    World.file_changed,
    World.learned_from,
    World.child,
    World.imported,
    World.imported,
    World.over,
)
