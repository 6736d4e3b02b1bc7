"""Ends: of attempts, of leases that run out, of sweeps in which nothing is left to do; and what keeps leases alive."""

from __future__ import annotations

from collections.abc import Mapping

from swept.asked import member
from swept.engine.filling import Filling
from swept.errors import StoreError
from swept.model import Agent, Done, Outcome, RunState, SweepState
from swept.reduction import reduction
from swept.store.base import Ended, Order
from swept.wire.reports import Completion


class Ending(Filling):
    """Heartbeats, ends and the server's clock."""

    def heartbeat(
        self,
        agent: str,
        leases: Mapping[str, str],
        lease_seconds: float | None = None,
        *,
        leaving: bool = False,
    ) -> dict[str, Order | None]:
        """Renew the agent's leases; None for a lost one. `leaving`: it claims no more."""
        if leaving:
            self._leaving.add(agent)
        else:
            self._leaving.discard(agent)
        return self.store.heartbeat(
            agent,
            leases,
            now=self.clock.now(),
            lease_seconds=lease_seconds or self.lease_seconds,
        )

    def at_work(self, agent: Agent) -> bool:
        """Whether it was heard of within a lease; one that was killed cannot say that it has ended."""
        wandb = agent.kind.startswith("wandb")
        seconds = max(self.lease_seconds, self.wandb_lease_seconds) if wandb else self.lease_seconds
        return agent.ended is None and self.clock.now() - agent.last_seen < seconds

    def awaited(self, run: str) -> bool:
        """Whether it is kept for the agent with its checkpoint, which is at work and may come for it."""
        return self.store.awaited(
            run,
            now=self.clock.now(),
            lease_seconds=self.lease_seconds,
            leaving=frozenset(self._leaving),
        )

    # -- ends -------------------------------------------------------------------------------------
    def complete(self, run_id: str, token: str, completion: Completion) -> Ended:
        """The attempt is over; an oom retry gets what `swept.oom` lowers. Raises LeaseLost."""
        outcome = member(Outcome, completion["outcome"], "outcome")
        run = self.store.run(run_id)
        spec = self.spec_of(run)
        less = reduction(spec, run) if spec and outcome is Outcome.OOM else None
        ended = self.store.complete(
            run_id,
            token,
            outcome,
            reason=completion["reason"],
            now=self.clock.now(),
            exit_code=completion["exit_code"],
            signal=completion["signal"],
            max_retries=spec.options.retries if spec else 0,
            overrides=less.overrides if less else None,
        )
        self._ended(ended)
        if less and ended.retried and run.state is RunState.RUNNING:
            self._tell("run.reduced", run.sweep, less.reason, run=run.id)
        return ended

    def reap(self) -> list[Ended]:
        """End what lost its lease, and the sweeps in which nothing is left to do."""
        expired = self._expire()
        for ended in expired:
            self._ended(ended)
        for sweep_id in sorted(self._dry):
            self._dry.discard(sweep_id)  # first: a run that ends during the look puts it back
            try:
                again = self._finish_if_done(sweep_id)
            except StoreError:
                self._dry.add(sweep_id)
                raise
            if again:
                self._dry.add(sweep_id)
        return expired

    def _expire(self) -> list[Ended]:
        now = self.clock.now()
        specs = {run.id: self.spec_of(run) for run in self.store.overdue(now=now)}
        if not specs:
            return []
        retries = {run: spec.options.retries for run, spec in specs.items() if spec}
        return self.store.expire(now=now, retries=retries)

    def start(self) -> None:
        """The server is up: leases that ran while it was not get a full new period, and a sweep whose last run had
        just ended is looked at."""
        now = self.clock.now()
        self.store.start_period(now=now)
        self._last_tick = now
        running = (sweep for sweep in self.store.sweeps() if sweep.state is SweepState.RUNNING)
        self._dry.update(sweep.id for sweep in running)

    def tick(self, now: float) -> bool:
        """About once a second. Whether something changed that waiting requests should look at.

        A gap of more than a lease (a laptop asleep, a clock set) counts as time without a server; so does one in which
        the store could not be written.
        """
        last, self._last_tick = self._last_tick, None
        if last is None or not 0.0 <= now - last <= self.lease_seconds:
            self.store.start_period(now=now)
            changed = False
        else:
            dry = bool(self._dry)
            changed = bool(self.reap()) or dry
        self._last_tick = now
        return changed

    def _ended(self, ended: Ended) -> None:
        sweep = ended.run.sweep
        if sweep is not None and ended.state is not RunState.PENDING:
            self._dry.add(sweep)

    def _finish_if_done(self, sweep_id: str) -> bool:
        """A sweep whose last run has just ended may be done although nobody claims any more. Whether it has to be
        looked at again, although no run ends."""
        sweep = self.store.sweep(sweep_id)
        if sweep.state is not SweepState.RUNNING:
            return False
        lock = self._locks.of("fill", sweep_id)
        if not lock.acquire(blocking=False):
            return True  # that fill may have begun before the end
        try:
            if not self.store.idle(sweep_id):
                return False  # without the history, which a start would read of every sweep
            history = self.store.history(sweep_id)
            answer = self._suggest(sweep, history, 1)
            return isinstance(answer, Done) and self._done(sweep, history, answer.why) is None
        finally:
            lock.release()
