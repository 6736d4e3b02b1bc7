"""What all W&B answers need: the parts of the server, who is asking, and which run is meant.

W&B's key of a run is (entity, project, name). swept has one entity, `local`; whatever entity a client names is
taken as that. The name is the run's id. A client that chooses its own run id in two projects gets the second one
under an id with the project in it, and goes on with that, as it takes the name from the answer.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from swept.engine import Engine
from swept.errors import NotFound, UsageError
from swept.model import SWEEP_KINDS, Attempt, Desired, Kind, Run, RunState, Sweep
from swept.server.auth import Access
from swept.server.blobs import Blobs
from swept.server.context import Context
from swept.server.locks import Stripes
from swept.server.wandb.graphql import Tally
from swept.spec import Spec
from swept.store.base import Store
from swept.store.flat import PROGRAM_CONFIG

ENTITY = "local"
DEFAULT_PROJECT = "uncategorized"  # as W&B names it
WANDB_AGENT = "wandb-cli"
WANDB_SCRIPT = "wandb-script"
MAX_NAME = 128

STATES: Mapping[RunState, str] = {
    RunState.PENDING: "pending",
    RunState.RUNNING: "running",
    RunState.PAUSED: "pending",
    RunState.FINISHED: "finished",
    RunState.FAILED: "failed",
    RunState.STOPPED: "finished",  # the client waits for finished, crashed or failed
    RunState.KILLED: "killed",
    RunState.CRASHED: "crashed",
}
SEARCHED = frozenset(SWEEP_KINDS)
TRAINED = frozenset(Kind) - {Kind.PRIOR}
"""What scripts read: a prior run is a copy, and would be found twice, or be a sweep's best."""
INTERRUPT_SECONDS = 10.0  # how long a program under `swept agent` may take to begin its end

# Keys in `Run.details`. The marks hold `mark(run)` of the attempt they are about: details are copied by a retry.
INITED = "wandb_attempt"  # the attempt whose program has called wandb.init
JOINED = "wandb_joined"  # the attempt that reports through swept's SDK, which also ends it
JOINER = "wandb_joiner"  # the process that does
CLOSED = "wandb_closed"  # the attempt that said `complete`
RESUMING = "wandb_resuming"  # the next init goes on after the last step
SHARED = "wandb_shared"  # the processes that write the run together
PREEMPTING = "wandb_preempting"  # the attempt that said it is being pre-empted
FORKING = "wandb_forking"  # the attempt that is to begin with another run's rows
FORKED = "wandb_forked"  # the attempt that has all of them
FORK_SHIFT = "wandb_fork_shift"  # what its own steps are moved by
FORK = "forked_from"  # which one's, and up to which step
CONFIG = PROGRAM_CONFIG  # the whole config as the client keeps it
DEFINED = "wandb_metrics"  # what define_metric said: the client's records, or as `defined.metrics`
CHARTS = "charts"  # the custom charts of wandb.plot, as the client describes them
METADATA = "metadata"  # git, machine and program, as in wandb-metadata.json


@dataclass(slots=True)
class Notes:
    """What the server remembers of live W&B runs and agents; losing it at a restart only lengthens graces."""

    told: dict[str, float] = field(default_factory=dict)  # run → when "stopped" was first answered
    asked: dict[str, tuple[float, int]] = field(
        default_factory=dict
    )  # run → when its agent first could be told, and the step it was at
    missing: dict[str, float] = field(default_factory=dict)  # run → since when out of runState
    seen: set[str] = field(default_factory=set)  # appeared in a runState
    resent: set[str] = field(default_factory=set)  # its command was sent once more
    renewed: dict[str, float] = field(default_factory=dict)  # run → when its lease was renewed
    following: dict[str, int] = field(
        default_factory=dict
    )  # run → step of its next row without one
    replacing: threading.Lock = field(default_factory=threading.Lock)
    numbering: Stripes = field(default_factory=Stripes)  # by run
    committing: Stripes = field(default_factory=Stripes)  # by artifact

    def forget(self, run: str) -> None:
        for notes in (self.told, self.missing, self.renewed, self.following):
            notes.pop(run, None)
        self.asked.pop(run, None)
        self.seen.discard(run)
        self.resent.discard(run)


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of the server that W&B answers are made of."""

    context: Context
    tally: Tally
    notes: Notes = field(default_factory=Notes)

    @property
    def store(self) -> Store:
        return self.context.store

    @property
    def engine(self) -> Engine:
        return self.context.engine

    @property
    def blobs(self) -> Blobs:
        return Blobs(self.context.files, self.context.settings.max_file)

    def now(self) -> float:
        return self.context.clock.now()

    def spec(self, sweep: Sweep) -> Spec:
        return self.engine.spec(sweep)


def stale(service: Service, access: Access) -> bool:
    """The attempt whose key this is was overtaken or is over: it is answered as if all were well, and dropped.

    One whose lease merely ran out is not: what it says takes the run back.
    """
    if access.run is None or access.live:
        return False
    run = service.store.run(access.run)
    last = last_attempt(run)
    overtaken = last is None or last.number != access.attempt
    return overtaken or run.state not in (RunState.PENDING, RunState.CRASHED, RunState.RUNNING)


def run_id(project: str, name: str) -> str:
    """The id for `name` where another project already has that id."""
    digest = hashlib.sha256(project.encode()).hexdigest()[:6]
    return f"{name[: MAX_NAME - 7]}-{digest}"


def locate(service: Service, access: Access, project: str, name: str) -> Run | None:
    """The run that a client means, or None."""
    if access.run is not None and name == access.run:
        return service.store.run(access.run)  # its script may have named another project
    found = service.store.find_run(project or DEFAULT_PROJECT, name)
    return found or service.store.find_run(project, run_id(project, name))


def located(service: Service, access: Access, project: str, name: str) -> Run:
    """As `locate`. Raises NotFound."""
    run = locate(service, access, project, name)
    if run is None:
        raise NotFound(f"there is no run `{name}` in project `{project}`")
    return run


def find_sweep(service: Service, name: str) -> Sweep | None:
    try:
        return service.store.sweep(name)
    except NotFound:
        return None


def under_real_agent(service: Service, run: Run) -> bool:
    """Whether the real `wandb agent`, or nobody, started the run: `complete` ends it, not an exit code."""
    if run.kind is Kind.MANUAL and run.sweep is None and not run.attempts:
        return True
    attempt = last_attempt(run)
    if attempt is None or not attempt.agent:  # a copy, or imported: nothing here started it
        return False
    return service.store.agent(attempt.agent).kind in (WANDB_AGENT, WANDB_SCRIPT)


def to_stop(service: Service, run: Run) -> bool:
    """Whether the client is to raise KeyboardInterrupt in its program.

    `swept agent` does that itself, at once. A second one, in the middle of `finish`, would lose rows, so there the
    client hears of it only where the first did not reach the program (a shell in between).
    """
    if run.desired is not Desired.STOP:
        return False
    now = service.now()
    waited = now - service.notes.told.get(run.id, now)
    return under_real_agent(service, run) or waited >= INTERRUPT_SECONDS


def last_attempt(run: Run) -> Attempt | None:
    return run.attempts[-1] if run.attempts else None


def owner_only(access: Access, what: str) -> None:
    """Raises UsageError for an attempt's key."""
    if access.run is not None:
        raise UsageError(f"a run's own key cannot {what}", hint="use the server's API key")


def may_report(access: Access, run: Run) -> bool:
    """An attempt's key reports for its own run, and for runs by hand that its program opens beside it."""
    return access.run in (None, run.id) or run.kind is Kind.MANUAL


def mark(run: Run, number: int | None = None) -> str:
    """Names one attempt of one run; without a number the last one."""
    last = last_attempt(run)
    return f"{run.id}/{number if number is not None else last.number if last else 0}"


def marked(run: Run, key: str) -> bool:
    """Whether the last attempt has that mark."""
    return bool(run.details.get(key) == mark(run))


def begun(run: Run) -> bool:
    """Whether the last attempt's program has called wandb.init, or swept.init."""
    return marked(run, INITED) or marked(run, JOINED)


def checked_name(name: str) -> str:
    """A run id that can stand in URLs and file names. Raises UsageError."""
    allowed = name.replace("-", "").replace("_", "").replace(".", "")
    if not name or len(name) > MAX_NAME or not allowed.isalnum() or name.startswith("."):
        raise UsageError(
            f"`{name[:MAX_NAME]}` cannot be a run id",
            hint="use up to 128 letters, digits, `-`, `_` and `.`",
        )
    return name
