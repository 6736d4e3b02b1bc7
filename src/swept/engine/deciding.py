"""Reports, and whether runs go on after them."""

from __future__ import annotations

from swept.engine.ground import Ground
from swept.model import SWEEP_KINDS, Decision, Desired, Sweep
from swept.stopping.decide import OFF, rule
from swept.store.base import Order
from swept.think import Closed, ThinkError
from swept.wire.reports import Report

DECIDE_PATIENCE = 2.0
"""How long a report waits for a decision under way; a later one comes with the next report."""


class Deciding(Ground):
    """Reports."""

    def report(self, run_id: str, token: str, reports: list[Report]) -> Order:
        """The reports, durable, and what the run should do now. Raises LeaseLost."""
        order = self.store.report(
            run_id, token, reports, now=self.clock.now(), lease_seconds=self.lease_seconds
        )
        if not order.objective_changed or not self.after_rows(run_id):
            return order
        # Read again whoever has looked: a neighbour's look may have decided on this run a moment ago.
        run = self.store.run(run_id)
        return Order(run.desired, run.desired_why, order.acknowledged, objective_changed=True)

    def after_rows(self, run_id: str) -> bool:
        """Decide on the sweep of a run whose objective was reported; several reports at once share one look. Whether
        there is early stopping, which may have decided on this run."""
        run = self.store.run(run_id)
        if run.sweep is None or run.kind not in SWEEP_KINDS:
            return False
        sweep = self.store.sweep(run.sweep)
        if rule(self.spec(sweep)) == OFF:
            return False
        with self._locks.guard:
            self._asked[sweep.id] += 1
            ticket = self._asked[sweep.id]
        lock = self._locks.of("decide", sweep.id)
        if lock.acquire(timeout=DECIDE_PATIENCE):
            try:
                self._decide(sweep, ticket)
            finally:
                lock.release()
        return True

    def _decide(self, sweep: Sweep, ticket: int) -> None:
        if self._decided[sweep.id] >= ticket:  # a look that began after our rows were durable
            return
        with self._locks.guard:
            newest = self._asked[sweep.id]
        decisions = self._decisions(sweep)
        for decision in decisions:
            self.store.set_desired(
                decision.run,
                decision.desired,
                reason=decision.reason,
                by="search",
                now=self.clock.now(),
                step=decision.step,
            )
        if any(decision.desired is not Desired.GO for decision in decisions):
            self.on_order()
        self._decided[sweep.id] = newest

    def _decisions(self, sweep: Sweep) -> list[Decision]:
        """None where early stopping fails, which is told once: no run stops by it, and the next report asks again."""
        history = self.store.history(sweep.id)
        try:
            found = self._think.decide(self.spec(sweep).canonical(), history)
        except Closed:
            return []
        except ThinkError as error:
            if self._failing.get(sweep.id) != str(error):
                self._tell("stopping.failed", sweep.id, f"early stopping {error}")
            self._failing[sweep.id] = str(error)
            return []
        self._failing.pop(sweep.id, None)
        return found
