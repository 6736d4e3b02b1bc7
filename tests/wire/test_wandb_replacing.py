"""A run that waits for the agent with its checkpoint, beside idle agents of the real client."""

from __future__ import annotations

from typing import Any

from tests.wire.test_wandb_wire import SWEEP, Wire, sweep, wire

from swept.model import Continue, Desired, Outcome, Run
from swept.store.base import Lease
from swept.testing.scenes import checkpoint, log
from swept.wire.agents import ClaimRequest

__all__ = ["sweep", "wire"]

ONE = SWEEP.replace("values: [0.1, 0.2, 0.3]", "values: [0.1]")


def ask(wire: Wire, sweep: str, agent: str, request: str, *disks: str) -> Lease | None:
    asking = ClaimRequest(agent=agent, host="a", request=request, wait=0.0, reachable=[*disks])
    return wire.engine.claim(sweep, asking)[1]


def paused(wire: Wire, kind: str = "swept") -> tuple[str, str, Run]:
    """Its only run, paused by the search after a checkpoint on the disk of the agent."""
    sweep = wire.engine.create_sweep(ONE)[0].id
    now = wire.clock.now()
    agent = wire.store.add_agent(sweep=sweep, host="a", kind=kind, slots=1, now=now).id
    lease = ask(wire, sweep, agent, "first", "disk")
    assert lease is not None
    run = lease.run.id
    wire.engine.report(run, lease.token, [log(1, 1, loss=1.0), checkpoint(2, 1)])
    wire.store.set_desired(run, Desired.PAUSE, reason="a rung", by="search", now=now)
    wire.store.complete(run, lease.token, Outcome.PAUSED, reason="a rung", now=now)
    assert wire.store.run(run).state == "paused"
    return sweep, agent, wire.store.run(run)


def promote(wire: Wire, sweep: str, run: str) -> None:
    token = wire.store.history(sweep).token
    suggestion = Continue(run, {"reason": "promoted"})
    assert wire.store.add(sweep, token, [suggestion], now=wire.clock.now())


def given(commands: list[dict[str, Any]]) -> list[str]:
    return [command["run_id"] for command in commands if "run_id" in command]


def test_a_run_promoted_long_after_its_pause_goes_on_where_its_checkpoint_is(wire: Wire) -> None:
    sweep, agent, run = paused(wire)
    idle = wire.agent(sweep)
    wire.clock.advance(400)
    promote(wire, sweep, run.id)
    assert given(wire.beat(idle)) == []
    assert wire.store.run(run.id).state == "pending"
    lease = ask(wire, sweep, agent, "again", "disk")
    assert lease is not None
    assert (lease.run.id, lease.run.checkpoint is not None) == (run.id, True)


def test_the_wait_counts_from_the_promotion_and_ends_with_the_agent(wire: Wire) -> None:
    sweep, agent, run = paused(wire)
    idle = wire.agent(sweep)
    promote(wire, sweep, run.id)
    wire.clock.advance(400)
    wire.store.touch_agent(agent, now=wire.clock.now())
    assert given(wire.beat(idle)) == []  # at work, with another run
    wire.store.end_agent(agent, now=wire.clock.now())
    (new,) = given(wire.beat(idle))
    assert wire.store.run(new).retry_of == run.id
    assert wire.store.run(run.id).state == "killed"


def test_nobody_waits_for_an_agent_that_claims_no_more(wire: Wire) -> None:
    sweep, agent, run = paused(wire)
    idle = wire.agent(sweep)
    promote(wire, sweep, run.id)
    wire.clock.advance(400)
    wire.engine.heartbeat(agent, {}, leaving=True)
    (new,) = given(wire.beat(idle))
    assert wire.store.run(new).retry_of == run.id


def test_nobody_waits_for_an_agent_of_the_real_client(wire: Wire) -> None:
    sweep, agent, run = paused(wire, kind="wandb-cli")
    idle = wire.agent(sweep)
    promote(wire, sweep, run.id)
    wire.clock.advance(301)
    wire.store.touch_agent(agent, now=wire.clock.now())
    (new,) = given(wire.beat(idle))
    assert wire.store.run(new).retry_of == run.id


def test_an_agent_that_never_claims_again_is_waited_for_half_an_hour(wire: Wire) -> None:
    sweep, agent, run = paused(wire)
    idle = wire.agent(sweep)
    promote(wire, sweep, run.id)
    for _ in range(6):
        assert given(wire.beat(idle)) == []
        wire.clock.advance(300)
        wire.store.touch_agent(agent, now=wire.clock.now())
    (new,) = given(wire.beat(idle))
    assert wire.store.run(new).retry_of == run.id
