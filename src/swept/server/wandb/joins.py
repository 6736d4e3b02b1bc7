"""Programs that report through swept's SDK under the real `wandb agent`.

The agent's heartbeat handed the run out, under a lease that the agent knows nothing of. Its program joins: it gets
that lease, and what else swept's own agent would have given it. From there on it reports, beats and completes by
itself; the heartbeat goes on renewing the lease, and closes the run only where the program died without a word.
"""

from __future__ import annotations

from swept.errors import Conflict
from swept.model import Run, RunState
from swept.server.wandb.service import JOINED, JOINER, WANDB_AGENT, last_attempt, mark, marked
from swept.store.base import Lease, Store
from swept.wire.agents import Join


def join(store: Store, name: str, who: Join, *, now: float, lease_seconds: float) -> Lease:
    """The run's lease. Repeated by the same process: the same; by a later one: the next attempt's.

    Raises NotFound, and Conflict for a run that no `wandb agent` started, or that is over.
    """
    run = store.run(name)
    attempt = last_attempt(run)
    if attempt is None or store.agent(attempt.agent).kind != WANDB_AGENT:
        raise Conflict(f"run {run.id} was not started by a `wandb agent`")
    if run.state not in (RunState.RUNNING, RunState.CRASHED):
        raise Conflict(f"run {run.id} is {run.state} already", hint=run.ended_because)
    if who["reports"]:
        joiner = f"{who['host']}/{who['pid']}"
        if _another(run, joiner):
            store.open_attempt(
                run.id,
                agent=attempt.agent,
                host=who["host"],
                now=now,
                lease_seconds=lease_seconds,
            )
            run = store.run(run.id)
        store.update_run(run.id, now=now, details={JOINED: mark(run), JOINER: joiner})
    lease = store.lease(run.id)
    assert lease is not None  # it has an attempt
    return lease


def _another(run: Run, joiner: str) -> bool:
    """Whether this process needs an attempt of its own."""
    if run.state is RunState.CRASHED:
        return True
    return marked(run, JOINED) and run.details.get(JOINER) != joiner
