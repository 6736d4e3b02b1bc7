"""The whole runs of the sweeps that were analysed last: what the boards have gathered, with every point as the analysis
reads it, and with the priors.

Nothing of a page's runs is read twice: a run is made whole once for each state of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from swept.model import Kind, Run
from swept.server.gathered import Boards, Gathered
from swept.store.base import RunFilter, Store
from swept.store.curves import points_of
from swept.store.read_board_base import Scope, Series

SWEEPS = 2
_PRIOR = frozenset({Kind.PRIOR})


@dataclass(frozen=True, slots=True)
class _Whole:
    """A run as the board has it, its curve, and the run with it."""

    bare: Run
    series: Series | None
    run: Run


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    position: tuple[int, int] | None = None
    priors: tuple[Run, ...] = ()
    whole: Mapping[str, _Whole] = field(default_factory=dict)


class Histories:
    """Safe from any thread; who asks while another reads the same sweep waits, and finds it read."""

    def __init__(self, store: Store, boards: Boards, most: int = SWEEPS) -> None:
        self._store = store
        self._boards = boards
        self._most = most
        self._guard = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def of(self, sweep: str) -> tuple[Run, ...]:
        """What `store.runs` says of the sweep, without what nobody analyses: checkpoints, details, overrides, and what
        stands in `why` beside the reason. In order of number."""
        with self._guard:
            kept = self._kept.setdefault(sweep, _Kept())
            self._kept.move_to_end(sweep)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        with kept.lock:
            now = self._boards.of(Scope(sweep=sweep)).look()
            if self._others(sweep, kept.position, now):
                kept.priors = tuple(self._store.runs(RunFilter(sweep=sweep, kinds=_PRIOR)))
            kept.position = now.position
            kept.whole = {
                run.id: _whole(kept.whole.get(run.id), run, now.series.get(run.id))
                for run in now.runs
            }
            own = (one.run for one in kept.whole.values())
            return tuple(sorted((*own, *kept.priors), key=lambda run: run.number))

    def _others(self, sweep: str, since: tuple[int, int] | None, now: Gathered) -> bool:
        """Whether runs that no board shows may have changed: the priors."""
        if since is None:
            return True
        if since == now.position:
            return False
        changes = self._store.board_changes(Scope(sweep=sweep), *since)
        return changes.all_again or not changes.runs <= {run.id for run in now.runs}


def _whole(known: _Whole | None, bare: Run, series: Series | None) -> _Whole:
    if known is not None and known.bare is bare and known.series is series:
        return known
    curve = points_of(series) if series is not None else ()
    return _Whole(bare, series, replace(bare, curve=curve))
