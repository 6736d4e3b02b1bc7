"""Sweeps: made, changed, shown."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11

from swept.wire.runs import RunView


class NewSweep(TypedDict):
    text: str  # the YAML or JSON as written
    path: str  # absolute, "" where there is none
    mode: str  # "create": always a new one; "launch": find by path or create
    project: NotRequired[str | None]
    name: NotRequired[str | None]
    strict: NotRequired[bool]


class SweepAnswer(TypedDict):
    id: str
    created: bool
    state: str
    spec_version: int
    difference: list[str]  # launch: how the file differs from the sweep's spec, in lines
    warnings: list[dict[str, Any]]  # errors.Problem as dict


class SpecUpdate(TypedDict):
    text: str
    path: NotRequired[str]


class StateChange(TypedDict):
    state: str
    reason: NotRequired[str]


class MetricView(TypedDict):
    name: str
    goal: str


class AdviceView(TypedDict):
    """The run that the model of learning curves names as best, and what another training of it is expected to end at
    after `full` steps: `value`, within one standard deviation `low` to `high`."""

    run: str
    value: float
    low: float
    high: float
    full: int


class SweepView(TypedDict):
    """`swept show ID --json` is this with `schema: 1` (the contract of docs/reference/json.md)."""

    schema: int
    id: str
    name: str
    project: str
    state: str
    method: str
    metric: MetricView | None
    best: RunView | None  # the one advised; in the list of sweeps: the best value seen
    advice: NotRequired[AdviceView | None]
    runs: list[RunView]
    spec: dict[str, Any]
    text: str
    path: str
    spec_version: int
    created: float
    updated: float
    ended_because: str
    agents: list[dict[str, Any]]  # model.Agent as dict, and "live": heard of within a lease
    counts: NotRequired[dict[str, int]]  # runs by state; the list of sweeps leaves `runs` empty
