"""Curves are written down once more while the server has nothing better to do: a board then reads them as they lie.

A start looks at all runs, so those of an older store, of an import or of a server that was killed come too; from then on
at those that have changed. A little each time, since trainings report meanwhile.
"""

from __future__ import annotations

import logging

from swept.clock import Clock
from swept.errors import SweptError
from swept.store.base import Store

RUNS = 500
POINTS = 20_000
"""At a time: some thirty milliseconds, and one write. Of one run all are written, however many."""
REST_SECONDS = 60.0
"""After a failure: a disk that is full is no reason to say so each second."""

log = logging.getLogger("swept.server")


class Packing:
    """What is left to look at. For one thread at a time."""

    def __init__(self, store: Store, clock: Clock, points: int = POINTS) -> None:
        self._store = store
        self._points = points
        self._clock = clock
        self._since: tuple[int, int] | None = None
        self._left: dict[str, None] = {}
        self._resting_until = 0.0

    def step(self) -> bool:
        """Do a little of it. Whether more is left."""
        if self._clock.monotonic() < self._resting_until:
            return True
        try:
            return self._step()
        except SweptError as error:
            self._resting_until = self._clock.monotonic() + REST_SECONDS
            log.warning(
                "curves were not written down once more, which pages do not need: %s", error
            )
            return True

    def _step(self) -> bool:
        now = self._store.position()
        if now != self._since:
            self._left |= dict.fromkeys(self._store.moved_runs(self._since))
            self._since = now
        some = list(self._left)[:RUNS]
        if some:
            left = dict.fromkeys(self._store.pack_curves(some, points=self._points))
            self._left = left | dict.fromkeys(list(self._left)[RUNS:])
        return bool(self._left)
