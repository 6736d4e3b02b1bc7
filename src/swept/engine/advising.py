"""Which run to name as best, where a model of learning curves says so."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeAlias

from swept.analysis.best import Advice
from swept.engine.ground import Ground
from swept.model import Run, Sweep
from swept.spec import Spec
from swept.stopping.decide import goes_by_curves
from swept.stopping.ladder import ladder
from swept.stopping.track import longest
from swept.think import ThinkError

Stage: TypeAlias = tuple[int, tuple[tuple[str, str, int], ...]]
"""The spec's version, and of each run its id, state, and how many rungs it has passed."""


class Advising(Ground):
    """Advice."""

    def advice(self, sweep: Sweep, runs: Sequence[Run]) -> Advice | None:
        """What the model says of all the `runs` of the sweep; None where it is not asked, knows too little, or fails.
        While somebody else waits for the model, what it said last.

        Remembered until a run changes its state or passes a rung, which is when the early stopping fits its model too:
        looking at a sweep costs no more than the search itself, however often it is done.
        """
        spec = self.spec(sweep)
        if not goes_by_curves(spec):
            return None
        full = longest(spec) or 1
        stage = sweep.spec_version, tuple(_stage(run, full) for run in runs)
        lock = self._locks.of("advise", sweep.id)
        known = self._advice.get(sweep.id)
        if known is not None and known[0] == stage:
            return known[1]
        if not lock.acquire(blocking=known is None):
            return known[1] if known else None
        try:
            known = self._advice.get(sweep.id)
            if known is None or known[0] != stage:
                known = self._advice[sweep.id] = stage, self._advise(spec, runs)
        finally:
            lock.release()
        return known[1]

    def _advise(self, spec: Spec, runs: Sequence[Run]) -> Advice | None:
        """Nothing where the model fails: the best value seen has to do, and what failed is in the server's log."""
        try:
            return self._think.advise(spec.canonical(), runs)
        except ThinkError:
            return None


def _stage(run: Run, full: int) -> tuple[str, str, int]:
    return run.id, run.state.value, bisect_right(ladder(full), run.steps)
