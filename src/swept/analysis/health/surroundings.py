"""Cards about agents and the disk."""

from __future__ import annotations

from collections.abc import Iterator

from swept.analysis.health.situation import Card, Situation
from swept.analysis.health.words import lines
from swept.model import (
    SweepState,
)

LITTLE_DISK, HARDLY_ANY = 5 << 30, 1 << 30


def agents(now: Situation) -> Iterator[Card]:
    if now.state not in (SweepState.RUNNING, SweepState.PENDING) or now.live:
        return
    if not now.agents:
        yield Card(
            "no-agent",
            "info",
            "No agent works on this sweep",
            f"Nothing runs until one does: `swept agent {now.sweep}` starts one.",
        )
        return
    # An agent that said goodbye is no accident; one that fell silent is.
    lost = [agent for agent in now.agents if agent.ended is None]
    yield Card(
        "no-agent",
        "bad" if lost else "warn",
        "No agent is at work any more",
        f"The sweep is {now.state}, and {_agents_gone(len(now.agents), len(lost))}. "
        f"`swept agent {now.sweep}` starts one.",
        lines(f"agent {agent.id} on {agent.host}: not heard of any more" for agent in lost),
    )


def _agents_gone(count: int, lost: int) -> str:
    if not lost:
        return f"its {count} agents have ended" if count > 1 else "its agent has ended"
    return f"{lost} of {count} agents fell silent" if count > 1 else "its agent fell silent"


def disk(now: Situation) -> Iterator[Card]:
    if now.free is not None and now.free < LITTLE_DISK:
        yield Card(
            "disk",
            "bad" if now.free < HARDLY_ANY else "warn",
            "Little disk space is left on the server",
            f"{now.free / (1 << 30):.1f} GiB: reports and checkpoints are lost once it is full. `swept gc` frees some.",
        )
