"""The whole runs of the sweeps that were analysed last, brought up to date: only runs that have changed are read again.

As `gathered`, for what needs more than a page draws: every point as the analysis reads it, checkpoints, priors. A sweep
of ten thousand runs takes seconds to read, and one that is at work changes every few.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from swept.errors import NotFound
from swept.model import Run, RunState
from swept.server.gathered import merged
from swept.store.base import RunFilter, Store
from swept.store.read_board_base import Scope

SWEEPS = 2
FEW = 50
PART = 10
"""Where more than `FEW` have changed, and more than one in so many, all are read at once: one by one would take longer."""


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    position: tuple[int, int] = (0, 0)
    runs: tuple[Run, ...] | None = None


class Histories:
    """Safe from any thread; who asks while another reads the same sweep waits, and finds it read."""

    def __init__(self, store: Store, most: int = SWEEPS) -> None:
        self._store = store
        self._most = most
        self._guard = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def of(self, sweep: str) -> tuple[Run, ...]:
        """What `store.runs` says of the sweep, but for details that nobody analyses: changing them writes no event."""
        with self._guard:
            kept = self._kept.setdefault(sweep, _Kept())
            self._kept.move_to_end(sweep)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        with kept.lock:
            position = self._store.position()  # before reading: what comes meanwhile is read again
            runs = self._again(sweep, kept.position, kept.runs) if kept.runs is not None else None
            if runs is None:
                runs = tuple(self._store.runs(RunFilter(sweep=sweep)))
            kept.position, kept.runs = position, runs
            return runs

    def _again(
        self, sweep: str, position: tuple[int, int], runs: tuple[Run, ...]
    ) -> tuple[Run, ...] | None:
        """None where all are to be read."""
        changes = self._store.board_changes(Scope(sweep=sweep), *position)
        # What running ones say beside their objective has no event.
        changed = changes.runs | {run.id for run in runs if run.state is RunState.RUNNING}
        if changes.all_again or len(changed) > max(FEW, len(runs) // PART):
            return None
        if not changed:
            return runs
        try:
            read = [self._store.run(run) for run in changed]
        except NotFound:  # deleted: no other run may name it any more
            return None
        return merged(runs, sorted(read, key=lambda run: run.number))
