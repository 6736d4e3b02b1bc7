"""Runs as they are shown, and what people want of them."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11


class NewRun(TypedDict):
    kind: str
    config: dict[str, Any]  # overrides over the parent's, or a whole config
    parent: NotRequired[str | None]
    name: NotRequired[str | None]
    why: NotRequired[str]
    reuse: NotRequired[bool]  # find that (kind, parent, config), not failed; default true


class DesiredChange(TypedDict):
    desired: str
    reason: NotRequired[str]


class AttemptView(TypedDict):
    number: int
    agent: str
    host: str
    started: float
    ended: float | None
    outcome: str | None
    reason: str
    exit_code: int | None
    signal: int | None
    first_step: int


class DefinedMetric(TypedDict):
    """What `define_metric` said of a metric."""

    step_metric: str | None  # draw it against this one
    step_sync: bool
    hidden: bool
    summary: list[str]  # min max mean best last none copy first
    goal: str  # minimize | maximize | ""


class OrderView(TypedDict):
    """What was wanted of a run, and why."""

    time: float
    order: str  # go | pause | stop | continue
    by: str  # search | person
    step: int | None  # that a decision saw
    reason: str


class AlertView(TypedDict):
    """What the program told people by `run.alert`."""

    time: float
    title: str
    text: str
    level: str  # INFO | WARN | ERROR


class RunView(TypedDict):
    id: str
    number: int
    name: str
    project: str
    sweep: str | None
    kind: str
    state: str
    config: dict[str, Any]
    effective_config: dict[str, Any] | None
    value: float | str | None
    best_value: float | str | None
    steps: int
    curve: list[list[Any]]  # [[step, value], …], visible
    attempts: list[AttemptView]
    why: str
    ended_because: str
    desired: str
    parent: str | None
    retry_of: str | None
    seed: int | None
    summary: dict[str, Any]
    created: float
    started: float | None
    ended: float | None
    resumable: bool
    defined: dict[str, DefinedMetric]  # metric, or glob → how to draw it
    details: dict[str, Any]  # group, job_type, tags …; of one run also charts, metadata
    alerts: NotRequired[list[AlertView]]  # of one run: its last ones
    orders: NotRequired[list[OrderView]]  # of one run: the last ones
    chosen: NotRequired[dict[str, Any]]  # of one run: `why` with strategy and predicted figures
    program: NotRequired[dict[str, Any]]  # of one run: what its program set beside the given config


class HistoryRow(TypedDict):
    step: int
    attempt: int
    metrics: dict[str, Any]
    time: NotRequired[float | None]


class ConsolePage(TypedDict):
    lines: list[dict[str, Any]]  # ConsoleLine + attempt + cursor
    next: int  # pass as `after`


class FileView(TypedDict):
    name: str
    size: int
    digest: str
    time: float


class ArtifactView(TypedDict):
    """A version of an artifact, as one run has to do with it."""

    name: str
    type: str
    version: int
    aliases: list[str]
    description: str
    role: str  # output: the run logged it; input: it used it
    size: int
    files: int
    created: float


class RelatedRun(TypedDict):
    """A run that another one came from, or that came from it."""

    relation: str  # parent | retry_of | child | retry
    id: str
    number: int
    name: str
    kind: str
    state: str
    value: float | str | None
    steps: int


class Way(TypedDict):
    """How a run's configuration is trained again: a line for a shell."""

    title: str
    shell: str
    note: str
