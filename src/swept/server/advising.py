"""What the model of learning curves advises, without anybody waiting for it.

It takes seconds where it has to be worked out: whoever answers says what is known, and lets the work follow the answer.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

from swept.analysis.best import Advice
from swept.model import Run, Sweep
from swept.server.context import Context
from swept.spec import Spec
from swept.stopping.decide import goes_by_curves
from swept.stopping.ladder import ladder
from swept.stopping.track import longest
from swept.store.base import RunFilter

Work: TypeAlias = Callable[[], None]


class Advising:
    """What is known of the sweeps of one server."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, Advice | None]] = {}

    def known(self, sweep: Sweep, stage: int | None) -> tuple[Advice | None, Work | None]:
        """What it said last, and what is to be done where there is more to hear at this stage."""
        if stage is None:
            return None, None
        last = self._known.get(sweep.id)
        more = last is None or last[0] != stage
        return (last[1] if last else None), partial(self._work, sweep, stage) if more else None

    def _work(self, sweep: Sweep, stage: int) -> None:
        """Ask the model. Who finds another asking lets it: the next look at the sweep starts it again if need be."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            runs = self._context.store.runs(RunFilter(sweep=sweep.id))
            self._known[sweep.id] = stage, self._context.engine.advice(sweep, runs)
        finally:
            self._lock.release()


def stage_of(spec: Spec, version: int, runs: Iterable[Run]) -> int | None:
    """Another one where a run has changed its state or passed a rung, or the file its `version`; None where the model is
    not asked."""
    if not goes_by_curves(spec):
        return None
    rungs = ladder(longest(spec) or 1)
    return hash(
        (version, tuple((run.id, run.state, bisect_right(rungs, run.steps)) for run in runs))
    )
