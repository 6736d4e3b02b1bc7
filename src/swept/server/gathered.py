"""What was read of a sweep's runs, kept and brought up to date: only runs that have changed are read again.

Derived from the store and nothing else, so it may be dropped at any time, and is: the least recently used first.

The position is taken before anything is read. What is read may be newer than its position, never older, and reading a run
again changes nothing where it is as it was; so whoever goes on from that position misses nothing. Running runs are read
each time: what they say beside their objective writes no event.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from swept.model import Run, RunState
from swept.store.base import Store
from swept.store.read_board_base import NOTHING, Scope, Series

T = TypeVar("T")
MOST_SCOPES = 8
MOST_METRICS = 4
"""Beside the objective, of each scope: the ones looked at last."""


@dataclass(frozen=True)
class Gathered:
    """The runs of a scope at one moment, in order of creation. `series` has their objective's visible curves; the runs
    themselves carry what `abridged` leaves of them. `version` is another one whenever anything is."""

    scope: Scope
    version: int
    position: tuple[int, int]
    runs: tuple[Run, ...]
    series: Mapping[str, Series]
    _made: dict[str, object] = field(default_factory=dict, repr=False)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made once for this moment. Made twice where two ask at once: that is harmless."""
        if name not in self._made:
            self._made[name] = make()
        found: T = self._made[name]  # type: ignore[assignment]  # one name, one type
        return found


@dataclass(slots=True)
class _Metric:
    """The curves of one metric. One thread at a time is `reading` what is missing; `stale`: what has changed since it
    began."""

    reading: threading.Lock = field(default_factory=threading.Lock)
    known: dict[str, Series] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)

    def forget(self, runs: Iterable[str]) -> None:
        for run in runs:
            self.known.pop(run, None)
            self.stale.add(run)


class Keeper:
    """Keeps one scope. Safe from any thread: readers get a moment that no longer changes.

    Times are read from the first look on that asks for them: they take longer than all the rest of a curve.
    """

    def __init__(self, store: Store, scope: Scope, versions: Callable[[], int]) -> None:
        self._store = store
        self._scope = scope
        self._versions = versions
        self._lock = threading.Lock()
        self._now: Gathered | None = None
        self._metrics: OrderedDict[str, _Metric] = OrderedDict()
        self._times = False

    def look(self, *, times: bool = False) -> Gathered:
        """Up to date; with the `times` of the objective's points."""
        with self._lock:
            if times and not self._times:
                self._times = True
                if self._now is not None:
                    ids = [run.id for run in self._now.runs]
                    series = self._store.objective_series(ids, times=True)
                    self._now = replace(self._now, series=series)
            return self._update()

    def metric(self, name: str) -> tuple[Gathered, Mapping[str, Series]]:
        """Up to date, with the curves of any metric. Who asks for another one, or looks, does not wait for the reading."""
        with self._lock:
            metric = self._metrics.setdefault(name, _Metric())
            self._metrics.move_to_end(name)
            while len(self._metrics) > MOST_METRICS:
                self._metrics.popitem(last=False)
        with metric.reading:
            with self._lock:
                now = self._update()
                if self._metrics.get(name) is not metric:  # let go meanwhile: told of no changes
                    metric.known = {}
                metric.stale.clear()
                known = {run.id: metric.known.get(run.id) for run in now.runs}
            missing = [run for run, series in known.items() if series is None]
            read = self._store.metric_series(missing, name) if missing else {}
            found = {run: series or read.get(run, NOTHING) for run, series in known.items()}
            with self._lock:  # what changed meanwhile may have been read before or after
                metric.known = {run: one for run, one in found.items() if run not in metric.stale}
        return now, found

    def _update(self) -> Gathered:
        position = self._store.position()
        now = self._now
        if now is None:
            return self._all(position)
        named: frozenset[str] = frozenset()
        if position != now.position:
            changes = self._store.board_changes(self._scope, *now.position)
            if changes.all_again:
                return self._all(position)
            named = changes.runs
        running = {run.id for run in now.runs if run.state is RunState.RUNNING}
        if not named and not running:
            return self._keep(now, position)
        return self._again(now, position, named, running)

    def _keep(self, now: Gathered, position: tuple[int, int]) -> Gathered:
        self._now = replace(now, position=position)
        return self._now

    def _all(self, position: tuple[int, int]) -> Gathered:
        found = self._store.board_drawn(self._scope, times=self._times)
        for metric in self._metrics.values():
            metric.forget([run.id for run in found.runs])
        self._now = Gathered(
            self._scope, self._versions(), position, tuple(found.runs), found.series
        )
        return self._now

    def _again(
        self, now: Gathered, position: tuple[int, int], named: frozenset[str], running: set[str]
    ) -> Gathered:
        ids = named | running
        found = self._store.board_drawn(self._scope, sorted(ids), times=self._times)
        absent = ids.difference(run.id for run in found.runs)
        if absent and (named_by := _naming(now.runs, absent) - ids):  # they may name none any more
            return self._again(now, position, named | named_by, running)
        series = found.series
        for metric in self._metrics.values():
            metric.forget(ids)
        read = {run.id: run for run in found.runs}
        kept = {run.id: run for run in now.runs}
        gone = {run for run in ids if run in kept and run not in read}
        changed = {
            run: one
            for run, one in read.items()
            if run in named
            or kept.get(run) != one
            or not _alike(now.series.get(run), series.get(run))
        }
        if not changed and not gone:
            return self._keep(now, position)
        curves = {**now.series, **{run: series[run] for run in changed if run in series}}
        for run in (*gone, *(run for run in changed if run not in series)):
            curves.pop(run, None)
        runs = merged([run for run in now.runs if run.id not in gone], changed.values())
        self._now = Gathered(self._scope, self._versions(), position, runs, curves)
        return self._now


class Boards:
    """The scopes looked at last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._kept: OrderedDict[Scope, Keeper] = OrderedDict()
        self._version = 0

    def of(self, scope: Scope) -> Keeper:
        with self._lock:
            keeper = self._kept.get(scope)
            if keeper is None:
                keeper = self._kept[scope] = Keeper(self._store, scope, self._next)
            self._kept.move_to_end(scope)
            while len(self._kept) > MOST_SCOPES:
                self._kept.popitem(last=False)
            return keeper

    def _next(self) -> int:
        with self._lock:
            self._version += 1
            return self._version


def _naming(runs: Iterable[Run], others: Collection[str]) -> set[str]:
    """Those of `runs` that came from one of the `others`."""
    return {run.id for run in runs if run.parent in others or run.retry_of in others}


def _alike(one: Series | None, other: Series | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one.steps, other.steps) and np.array_equal(
        one.values, other.values, equal_nan=True
    )


def merged(runs: Iterable[Run], read: Iterable[Run]) -> tuple[Run, ...]:
    """`runs`, with those that were `read` again in their places. New ones, created later than all others, come last."""
    fresh = {run.id: run for run in read}
    kept = [fresh.pop(run.id, run) for run in runs]
    return (*kept, *fresh.values())


def chosen(runs: Sequence[Run], ids: Iterable[str]) -> list[Run]:
    """Those of `runs` that are named."""
    wanted = frozenset(ids)
    return [run for run in runs if run.id in wanted]
