"""The nouns, frozen: what a sweep is made of, and how a run moves between its states.

Nothing here knows a database, a clock or a network. Times are seconds since the epoch, UTC; steps are
integers; a missing time is None. Mappings are never mutated after construction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Config: TypeAlias = Mapping[str, Any]  # JSON values; nested mappings where the space is nested


ASKED, ASKED_HERE, STOPPED_THERE = (
    "asked for by a person",
    "asked for on the command line",
    "stopped by a person",
)
"""What a person's order says that gives no reason: from the page, from the command line, from a W&B client."""


class SweepState(StrEnum):
    PENDING = "pending"  # created, no run claimed yet
    RUNNING = "running"
    PAUSED = "paused"  # no new runs; running ones go on
    FINISHED = "finished"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (SweepState.FINISHED, SweepState.CANCELLED)


class Kind(StrEnum):
    """What a run is for. Only `search` is ever stopped or paused by `decide`."""

    SEARCH = "search"
    BASELINE = "baseline"
    REPEAT = "repeat"
    CONFIRM = "confirm"
    FINAL = "final"  # `swept train`
    COMPARE = "compare"  # `swept compare`
    MANUAL = "manual"  # outside any search
    PRIOR = (
        "prior"  # a copy of an earlier training, for the search to learn from; never started here
    )


SWEEP_KINDS = frozenset({Kind.SEARCH, Kind.BASELINE, Kind.REPEAT, Kind.CONFIRM})
"""The kinds that a sweep's agents claim; at the sweep's own fidelity."""
COUNTED_KINDS = frozenset({Kind.SEARCH, Kind.BASELINE, Kind.REPEAT})
"""The kinds that `run_cap` and `budget.runs` count."""
SEEN_KINDS = SWEEP_KINDS | {Kind.PRIOR}
"""The kinds in a `History`. Who compares or counts takes SWEEP_KINDS of them: another training may have made a prior."""


class RunState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    KILLED = "killed"
    CRASHED = "crashed"

    @property
    def ended(self) -> bool:
        return self in ENDED


ENDED = frozenset(
    {RunState.FINISHED, RunState.FAILED, RunState.STOPPED, RunState.KILLED, RunState.CRASHED}
)


class Move(StrEnum):
    """The verbs that change a run's state."""

    CLAIM = "claim"  # an agent takes it
    FINISH = "finish"
    FAIL = "fail"  # a plain exit code != 0
    STOP = "stop"  # ended early, on purpose: a full citizen for the search
    KILL = "kill"  # cancelled: no data point
    PAUSE = "pause"  # a checkpoint is recorded, the slot is free
    RESUME = "resume"  # continued by the search, or by a person
    RELEASE = "release"  # Ctrl+C, SIGTERM, spot notice, pre-empted: uses no retry
    REQUEUE = "requeue"  # oom, lost, lease lost: uses one retry
    CRASH = "crash"  # oom, lost, lease lost with no retries left
    REVIVE = "revive"  # an expired token that nobody re-claimed takes its run back
    REOPEN = "reopen"  # a manual run's program begins again under its id (`wandb.init(id=…)`)


TRANSITIONS: Mapping[Move, Mapping[RunState, RunState]] = {
    Move.CLAIM: {RunState.PENDING: RunState.RUNNING},
    Move.FINISH: {RunState.RUNNING: RunState.FINISHED},
    Move.FAIL: {RunState.RUNNING: RunState.FAILED},
    Move.STOP: {RunState.RUNNING: RunState.STOPPED, RunState.PAUSED: RunState.STOPPED},
    Move.KILL: {
        RunState.PENDING: RunState.KILLED,
        RunState.RUNNING: RunState.KILLED,
        RunState.PAUSED: RunState.KILLED,
    },
    Move.PAUSE: {RunState.RUNNING: RunState.PAUSED},
    Move.RESUME: {RunState.PAUSED: RunState.PENDING},
    Move.RELEASE: {RunState.RUNNING: RunState.PENDING},
    Move.REQUEUE: {RunState.RUNNING: RunState.PENDING},
    Move.CRASH: {RunState.RUNNING: RunState.CRASHED},
    Move.REVIVE: {RunState.PENDING: RunState.RUNNING, RunState.CRASHED: RunState.RUNNING},
    Move.REOPEN: {
        RunState.FINISHED: RunState.RUNNING,
        RunState.FAILED: RunState.RUNNING,
        RunState.STOPPED: RunState.RUNNING,
        RunState.KILLED: RunState.RUNNING,
    },
}
"""The one source for the store's constraints, the docs' picture and the stateful property test."""


class Desired(StrEnum):
    """What people and `decide` want of a run; its `RunState` is what is so."""

    GO = "go"
    PAUSE = "pause"
    STOP = "stop"


class Outcome(StrEnum):
    """How an attempt ended, as the agent classified it (or the server, for a lease that ran out)."""

    FINISHED = "finished"
    FAILED = "failed"
    OOM = "oom"
    LOST = "lost"
    PREEMPTED = "preempted"
    RELEASED = "released"
    STOPPED = "stopped"
    PAUSED = "paused"
    KILLED = "killed"


class Goal(StrEnum):
    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    @property
    def sign(self) -> float:
        """Multiply by it and smaller is better."""
        return 1.0 if self is Goal.MINIMIZE else -1.0

    def better(self, a: float, b: float) -> bool:
        """Whether `a` beats `b`. NaN never beats anything; everything finite beats NaN."""
        if math.isnan(a):
            return False
        return math.isnan(b) or self.sign * a < self.sign * b


@dataclass(frozen=True, slots=True)
class Point:
    """One visible report of the objective: `value` may be NaN or infinite (diverged)."""

    step: int
    value: float


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a run's metric history: everything reported for one step, merged by key, last wins."""

    step: int
    metrics: Mapping[str, Any]
    attempt: int = 1
    time: float | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where an attempt can be taken up again. `host` is the id file's content beside the checkpoints."""

    run: str
    attempt: int
    step: int
    place: str
    host: str
    time: float


@dataclass(frozen=True, slots=True)
class File:
    """A file kept for a run by the server."""

    run: str
    name: str
    size: int
    digest: str  # sha256, hex
    time: float


@dataclass(frozen=True, slots=True)
class Collection:
    """An artifact's name in a project; its versions count from 0."""

    number: int
    project: str
    name: str
    type: str
    description: str
    tags: tuple[str, ...]
    created: float
    updated: float


@dataclass(frozen=True, slots=True)
class Artifact:
    """One version of a collection. `version` None: it has not arrived whole. `manifest` lists its files."""

    number: int
    collection: Collection
    version: int | None
    digest: str
    description: str
    metadata: Mapping[str, Any]
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    run: str | None  # that logged it
    step: int | None
    manifest: str  # md5, hex
    size: int
    files: int
    created: float
    updated: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process's try at a run. `number` counts from 1; `first_step` 0 = from scratch.

    `reported`: something of its training, so that it hides what it trains again. Until then the curve is an earlier
    attempt's, whatever else this one has told, such as its configuration.
    """

    number: int
    agent: str
    host: str
    started: float
    ended: float | None = None
    outcome: Outcome | None = None
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    first_step: int = 0
    last_sequence: int = 0
    reported: bool = True
    effective_config: Config | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One training. `curve` holds the visible objective reports in step order."""

    id: str
    project: str
    sweep: str | None
    number: int  # counts from 1 within its sweep (manual runs: within the project)
    name: str
    kind: Kind
    state: RunState
    config: Config
    seed: int | None = None
    parent: str | None = None
    retry_of: str | None = None
    why: Mapping[str, Any] = field(default_factory=dict)  # always has "reason": a sentence
    ended_because: str = ""
    desired: Desired = Desired.GO
    desired_why: str = ""
    paused_by: str = ""  # "search" | "person" | ""
    spec_version: int = 1
    retries: int = 0  # used so far
    created: float = 0.0
    pending_since: float = 0.0  # when it last became pending
    started: float | None = None
    ended: float | None = None
    attempts: tuple[Attempt, ...] = ()
    checkpoint: Checkpoint | None = None
    curve: tuple[Point, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(
        default_factory=dict
    )  # W&B's group, job_type, notes, tags, host …
    overrides: Config = field(
        default_factory=dict
    )  # e.g. batch lowered after an oom; applied at the next claim

    @property
    def effective_config(self) -> Config | None:
        """What the last attempt that said so really ran with."""
        for attempt in reversed(self.attempts):
            if attempt.effective_config is not None:
                return attempt.effective_config
        return None

    @property
    def resumable(self) -> bool:
        return self.checkpoint is not None

    @property
    def by_hand(self) -> bool:
        """Whether a person has ended or paused it, and not the search: by what orders say that give no reason."""
        said = {self.ended_because, self.attempts[-1].reason if self.attempts else ""}
        return self.paused_by == "person" or not said.isdisjoint((ASKED, ASKED_HERE, STOPPED_THERE))

    @property
    def steps(self) -> int:
        """The last visible step of the objective, 0 before the first."""
        return self.curve[-1].step if self.curve else 0

    @property
    def value(self) -> float | None:
        """The objective at the last visible step; None without one or where it is not finite."""
        if not self.curve or not math.isfinite(self.curve[-1].value):
            return None
        return self.curve[-1].value

    def best_value(self, goal: Goal) -> float | None:
        """The best finite value along the visible curve: flatters long runs, so shown, never compared."""
        finite = [point.value for point in self.curve if math.isfinite(point.value)]
        if not finite:
            return None
        return min(finite) if goal is Goal.MINIMIZE else max(finite)


@dataclass(frozen=True, slots=True)
class History:
    """What `suggest` and `decide` see, in order of number: the sweep's own runs, at its own fidelity, and its priors.

    `token` is the fill token of the snapshot: `Store.add` refuses suggestions made from an older one.
    """

    runs: tuple[Run, ...] = ()
    token: int = 0
    spec_version: int = 1

    def run(self, run_id: str) -> Run | None:
        return next((run for run in self.runs if run.id == run_id), None)

    def counted(self) -> int:
        """How many runs `run_cap` has used up. Killed ones that never started were withdrawn, and those with a
        `retry_of` were replaced: neither counts."""
        replaced = {run.retry_of for run in self.runs}
        return sum(
            run.kind in COUNTED_KINDS
            and not (run.state is RunState.KILLED and (not run.attempts or run.id in replaced))
            for run in self.runs
        )


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep as the store keeps it. `spec` is the canonical mapping: `swept.spec.from_canonical` reads it."""

    id: str
    project: str
    name: str
    state: SweepState
    spec: Mapping[str, Any]
    spec_hash: str
    spec_version: int
    text: str  # the file as the user wrote it
    path: str  # absolute path of the file, "" where there is none
    folder: str  # where the program runs, "" = the agent's working folder
    created: float
    updated: float
    ended_because: str = ""
    entity: str = "local"


@dataclass(frozen=True, slots=True)
class Agent:
    id: str
    sweep: str | None
    host: str
    kind: str  # swept | wandb-cli | wandb-function
    slots: int
    started: float
    last_seen: float
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One change of state. `number` grows without gaps in commit order within a sweep (or project)."""

    number: int
    time: float
    type: str  # "run.claimed", "sweep.created" …
    sweep: str | None
    run: str | None
    data: Mapping[str, Any]


# -- suggestions and decisions --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Start a new run. `why["reason"]` is a sentence; further keys are the figures behind it."""

    kind: Kind
    config: Config
    seed: int
    why: Mapping[str, Any]
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Continue:
    """Continue a paused run from its checkpoint."""

    run: str
    why: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing now: something that is under way has to end first."""

    why: str


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more, ever: grid exhausted, budget used, target reached."""

    why: str


Suggestions: TypeAlias = tuple[Start | Continue, ...] | Wait | Done


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a run should go on. `reason` is a sentence with the figures in it."""

    run: str
    desired: Desired
    reason: str
    step: int = 0  # the step it saw
