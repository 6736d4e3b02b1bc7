"""How work is taken: agents, their heartbeats, claims and what they get."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11


class AgentStart(TypedDict):
    host: str
    pid: int
    slots: int
    sweep: NotRequired[str | None]


class AgentAnswer(TypedDict):
    id: str


class Beat(TypedDict):
    leases: dict[str, str]  # run id → lease token
    draining: bool  # it claims no more
    wait: NotRequired[float]  # hold the answer for so long, while nothing but `heard` is wanted
    heard: NotRequired[
        dict[str, str]
    ]  # run id → what the agent knows is wanted; go where it is left out


class RunOrder(TypedDict):
    """What the server wants of one run; the same shape rides on ReportsAnswer."""

    lease: str  # "ok" | "lost"
    desired: str  # go | pause | stop
    reason: str
    step: NotRequired[int]
    wandb: NotRequired[bool]  # the attempt's program reports through W&B's client


class BeatAnswer(TypedDict):
    runs: dict[str, RunOrder]
    sweep_state: str


class ClaimRequest(TypedDict):
    agent: str
    host: str
    request: str  # idempotency: the same id again gets the same run
    wait: float  # seconds to hold the request open while there is nothing
    kinds: NotRequired[list[str]]  # default: SWEEP_KINDS
    run: NotRequired[str | None]  # this very run (train, compare)
    reachable: NotRequired[list[str]]  # checkpoint host ids that this agent can read


class Claimed(TypedDict):
    """All that an agent needs to start the program."""

    run: str
    number: int
    name: str
    kind: str
    sweep: str | None
    project: str
    attempt: int
    lease: str  # also the attempt's API key: "local-" + 40 hex digits
    config: dict[str, Any]
    seed: int | None
    checkpoint: dict[str, Any] | None  # model.Checkpoint as dict
    program: str | None
    command: list[str]  # macros not yet replaced
    folder: str
    epochs: int | None  # steps of a full run, where known
    metric: str | None
    why: str
    adapter: str | None


class ClaimAnswer(TypedDict):
    status: str  # "run" | "wait" | "done"
    claimed: Claimed | None
    why: str


class ManualRun(TypedDict):
    project: str
    name: NotRequired[str | None]
    config: dict[str, Any]
    host: str
    pid: int
    command: NotRequired[str]


class Join(TypedDict):
    host: str
    pid: int
    reports: bool  # False: another process of the run, which only wants to know what it is
