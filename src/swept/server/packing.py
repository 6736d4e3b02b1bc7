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
"""At a time, and one write. Of one run all are written, however many."""
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
        self._runs = RUNS  # at a time
        self._resting_until = 0.0

    def step(self) -> None:
        """Do a little of it. Raises nothing: no page needs it, and the tick has more to do."""
        if self._clock.monotonic() < self._resting_until:
            return
        try:
            self._look()
            self._write()
        except Exception as error:  # whatever it is, it would come again each second
            self._resting_until = self._clock.monotonic() + REST_SECONDS
            log.warning(
                "curves were not written down once more, which pages do not need: %s",
                error,
                exc_info=not isinstance(error, SweptError),
            )

    def _look(self) -> None:
        now = self._store.position()
        if now != self._since:
            self._left |= dict.fromkeys(self._store.moved_runs(self._since))
            self._since = now

    def _write(self) -> None:
        """After a failure the others come first, and few at a time: the run that it is about keeps ever fewer waiting."""
        runs = list(self._left)
        some, others = runs[: self._runs], runs[self._runs :]
        if not some:
            return
        self._left = dict.fromkeys([*others, *some])
        at_once, self._runs = self._runs, 1
        left = self._store.pack_curves(some, points=self._points)
        self._left = dict.fromkeys([*left, *others])
        self._runs = min(2 * at_once, RUNS)
