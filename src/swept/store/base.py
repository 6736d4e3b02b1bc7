"""The store's contract: the verbs of the domain, in prose.

Each verb is one transaction and writes the events of the changes it makes. A verb that finds the state
otherwise raises `Conflict`; one with a token that is not the run's raises `LeaseLost` and changes nothing.
`now` is always an argument: the store never asks a clock. All verbs are safe from several threads and, on
PostgreSQL, from several processes. `StoreContract` in `swept.testing` is this text as a test class.

Lease time counts only while the server is up and ticking: `start_period(now)` is called at the server's start and
after a gap of more than a lease; it gives every live lease a full new period.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from swept.model import (
    Agent,
    Config,
    Continue,
    Desired,
    Event,
    File,
    History,
    Kind,
    Outcome,
    Row,
    Run,
    RunState,
    Start,
    Sweep,
    SweepState,
)
from swept.store.artifact_base import ArtifactVerbs
from swept.store.read_base import ReadVerbs
from swept.wire.reports import ConsoleLine, Report

LEASE_SECONDS = 60.0
WANDB_LEASE_SECONDS = 180.0
MEASURED = 1 << 40
"""From here on the rows of system metrics are an agent's, numbered by their second, so that they go on over attempts.
W&B's client numbers its own by line, and never comes so far."""


@dataclass(frozen=True, slots=True)
class NewSweep:
    """What `create_sweep` needs. `spec` is `Spec.canonical()`, `metric` its objective's name ("" without)."""

    project: str
    name: str
    spec: Mapping[str, Any]
    spec_hash: str
    text: str
    path: str = ""
    folder: str = ""
    metric: str = ""
    goal: str = "minimize"
    entity: str = "local"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a run: what `claim` gives. The token is also the attempt's API key."""

    run: Run
    attempt: int
    token: str
    expires: float


@dataclass(frozen=True, slots=True)
class Order:
    """What the store knows the run should do, given with every answer to a live lease."""

    desired: Desired
    reason: str
    acknowledged: int = 0  # highest durable sequence of this attempt
    objective_changed: bool = (
        False  # a report of the objective arrived: `engine.decide` looks at it
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer to `complete` and `expire`: where the run went."""

    run: Run
    state: RunState
    retried: bool = False


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A run of another server, as `begin_import` needs it. `origin`: its address there, the same at every import;
    `source`: the other server, for people. `run_id` is taken where it is free here."""

    origin: str
    source: str
    project: str
    sweep: str | None
    kind: Kind
    run_id: str
    name: str
    config: Config
    created: float
    started: float
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedEnd:
    """How an imported run ended at its source. `stamp`: by what a later import sees that nothing is new."""

    state: RunState
    ended: float
    reason: str
    summary: Mapping[str, Any]
    stamp: str
    exit_code: int | None = None
    host: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Brought:
    """What is here of something imported: the id of the run or sweep, and whether all of it came."""

    id: str
    whole: bool
    stamp: str
    last_step: int | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs `runs` lists; None = any. Order: by creation."""

    sweep: str | None = None
    project: str | None = None
    states: frozenset[RunState] | None = None
    kinds: frozenset[Kind] | None = None
    parent: str | None = None
    retry_of: str | None = None
    manual_only: bool = False
    ended_last: int | None = None  # only so many, those that ended last
    held_by: str | None = None  # an agent's id: those under a live lease of it


class Store(ArtifactVerbs, ReadVerbs, Protocol):
    """The only door to what is remembered."""

    # -- sweeps -----------------------------------------------------------------------------------
    def create_sweep(self, new: NewSweep, *, now: float) -> Sweep: ...

    def find_or_create_sweep(self, new: NewSweep, *, now: float) -> tuple[Sweep, bool]:
        """The newest sweep of `new.path` that is not cancelled, else a new one; True = created.

        A finished one is found too (the caller says so). One transaction: two launches at once make one sweep.
        """
        ...

    def update_spec(self, sweep: str, new: NewSweep, *, now: float) -> Sweep:
        """The next spec version. The sweep's own runs that never started are withdrawn (killed, not counted); a
        finished sweep opens again; any fill under way becomes stale."""
        ...

    def set_sweep_state(self, sweep: str, state: SweepState, *, reason: str, now: float) -> Sweep:
        """Pause, resume, finish, cancel (and open again). FINISHED: paused runs become stopped, pending runs
        killed. CANCELLED: pending and paused runs are killed, running ones get desired = stop with reason
        "cancelled" and end as killed. Kinds final and compare are left alone. Makes a fill under way stale."""
        ...

    def finish_idle(self, sweep: str, token: int, *, reason: str, now: float) -> Sweep | None:
        """FINISHED, for a search that was done when it saw the snapshot with `token`. None = stale, or one of the
        sweep's own runs is pending or running by now; nothing is changed."""
        ...

    def idle(self, sweep: str) -> bool:
        """Whether none of the sweep's own runs is pending or running."""
        ...

    def sweep(self, sweep: str) -> Sweep:
        """Raises NotFound."""
        ...

    def spec_of(self, sweep: str, version: int) -> Mapping[str, Any]:
        """The canonical spec of that version: a run goes on under its own `spec_version`. Raises NotFound."""
        ...

    def sweeps(self, project: str | None = None) -> list[Sweep]:
        """Newest first."""
        ...

    # -- what the search sees, and what it suggests -----------------------------------------------
    def history(self, sweep: str) -> History:
        """The runs of SEEN_KINDS with visible curves, and the fill token."""
        ...

    def add(
        self, sweep: str, token: int, suggestions: Sequence[Start | Continue], *, now: float
    ) -> list[Run] | None:
        """Apply suggestions made from the snapshot with `token`. None = stale: another fill was applied, or the
        spec or the sweep's state changed since; nothing is changed. New metrics do not make it stale."""
        ...

    def add_run(
        self,
        *,
        project: str,
        sweep: str | None,
        kind: Kind,
        config: Config,
        now: float,
        name: str = "",
        parent: str | None = None,
        seed: int | None = None,
        why: Mapping[str, Any] | None = None,
        retry_of: str | None = None,
        run_id: str | None = None,
        details: Mapping[str, Any] | None = None,
        reuse: bool = False,
    ) -> Run:
        """One pending run. `reuse`: the newest run of the same (kind, parent, config) that is not failed, killed or
        crashed is given back instead. Opens a finished sweep again when a search run is added."""
        ...

    def add_priors(self, sweep: str, names: Sequence[str], *, now: float) -> list[Run]:
        """Copies of ended runs (config, visible rows and curve under this sweep's objective, summary, state), of kind
        prior, with `parent` = the original: what the search may learn from, never started, counted or compared. Where
        the objective stands only in the summary, it is the one point of the curve. Idempotent: the copy that the sweep
        has already is given back; a run of the sweep's own is left out. Makes a fill under way stale. Raises NotFound
        and, for a run that is not over or a cancelled sweep, Conflict; then nothing is added."""
        ...

    # -- runs -------------------------------------------------------------------------------------
    def run(self, run: str) -> Run:
        """With visible curve, attempts, checkpoint. Raises NotFound."""
        ...

    def runs(self, where: RunFilter | None = None) -> list[Run]: ...

    def find_run(self, project: str, name: str) -> Run | None:
        """By W&B's key: the run id within a project (ids are unique overall; the project is checked)."""
        ...

    def claim(
        self,
        sweep: str | None,
        *,
        agent: str,
        host: str,
        request: str,
        now: float,
        lease_seconds: float = LEASE_SECONDS,
        kinds: frozenset[Kind] | None = None,
        run: str | None = None,
        reachable: frozenset[str] = frozenset(),
        checkpoint_wait: float = 300.0,
        leaving: frozenset[str] = frozenset(),
    ) -> Lease | None:
        """A pending run for this agent, or None. The same `request` again gives the same lease while it is live;
        another agent's is a Conflict.

        Order: baseline first, then runs with earlier attempts, then by number. A run with a checkpoint goes only to
        an agent that lists the checkpoint's host in `reachable`; after `checkpoint_wait` seconds of waiting in
        pending, to anyone, from zero, with an event, unless it is `awaited`. `leaving`: agents that said that they
        claim no more. `sweep` None with `run` given: that run alone. Default kinds: SWEEP_KINDS. A paused, finished
        or cancelled sweep gives out no sweep kinds. The first claim moves the sweep from pending to running.
        `Run.config` in the lease has `overrides` applied."""
        ...

    def awaited(
        self,
        run: str,
        *,
        now: float,
        lease_seconds: float = LEASE_SECONDS,
        leaving: frozenset[str] = frozenset(),
    ) -> bool:
        """Whether a pending run is kept for the agent that wrote its newest checkpoint: one of swept's own (the real
        `wandb agent` takes up no run again) that has not ended, is not `leaving`, and was heard of within a lease;
        for 30 minutes of waiting in pending at the most, as it may never claim again. Raises NotFound."""
        ...

    def lease_of(self, token: str) -> tuple[str, int, bool] | None:
        """(run id, attempt, live) of an attempt's token, also a stale one; None = never issued."""
        ...

    def lease(self, run: str) -> Lease | None:
        """The run's newest lease, also an expired or ended one; None = never claimed. For the server itself: the
        real W&B client holds no token, so its requests renew and complete by this one."""
        ...

    def heartbeat(
        self,
        agent: str,
        leases: Mapping[str, str],
        *,
        now: float,
        lease_seconds: float = LEASE_SECONDS,
    ) -> dict[str, Order | None]:
        """Renew; run id → Order, None = lease lost. An expired token that nobody re-claimed takes its run back from
        pending or crashed (Move.REVIVE)."""
        ...

    def report(
        self,
        run: str,
        token: str,
        reports: Sequence[Report],
        *,
        now: float,
        lease_seconds: float = LEASE_SECONDS,
    ) -> Order:
        """The attempt's ordered queue, durable when this returns; idempotent per (run, attempt, seq). Items at or
        below the acknowledged sequence are ignored; after a gap nothing is taken. Also renews the lease. Raises
        LeaseLost."""
        ...

    def log_rows(
        self,
        run: str,
        attempt: int,
        rows: Sequence[Row],
        *,
        now: float,
        events: Sequence[Row] = (),
        details: Mapping[str, Any] | None = None,
    ) -> Order:
        """Rows that come with their own steps (the W&B file stream): upserted by (run, attempt, step), keys merged,
        last wins. `events` are the client's system metrics, kept apart; an agent's go where they come. `details` are
        stored with them. Idempotent; needs no token (the server checked the key)."""
        ...

    def add_measured(self, run: str, attempt: int, rows: Sequence[Row], *, now: float) -> bool:
        """What the run's agent measured of the machine, numbered from `MEASURED` on: upserted by (run, attempt, step).
        Rows older than an hour thin out (see `measured`). False, and nothing is kept, where the run has such rows of W&B's
        client. No sign of life: it renews no lease and revives no run. Raises LeaseLost where the run has a later attempt."""
        ...

    def set_desired(
        self,
        run: str,
        desired: Desired,
        *,
        reason: str,
        by: str,
        now: float,
        step: int | None = None,
    ) -> Run:
        """`by` is "search" or "person". On a paused run: STOP → stopped at once, GO → pending. On a pending run with
        or without attempts: STOP → killed. On a running one it is an order. An ended run raises Conflict for people
        and is ignored for the search. Writes run.decided / run.asked with the step it saw."""
        ...

    def complete(
        self,
        run: str,
        token: str,
        outcome: Outcome,
        *,
        reason: str,
        now: float,
        exit_code: int | None = None,
        signal: int | None = None,
        max_retries: int = 3,
        overrides: Mapping[str, Any] | None = None,
    ) -> Ended:
        """The attempt is over. Repeated with the same token: answered as the first time.

        finished→FINISH, failed→FAIL, stopped→STOP (KILL where the order was a cancel), paused→PAUSE if a checkpoint is
        recorded, else RELEASE; released, preempted→RELEASE (STOP/KILL where the desired state already was stop); oom,
        lost→REQUEUE while retries are left, else CRASH; killed→KILL. `overrides` (e.g. a smaller batch after an oom)
        are kept for the next claim. Where the objective of a finished or stopped run stands only in the summary, it is
        the one point of the curve."""
        ...

    def overdue(self, *, now: float) -> list[Run]:
        """The runs whose lease ran out, longest ago first."""
        ...

    def expire(
        self, *, now: float, max_retries: int = 3, retries: Mapping[str, int] | None = None
    ) -> list[Ended]:
        """Every run whose lease ran out: REQUEUE while retries are left, else CRASH. `retries` are those of the runs
        (by id) that have others than `max_retries`. W&B runs under the real agent and manual runs never become
        pending: they CRASH."""
        ...

    def start_period(self, *, now: float) -> int:
        """Give every live lease a full new period; returns how many."""
        ...

    def open_attempt(
        self,
        run: str,
        *,
        agent: str,
        host: str,
        now: float,
        lease_seconds: float,
        resumable: bool = False,
    ) -> Lease:
        """Take a named run without a claim: manual runs, plain `wandb.init`, runs handed out in a W&B heartbeat. From
        pending, (REVIVE) crashed, or (REOPEN) an ended manual run; on a run already running under the same agent it
        opens the next attempt row."""
        ...

    def update_run(
        self,
        run: str,
        *,
        now: float,
        name: str | None = None,
        config: Config | None = None,
        summary: Mapping[str, Any] | None = None,
        replace_summary: bool = False,
        details: Mapping[str, Any] | None = None,
        effective: Config | None = None,
    ) -> Run:
        """None = leave as it is. `summary` is merged unless `replace_summary`: then it is all there is, and what was
        logged under other names is no longer shown beside it, until it is logged again. `details` is merged."""
        ...

    def alert(
        self, run: str, *, title: str, text: str, level: str, wait: float, now: float
    ) -> bool:
        """The program tells people something: an event `run.alert`. False, and nothing is written, where it said the
        same title within the last `wait` seconds. Raises NotFound."""
        ...

    def alerts(self, run: str) -> list[Event]:
        """The last hundred of a run, oldest first."""
        ...

    def orders(self, run: str) -> list[Event]:
        """What was wanted of the run, by people and by the search: the last asked, decided and resumed events, oldest
        first."""
        ...

    def delete_run(self, run: str, *, now: float, with_artifacts: bool = False) -> None:
        """An idle run and all that it reported; its events stay. Its artifacts stay too; `with_artifacts` deletes those
        that this run alone has logged and no other run has used. Conflict: it is running."""
        ...

    # -- history, console, files ------------------------------------------------------------------
    def rows(
        self,
        run: str,
        *,
        since: int | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Visible rows in step order; `since` inclusive, `before` exclusive."""
        ...

    def system_rows(
        self, run: str, *, since: int | None = None, limit: int | None = None
    ) -> list[Row]:
        """As `rows`, of system metrics; an agent's of all attempts: what the machine did is not undone by a resumption."""
        ...

    def add_console(
        self, run: str, attempt: int, lines: Sequence[ConsoleLine], *, now: float
    ) -> None:
        """Upserted by (run, attempt, number)."""
        ...

    def console(self, run: str, *, after: int = 0, limit: int = 1000) -> list[Mapping[str, Any]]:
        """Lines in order (attempt, number) with `cursor` > after: dicts of ConsoleLine + attempt + cursor."""
        ...

    def add_file(self, file: File) -> None: ...

    def files(self, run: str) -> list[File]: ...

    # -- moving house -----------------------------------------------------------------------------
    def imported(self, origins: Sequence[str]) -> Mapping[str, Brought]:
        """Origin → what is here of it; origins that never came are left out. What was deleted here never came."""
        ...

    def import_sweep(
        self, new: NewSweep, *, origin: str, sweep_id: str, created: float, now: float
    ) -> Brought:
        """The sweep of `origin`, made where it is missing, under `sweep_id` where neither a sweep nor a run here has
        that id. It is paused until `end_import_sweep`; found again, it is left as it is."""
        ...

    def end_import_sweep(self, sweep: str, state: SweepState, *, reason: str, now: float) -> Sweep:
        """All its runs are here: it takes `state`, at its first import and if nobody has moved it since. Raises
        NotFound for a sweep that was not imported."""
        ...

    def begin_import(self, new: ImportedRun, *, now: float, afresh: bool = False) -> Brought:
        """The run of `new.origin`, made where it is missing, with the times that it had at its source and one ended
        attempt, to which `log_rows`, `add_console` and `add_file` add. Until `end_import` it is killed, so that no
        search takes it for a result. Found again, its name, config and details are renewed; `afresh` also forgets
        its rows and console; where it is another than it was so far, run.changed is written. Raises Conflict for one
        that went on here: it has a later attempt. Makes a fill under way stale."""
        ...

    def end_import(self, run: str, ended: ImportedEnd, *, now: float) -> Run:
        """All of the run is here: it takes its state. Where the objective stands only in the summary, it is the one
        point of the curve. Repeated: the same again. Writes run.imported. Raises NotFound and Conflict as above."""
        ...

    def note_import(self, origin: str, run: str, stamp: str, *, now: float) -> None:
        """What the client's own `wandb sync` brought from `origin` is whole; an ended run gets the times of its rows.
        Raises NotFound."""
        ...

    # -- agents, events ---------------------------------------------------------------------------
    def add_agent(
        self, *, sweep: str | None, host: str, kind: str, slots: int, now: float
    ) -> Agent: ...

    def agent(self, agent: str) -> Agent: ...

    def agents(self, sweep: str | None = None) -> list[Agent]: ...

    def touch_agent(self, agent: str, *, now: float) -> None: ...

    def end_agent(self, agent: str, *, now: float) -> None: ...

    def add_event(
        self, type: str, *, sweep: str | None, run: str | None, data: Mapping[str, Any], now: float
    ) -> Event: ...

    def position(self) -> tuple[int, int]:
        """The highest numbers of events and points so far."""
        ...

    def events(
        self, *, after: int = 0, sweep: str | None = None, run: str | None = None, limit: int = 1000
    ) -> list[Event]: ...

    def points_after(
        self, cursor: int, *, sweep: str | None = None, run: str | None = None, limit: int = 5000
    ) -> list[Mapping[str, Any]]:
        """Objective points with cursor > `cursor`, in order: dicts run, sweep, attempt, first_step (from which on the
        attempt hides those before it), step, value (float), cursor."""
        ...

    def live_leases(self, *, now: float) -> int: ...

    def close(self) -> None: ...
