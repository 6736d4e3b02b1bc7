"""What a run's program and its agent tell of it."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11


class Report(TypedDict):
    """One item of an attempt's ordered queue. `seq` counts from 1 without gaps.

    type "log":        step (None: after the last), metrics
    type "checkpoint": step, place, host
    type "resumed":    step of the checkpoint that the program took up: first_step = step + 1
    type "summary":    values
    type "effective":  config
    type "config":     config: what the program set beside the given one
    """

    seq: int
    type: str
    time: float
    step: NotRequired[int | None]
    metrics: NotRequired[dict[str, Any]]
    place: NotRequired[str]
    host: NotRequired[str]
    values: NotRequired[dict[str, Any]]
    config: NotRequired[dict[str, Any]]


class Reports(TypedDict):
    lease: str
    reports: list[Report]


class ReportsAnswer(TypedDict):
    acknowledged: int  # the highest seq that is durable
    lease: str  # "ok" | "lost"
    desired: str
    reason: str


class ConsoleLine(TypedDict):
    number: int  # from 0 within the attempt; a later line of the same number replaces it
    text: str
    stream: str  # stdout | stderr
    time: float


class ConsoleLines(TypedDict):
    lease: str
    lines: list[ConsoleLine]


class SystemRow(TypedDict):
    """What a run's processes, their host and its GPUs did at a moment, as its agent measured it."""

    time: float
    metrics: dict[str, float]  # named as W&B's client names them where they mean the same


class SystemRows(TypedDict):
    lease: str
    rows: list[SystemRow]  # upserted by their whole second: the same again changes nothing


class SystemAnswer(TypedDict):
    wanted: bool  # False: W&B's client in the program measures the run itself


class Completion(TypedDict):
    lease: str
    outcome: str  # model.Outcome
    exit_code: int | None
    signal: int | None
    reason: str  # a sentence
    tail: list[str]  # the last lines of the console
    overrides: NotRequired[dict[str, Any]]  # the server works `swept.oom` out


class CompletionAnswer(TypedDict):
    state: str  # the run's state now
    retried: bool
