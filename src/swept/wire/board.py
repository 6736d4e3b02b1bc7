"""Many runs at once: the dashboard."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11

from swept.wire.sweeps import AdviceView, MetricView


class BoardHead(TypedDict):
    """What is said of a sweep as a whole; of a project's runs outside of sweeps, `method` is "" and `id` too."""

    id: str
    name: str
    project: str
    state: str
    method: str
    early_stopping: str  # hyperband | asha | median | auto | off
    metric: MetricView | None
    full: int | None  # steps of a whole training, where known
    rungs: list[int]  # steps at which early stopping judges
    targets: dict[str, float]
    run_cap: int | None
    hours: float | None
    created: float
    updated: float
    ended_because: str
    best: str | None  # a run's id: the one advised, else the best value
    baseline: str | None
    advice: AdviceView | None
    advising: bool  # a newer advice is being worked out: ask again in a moment
    agents: list[BoardAgent]
    text: str
    path: str
    spec_version: int  # how often the file was changed, from 1; 0 of a project


class BoardAgent(TypedDict):
    id: str
    host: str
    kind: str
    slots: int
    started: float
    last_seen: float
    ended: float | None
    live: bool


class BoardParameter(TypedDict):
    """A searched parameter, by its dotted name. `low` and `high`: its bounds, or the range of what is there.

    Categories are as they stand in `config`; what is no scalar is its JSON text, and so is null.
    """

    name: str
    kind: str  # number | category
    whole: bool
    log: bool
    low: float
    high: float
    categories: list[Any]
    inert: str  # why it cannot act, or ""


class BoardAttempt(TypedDict):
    number: int
    agent: str
    host: str
    started: float
    ended: float | None
    outcome: str | None
    reason: str
    first_step: int


class BoardRuns(TypedDict):
    """Columns over all runs, in order of creation."""

    id: list[str]
    number: list[int]
    name: list[str]
    kind: list[str]
    state: list[str]
    desired: list[str]
    why: list[str]
    ended_because: list[str]
    parent: list[str | None]
    seed: list[int | None]
    value: list[float | str | None]  # as it counts: at the last step, finite or not, or the best
    best_value: list[float | None]
    steps: list[int]
    created: list[float]
    started: list[float | None]
    ended: list[float | None]
    attempts: list[list[BoardAttempt]]
    spec_version: list[int]  # of the sweep's file, when the run was made


class BoardView(TypedDict):
    """`position`: the event stream goes on from here, and misses nothing of what may not be in here yet."""

    head: BoardHead
    position: str  # EVENT.POINT
    version: int  # counts what has changed in the runs
    parameters: list[BoardParameter]
    runs: BoardRuns
    config: dict[str, list[Any]]  # parameter → a scalar or null of each run
    effective: dict[str, dict[str, Any]]  # parameter → row → what the run really had, where other
    summary: dict[str, list[float | str | None]]  # metric → last value of each run
    incomparable: list[int]  # rows of runs that were given other fixed values than the file has now


class OverviewEntry(TypedDict):
    """A sweep in a list of many."""

    id: str
    name: str
    project: str
    state: str
    method: str
    metric: MetricView | None
    created: float
    updated: float
    ended_because: str
    counts: dict[str, int]  # runs by state
    ended: int  # of those that the cap counts
    cap: int | None
    eta: float | None  # seconds
    best: float | None
    best_run: str | None
    baseline: float | None
    line: list[float]  # best so far, run by run as they ended; at most 60 of it
    last_activity: float
    agents: int  # at work
