"""The real `wandb agent`: registering, and the heartbeat that hands out, stops and closes runs.

The heartbeat says which runs are alive; a run that has ended simply disappears, without an exit code. What a
program said on the file stream (`complete`) is known there; what is left is closed by evidence:

    not seen, no init      the command got lost, or the program ended at once: sent once more, then failed
    gone, no `complete`    stopped where that was ordered; failed without an init; else crashed

"Init" is wandb.init or swept.init. A run id is never handed out twice, except after `mark_preempting`. One run at a
time for each agent: it would start every `run` command of one answer in parallel, without knowing of slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swept.errors import NotFound
from swept.model import Agent, Desired, Outcome, Run, RunState, Sweep, SweepState
from swept.server.auth import Access
from swept.server.wandb import replacing, runs, tokens
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.service import (
    JOINED,
    WANDB_AGENT,
    Service,
    begun,
    find_sweep,
    last_attempt,
    marked,
    owner_only,
)
from swept.store.base import RunFilter
from swept.wire.agents import ClaimRequest

GRACE_AFTER_TOLD = 20.0  # from "stopped": true on the file stream to SIGTERM by the agent
GRACE_UNTOLD = 40.0  # the same for a run that has not asked: posts come every 15 s by default
GRACE_SILENT = (
    300.0  # for a program that looks at `should_stop` after each report: one that reports nothing
)
GRACE_GONE = 15.0  # from leaving runState to the end by evidence: a last post may be under way

Command = dict[str, Any]


def create(service: Service, access: Access, arguments: Arguments) -> Node:
    """Register an agent. Raises NotFound for an unknown sweep."""
    owner_only(access, "register agents")
    data = arguments.input()
    data.ignore("entityName", "projectName")
    sweep = find_sweep(service, data.text("sweep"))
    if sweep is None:
        raise NotFound(f"there is no sweep `{data.text('sweep')}`")
    agent = service.store.add_agent(
        sweep=sweep.id, host=data.text("host"), kind=WANDB_AGENT, slots=1, now=service.now()
    )
    return {
        "__typename": "CreateAgentPayload",
        "agent": {"__typename": "Agent", "id": agent.id, "name": agent.id},
    }


def heartbeat(service: Service, access: Access, arguments: Arguments) -> Node:
    """The commands for one agent, as a JSON text of a list: never null, which would end the agent."""
    owner_only(access, "act as an agent")
    data = arguments.input()
    data.ignore("metrics")
    alive = {name for name, on in tokens.mapping(data.get("runState")).items() if on}
    commands = _commands(service, data.text("id"), alive)
    return {
        "__typename": "AgentHeartbeatPayload",
        "agent": {"__typename": "Agent", "id": data.text("id")},
        "commands": tokens.dumps(commands),
    }


def _commands(service: Service, name: str, alive: set[str]) -> list[Command]:
    try:
        agent = service.store.agent(name)
        sweep = service.store.sweep(agent.sweep or "")
    except NotFound:
        # An agent of a store that is gone: nothing will ever come for it. `exit` would kill what it runs.
        return [] if alive else [{"type": "exit"}]
    service.store.touch_agent(agent.id, now=service.now())
    mine = _own(service, agent, sweep, alive)
    commands = [command for run in mine for command in _for_run(service, sweep, run, alive)]
    if commands or alive or any(_open(service, run.id) for run in mine):
        return commands
    return _next(service, agent, sweep)


def _own(service: Service, agent: Agent, sweep: Sweep, alive: set[str]) -> list[Run]:
    """The agent's runs that are not over, and those that it says are alive."""
    held = service.store.runs(RunFilter(sweep=sweep.id, held_by=agent.id))
    others = alive.difference(run.id for run in held)
    return [*held, *(run for name in sorted(others) if (run := _once_its(service, agent, name)))]


def _once_its(service: Service, agent: Agent, name: str) -> Run | None:
    """A run whose lease the agent had last."""
    try:
        run = service.store.run(name)
    except NotFound:
        return None
    attempt = last_attempt(run)
    return run if attempt is not None and attempt.agent == agent.id else None


def _open(service: Service, run: str) -> bool:
    return service.store.run(run).state is RunState.RUNNING


def _for_run(service: Service, sweep: Sweep, run: Run, alive: set[str]) -> list[Command]:
    if run.id in alive:
        return _for_live(service, sweep, run)
    if run.id not in service.notes.seen and not begun(run):
        return _unseen(service, sweep, run)
    _gone(service, run)
    return []


def _for_live(service: Service, sweep: Sweep, run: Run) -> list[Command]:
    """Renew its lease; a stop goes on being sent until the run has left runState."""
    service.notes.seen.add(run.id)
    service.notes.missing.pop(run.id, None)
    runs.renew(service, run)
    if run.state.ended and run.state is not RunState.CRASHED:
        # It said `complete`, and its process is still ending.
        return []
    if run.desired is Desired.STOP and _grace_is_over(service, sweep, run):
        return [{"type": "stop", "run_id": run.id}]
    return []


def _grace_is_over(service: Service, sweep: Sweep, run: Run) -> bool:
    """Whether the agent should stop the run: by SIGTERM, which loses rows, or in its own thread, which does not.

    A joined program is told with the answer to its report, and obeys after the next one at the latest.
    """
    if _is_function(service, sweep) and not marked(run, JOINED):
        return True
    now = service.now()
    asked, steps = service.notes.asked.setdefault(run.id, (now, run.steps))
    if marked(run, JOINED):
        if run.steps > steps:
            runs.told(service, run)
        patience = GRACE_SILENT
    else:
        patience = GRACE_UNTOLD
    told = service.notes.told.get(run.id)
    return now - asked >= patience or (told is not None and now - told >= GRACE_AFTER_TOLD)


def _is_function(service: Service, sweep: Sweep) -> bool:
    """`wandb.agent(ID, function=…)`: an exception raised in its thread ends the run, and its client finishes it."""
    spec = service.spec(sweep)
    return spec.program is None and spec.command is None


def _unseen(service: Service, sweep: Sweep, run: Run) -> list[Command]:
    """Its command may have been lost with an answer."""
    if run.id not in service.notes.resent and run.desired is not Desired.STOP:
        service.notes.resent.add(run.id)
        return [_run_command(service, sweep, run, "run")]
    reason = "the agent started it twice, and it ended each time without calling wandb.init"
    runs.end(service, run, *_evidence(run, Outcome.FAILED, reason))
    return []


def _gone(service: Service, run: Run) -> None:
    """It left runState. Without `complete` it is closed after a grace."""
    now = service.now()
    if now - service.notes.missing.setdefault(run.id, now) < GRACE_GONE:
        return
    if begun(run):
        reason = "the program ended without a word: killed, or the machine ran out of memory"
        runs.end(service, run, *_evidence(run, Outcome.LOST, reason))
    else:
        reason = "the program ended without calling wandb.init"
        runs.end(service, run, *_evidence(run, Outcome.FAILED, reason))


def _evidence(run: Run, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
    if run.desired is Desired.STOP:
        return Outcome.STOPPED, run.desired_why
    return outcome, reason


def _next(service: Service, agent: Agent, sweep: Sweep) -> list[Command]:
    """What an idle agent gets: the next run, nothing for now, or the end."""
    if sweep.state.ended:
        return _exit(service, agent)
    if sweep.state is SweepState.PAUSED:
        return []
    replacing.replace_due(service, sweep)
    # An agent has one lease at a time: two heartbeats at once get the same run.
    request = ClaimRequest(agent=agent.id, host=agent.host, request=agent.id, wait=0.0)
    status, lease, _ = service.engine.claim(sweep.id, request, service.engine.wandb_lease_seconds)
    if status == "done":
        return _exit(service, agent)
    if lease is None:
        return []
    # Only a run whose program had said that it is being pre-empted is given out a second time.
    kind = "run" if lease.attempt == 1 else "resume"
    return [_run_command(service, sweep, lease.run, kind)]


def _exit(service: Service, agent: Agent) -> list[Command]:
    service.store.end_agent(agent.id, now=service.now())
    return [{"type": "exit"}]


def _run_command(service: Service, sweep: Sweep, run: Run, kind: str) -> Command:
    spec = service.engine.spec_of(run) or service.spec(sweep)  # its own version
    return {
        "type": kind,
        "run_id": run.id,
        "program": spec.program,
        "args": arguments_of(spec.given(run.config, run.seed)),
    }


def arguments_of(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A config as the agent takes it; an entry without "value" would keep the run from starting."""
    return {key: {"value": value} for key, value in config.items()}
