"""The only file that knows search and store: fill, decide, reap.

Each follows load → think → apply: a snapshot is loaded, thought about outside any transaction, and applied by a
store verb that refuses what has become stale. All methods are safe from several threads; locks are held while
thinking, and waiting for something to happen is the server's part.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from swept import wire
from swept.asked import member, new_sweep, seed_of, whole_config
from swept.changes import changes
from swept.clock import Clock
from swept.errors import Conflict, Problem, UsageError
from swept.failures import FAILED, HELD_AFTER, failed_in_a_row, failures_in_common
from swept.model import (
    SWEEP_KINDS,
    Agent,
    Decision,
    Desired,
    Done,
    History,
    Kind,
    Outcome,
    Run,
    RunState,
    Suggestions,
    Sweep,
    SweepState,
    Wait,
)
from swept.reduction import reduction
from swept.search.fallback import fallback
from swept.search.prior import unused
from swept.spec import Spec, from_canonical, parse
from swept.store.base import (
    LEASE_SECONDS,
    WANDB_LEASE_SECONDS,
    Ended,
    Lease,
    Order,
    RunFilter,
    Store,
)
from swept.think import Thinker, ThinkError

Answer: TypeAlias = tuple[str, Lease | None, str]
"""What a claim gets: "run" | "wait" | "done", the lease, and why."""

HUNGRY_SECONDS = 30.0
"""A claim that waits asks again well within this; one that does not has gone away."""
FILL_TRIES = 3
DECIDE_PATIENCE = 2.0
"""How long a report waits for a decision under way; a later one comes with the next report."""


def _nobody() -> None:
    """Nobody waits for orders."""


class Engine:
    """Moves the sweeps of `store`; `think` runs the search."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        think: Thinker,
        *,
        lease_seconds: float = LEASE_SECONDS,
        wandb_lease_seconds: float = WANDB_LEASE_SECONDS,
    ) -> None:
        self.store = store
        self.clock = clock
        self.lease_seconds = lease_seconds
        self.wandb_lease_seconds = wandb_lease_seconds
        self._think = think
        self._locks = _Locks()
        self._specs: dict[tuple[str, int], Spec] = {}
        self._hungry: dict[str, dict[str, float]] = defaultdict(dict)
        self._dry: set[str] = set()
        self._decided: dict[str, int] = defaultdict(int)
        self._asked: dict[str, int] = defaultdict(int)
        self._last_tick: float | None = None
        self.on_order: Callable[[], None] = _nobody  # something else is wanted of a run

    # -- sweeps -----------------------------------------------------------------------------------
    def create_sweep(
        self,
        text: str,
        *,
        path: str = "",
        mode: str = "create",
        project: str | None = None,
        name: str | None = None,
        strict: bool = False,
        entity: str = "local",
    ) -> tuple[Sweep, bool, list[str], tuple[Problem, ...]]:
        """(sweep, created, how the file differs from a sweep found, warnings). Raises SpecError.

        `mode` "create": always a new one; "launch": the newest of that `path` that is not cancelled, else a new one.
        """
        spec = parse(text, path, strict=strict)
        new = new_sweep(spec, text, path, project, name, entity)
        now = self.clock.now()
        if mode == "create" or not path:
            return self.store.create_sweep(new, now=now), True, [], spec.warnings
        if mode != "launch":
            raise UsageError(f"unknown mode “{mode}”", hint="modes are create and launch")
        sweep, created = self.store.find_or_create_sweep(new, now=now)
        difference = [] if sweep.spec_hash == new.spec_hash else changes(sweep.spec, new.spec)
        return sweep, created, difference, spec.warnings

    def launch(
        self, text: str, path: str, *, strict: bool = False
    ) -> tuple[Sweep, bool, list[str], tuple[Problem, ...]]:
        """`create_sweep` that finds the sweep of that file."""
        return self.create_sweep(text, path=path, mode="launch", strict=strict)

    def update_spec(
        self, sweep_id: str, text: str, path: str = ""
    ) -> tuple[Sweep, list[str], tuple[Problem, ...]]:
        """The next version of the spec: (sweep, what changed, warnings). Raises SpecError."""
        old = self.store.sweep(sweep_id)
        path = path or old.path
        spec = parse(text, path)
        new = new_sweep(spec, text, path, old.project, None, old.entity)
        difference = changes(old.spec, new.spec)
        if old.spec_hash == new.spec_hash:
            return old, [], spec.warnings
        return (
            self.store.update_spec(sweep_id, new, now=self.clock.now()),
            difference,
            spec.warnings,
        )

    def set_state(self, sweep_id: str, state: str, reason: str = "") -> Sweep:
        """A person's wish: running, paused, finished or cancelled."""
        wished = member(SweepState, state, "state of a sweep")
        if wished is SweepState.PENDING:
            raise UsageError("a sweep cannot be made pending", hint="use running")
        sweep = self.store.sweep(sweep_id)
        if sweep.state.ended and wished is not sweep.state:
            raise Conflict(
                f"sweep {sweep_id} is {sweep.state.value}: it cannot be made {wished.value}",
                hint="`swept sweep --update FILE` or `swept enqueue` opens a finished sweep again",
            )
        reason = reason or f"asked for: {wished.value}"
        changed = self.store.set_sweep_state(sweep_id, wished, reason=reason, now=self.clock.now())
        self.on_order()
        return changed

    def spec(self, sweep: Sweep) -> Spec:
        """The newest version: what the search and the early stopping go by."""
        key = (sweep.id, sweep.spec_version)
        if key not in self._specs:
            self._specs[key] = from_canonical(sweep.spec)
        return self._specs[key]

    def spec_of(self, run: Run) -> Spec | None:
        """The version that the run was started under, by which it goes on; None outside of sweeps."""
        if run.sweep is None:
            return None
        key = (run.sweep, run.spec_version)
        if key not in self._specs:
            self._specs[key] = from_canonical(self.store.spec_of(*key))
        return self._specs[key]

    # -- runs -------------------------------------------------------------------------------------
    def new_run(self, sweep_id: str, new: wire.NewRun) -> Run:
        """A run that a person asked for: `swept train`, `compare`, `enqueue`. `config` goes over the parent's, or
        for a search run over the baseline (else a draw); swept values must lie in the space."""
        sweep = self.store.sweep(sweep_id)
        spec = self.spec(sweep)
        kind = member(Kind, new["kind"], "kind of a run")
        if kind is Kind.PRIOR:
            raise UsageError(
                "a prior run is a copy of an earlier training, and is not asked for like this",
                hint="`wandb sweep --prior_run RUN FILE`",
            )
        above = new.get("parent")
        parent = self.store.run(above) if above else None
        config, ground = whole_config(
            spec, kind, new["config"], parent, seed_of(sweep.id, "enqueue")
        )
        return self.store.add_run(
            project=sweep.project,
            sweep=sweep.id,
            kind=kind,
            config=config,
            now=self.clock.now(),
            name=new.get("name") or "",
            parent=new.get("parent"),
            seed=seed_of(sweep.id, wire.dumps([kind, config])),
            why={"reason": new.get("why") or f"asked for{ground}", "strategy": "person"},
            reuse=new.get("reuse", True),
        )

    def add_priors(self, sweep_id: str, names: Sequence[str]) -> tuple[list[Run], list[str]]:
        """Earlier runs join the sweep as knowledge: the copies, and what the search cannot learn from, in sentences.
        Raises NotFound and Conflict."""
        spec = self.spec(self.store.sweep(sweep_id))
        found = self.store.add_priors(sweep_id, names, now=self.clock.now())
        said = [f"prior run {run.parent}: {why}" for run in found if (why := unused(spec, run))]
        return found, said

    def order(self, run_id: str, desired: str, reason: str = "") -> Run:
        """What a person wants of the run: go, pause or stop."""
        wished = member(Desired, desired, "order for a run")
        now, why = self.clock.now(), reason or "asked for by a person"
        run = self.store.set_desired(run_id, wished, reason=why, by="person", now=now)
        self.on_order()
        if run.sweep is not None and run.state.ended:
            self._dry.add(run.sweep)
        return run

    def retry(self, run_id: str) -> Run:
        """A new run of the same configuration, with `retry_of`."""
        run = self.store.run(run_id)
        if run.kind is Kind.MANUAL:
            raise Conflict(
                f"run {run.name or run.id} was started by hand, not by an agent",
                hint="start its program again: that makes a new run",
            )
        if run.kind is Kind.PRIOR:
            raise Conflict(
                f"run {run.name or run.id} is a copy of run {run.parent}: it is never started"
            )
        if not run.state.ended:
            raise Conflict(
                f"run {run.name or run.id} is {run.state.value}",
                hint="only an ended run is retried; `swept stop RUN` ends it",
            )
        return self.store.add_run(
            project=run.project,
            sweep=run.sweep,
            kind=run.kind,
            config=run.config,
            now=self.clock.now(),
            parent=run.parent,
            seed=run.seed,
            why={"reason": f"asked for: run {run.name or run.id} again", "strategy": "person"},
            retry_of=run.id,
            details=run.details,
        )

    def manual_run(self, new: wire.ManualRun) -> Lease:
        """A run outside any sweep, started at once under a lease of its own."""
        now = self.clock.now()
        agent = self.store.add_agent(sweep=None, host=new["host"], kind="manual", slots=1, now=now)
        run = self.store.add_run(
            project=new["project"],
            sweep=None,
            kind=Kind.MANUAL,
            config=new["config"],
            now=now,
            name=new.get("name") or "",
            why={"reason": "started by hand"},
            details={"host": new["host"], "pid": new["pid"], "command": new.get("command", "")},
        )
        return self.store.open_attempt(
            run.id,
            agent=agent.id,
            host=new["host"],
            now=now,
            lease_seconds=self.lease_seconds,
        )

    # -- claim and fill ---------------------------------------------------------------------------
    def claim(
        self, sweep_id: str, request: wire.ClaimRequest, lease_seconds: float | None = None
    ) -> Answer:
        """A run for this request, filling the queue where it is empty. Asks the search, but waits for nothing else."""
        sweep = self.store.sweep(sweep_id)
        lease = self._take(sweep, request, lease_seconds)
        if lease is None and request.get("run"):
            return self._named(str(request.get("run")))
        if lease is None and sweep.state is SweepState.PAUSED:
            return "wait", None, "the sweep is paused"
        if lease is None and sweep.state.ended:
            return "done", None, sweep.ended_because or f"the sweep is {sweep.state.value}"
        if lease is None:
            if not _kinds(request) & SWEEP_KINDS:
                return "done", None, "no such run is pending"
            stay, why = self._fill(sweep, request)
            lease = self._take(sweep, request, lease_seconds)
            if lease is None:
                return ("wait" if stay else "done"), None, why
        self._hungry[sweep_id].pop(request["request"], None)
        return "run", lease, self._note(sweep) or str(lease.run.why.get("reason", ""))

    def _take(
        self, sweep: Sweep, request: wire.ClaimRequest, lease_seconds: float | None
    ) -> Lease | None:
        return self.store.claim(
            sweep.id,
            agent=request["agent"],
            host=request["host"],
            request=request["request"],
            now=self.clock.now(),
            lease_seconds=lease_seconds or self.lease_seconds,
            kinds=_kinds(request),
            run=request.get("run"),
            reachable=frozenset(request.get("reachable", ())),
        )

    def _named(self, run_id: str) -> Answer:
        run = self.store.run(run_id)
        if run.state.ended:
            return "done", None, f"run {run.name or run.id} is {run.state.value}"
        return "wait", None, f"run {run.name or run.id} is {run.state.value}"

    def _note(self, sweep: Sweep) -> str:
        """What the last failures share, once there are several in a row."""
        ways = frozenset(state for state in RunState if state.ended) - {RunState.KILLED}
        newest = self.store.runs(
            RunFilter(sweep=sweep.id, states=ways, kinds=SWEEP_KINDS, ended_last=HELD_AFTER)
        )
        if sum(run.state in FAILED for run in newest) < HELD_AFTER:
            return ""
        runs = [run for run in self.store.history(sweep.id).runs if run.kind in SWEEP_KINDS]
        row = failed_in_a_row(runs)
        well = [run for run in runs if run.state not in FAILED]
        return f"the last {len(row)} runs failed; {failures_in_common([*row, *well])}"

    def _fill(self, sweep: Sweep, request: wire.ClaimRequest) -> tuple[bool, str]:
        """Ask the search for as many runs as claims wait: (whether it is worth waiting, why)."""
        now = self.clock.now()
        hungry = self._hungry[sweep.id]
        hungry[request["request"]] = now + HUNGRY_SECONDS
        lock = self._locks.of("fill", sweep.id)
        if not lock.acquire(blocking=False):
            return True, "the search is choosing the next runs"
        try:
            for late in [name for name, until in list(hungry.items()) if until < now]:
                hungry.pop(late, None)
            return self._filled(sweep, max(1, len(hungry)))
        finally:
            lock.release()

    def _filled(self, sweep: Sweep, n: int) -> tuple[bool, str]:
        for _ in range(FILL_TRIES):
            sweep = self.store.sweep(sweep.id)
            history = self.store.history(sweep.id)
            if sweep.state is SweepState.PAUSED:
                return True, "the sweep is paused"
            answer = self._suggest(sweep, history, n)
            if isinstance(answer, Wait):
                return True, answer.why
            if isinstance(answer, Done):
                ended = self._done(sweep, history, answer.why)
                if ended is None:
                    continue
                return ended
            added = self.store.add(sweep.id, history.token, answer, now=self.clock.now())
            if added is not None:
                return True, "the runs just chosen went to other agents"
        return True, "the sweep changed while the search was choosing"

    def _suggest(self, sweep: Sweep, history: History, n: int) -> Suggestions:
        spec = self.spec(sweep)
        now = self.clock.now()
        seed = seed_of(sweep.id)
        try:
            answer = self._think.suggest(spec.canonical(), history, n, seed=seed, now=now)
        except ThinkError as error:
            self._tell("search.failed", sweep.id, f"the search {error}")
            return fallback(spec, history, n, seed=seed, because=f"the search {error}", now=now)
        if isinstance(answer, tuple) and not answer:
            return Wait("the search has nothing to add now")
        return answer

    def _done(self, sweep: Sweep, history: History, why: str) -> tuple[bool, str] | None:
        """End the sweep where nothing is under way; None: it has changed since."""
        under_way = _under_way(history)
        if under_way:
            plural = "run is" if under_way == 1 else "runs are"
            return True, f"{why}; {under_way} {plural} under way"
        now = self.clock.now()
        finished = self.store.finish_idle(sweep.id, history.token, reason=why, now=now)
        return None if finished is None else (False, why)

    # -- reports and decisions --------------------------------------------------------------------
    def report(self, run_id: str, token: str, reports: list[wire.Report]) -> Order:
        """The reports, durable, and what the run should do now. Raises LeaseLost."""
        order = self.store.report(
            run_id, token, reports, now=self.clock.now(), lease_seconds=self.lease_seconds
        )
        if not order.objective_changed or not self.after_rows(run_id):
            return order
        # Read again whoever has looked: a neighbour's look may have decided on this run a moment ago.
        run = self.store.run(run_id)
        return Order(run.desired, run.desired_why, order.acknowledged, objective_changed=True)

    def after_rows(self, run_id: str) -> bool:
        """Decide on the sweep of a run whose objective was reported; several reports at once share one look. Whether
        there is early stopping, which may have decided on this run."""
        run = self.store.run(run_id)
        if run.sweep is None or run.kind not in SWEEP_KINDS:
            return False
        sweep = self.store.sweep(run.sweep)
        if not _stops_early(self.spec(sweep)):
            return False
        with self._locks.guard:
            self._asked[sweep.id] += 1
            ticket = self._asked[sweep.id]
        lock = self._locks.of("decide", sweep.id)
        if lock.acquire(timeout=DECIDE_PATIENCE):
            try:
                self._decide(sweep, ticket)
            finally:
                lock.release()
        return True

    def _decide(self, sweep: Sweep, ticket: int) -> None:
        if self._decided[sweep.id] >= ticket:  # a look that began after our rows were durable
            return
        with self._locks.guard:
            newest = self._asked[sweep.id]
        history = self.store.history(sweep.id)
        decisions: list[Decision] = []
        try:
            decisions = self._think.decide(self.spec(sweep).canonical(), history)
        except ThinkError as error:
            self._tell("stopping.failed", sweep.id, f"early stopping {error}")
        for decision in decisions:
            self.store.set_desired(
                decision.run,
                decision.desired,
                reason=decision.reason,
                by="search",
                now=self.clock.now(),
                step=decision.step,
            )
        if decisions:
            self.on_order()
        self._decided[sweep.id] = newest

    def heartbeat(
        self, agent: str, leases: Mapping[str, str], lease_seconds: float | None = None
    ) -> dict[str, Order | None]:
        """Renew the agent's leases; None for a lost one."""
        return self.store.heartbeat(
            agent,
            leases,
            now=self.clock.now(),
            lease_seconds=lease_seconds or self.lease_seconds,
        )

    def at_work(self, agent: Agent) -> bool:
        """Whether it was heard of within a lease; one that was killed cannot say that it has ended."""
        wandb = agent.kind.startswith("wandb")
        seconds = max(self.lease_seconds, self.wandb_lease_seconds) if wandb else self.lease_seconds
        return agent.ended is None and self.clock.now() - agent.last_seen < seconds

    # -- ends -------------------------------------------------------------------------------------
    def complete(self, run_id: str, token: str, completion: wire.Completion) -> Ended:
        """The attempt is over; an oom retry gets what `swept.oom` lowers. Raises LeaseLost."""
        outcome = member(Outcome, completion["outcome"], "outcome")
        run = self.store.run(run_id)
        spec = self.spec_of(run)
        less = reduction(spec, run) if spec and outcome is Outcome.OOM else None
        ended = self.store.complete(
            run_id,
            token,
            outcome,
            reason=completion["reason"],
            now=self.clock.now(),
            exit_code=completion["exit_code"],
            signal=completion["signal"],
            max_retries=spec.options.retries if spec else 0,
            overrides=less.overrides if less else None,
        )
        if less and ended.retried and run.state is RunState.RUNNING:
            self._tell("run.reduced", run.sweep, less.reason, run=run.id)
        self._ended(ended)
        return ended

    def reap(self) -> list[Ended]:
        """End what lost its lease, and the sweeps in which nothing is left to do."""
        expired = self._expire()
        for ended in expired:
            self._ended(ended)
        for sweep_id in sorted(self._dry):
            self._dry.discard(sweep_id)
            self._finish_if_done(sweep_id)
        return expired

    def _expire(self) -> list[Ended]:
        now = self.clock.now()
        specs = {run.id: self.spec_of(run) for run in self.store.overdue(now=now)}
        if not specs:
            return []
        retries = {run: spec.options.retries for run, spec in specs.items() if spec}
        return self.store.expire(now=now, retries=retries)

    def start(self) -> None:
        """The server is up: leases that ran while it was not get a full new period, and a sweep whose last run had
        just ended is looked at."""
        now = self.clock.now()
        self.store.start_period(now=now)
        self._last_tick = now
        running = (sweep for sweep in self.store.sweeps() if sweep.state is SweepState.RUNNING)
        self._dry.update(sweep.id for sweep in running)

    def tick(self, now: float) -> bool:
        """About once a second. Whether something changed that waiting requests should look at.

        A gap of more than a lease (a laptop asleep, a clock set) counts as time without a server; so does one in which
        the store could not be written.
        """
        last, self._last_tick = self._last_tick, None
        if last is None or not 0.0 <= now - last <= self.lease_seconds:
            self.store.start_period(now=now)
            changed = False
        else:
            dry = bool(self._dry)
            changed = bool(self.reap()) or dry
        self._last_tick = now
        return changed

    def _tell(self, type: str, sweep: str | None, reason: str, run: str | None = None) -> None:
        data = {"reason": reason}
        self.store.add_event(type, sweep=sweep, run=run, data=data, now=self.clock.now())

    def _ended(self, ended: Ended) -> None:
        sweep = ended.run.sweep
        if sweep is not None and ended.state is not RunState.PENDING:
            self._dry.add(sweep)

    def _finish_if_done(self, sweep_id: str) -> None:
        """A sweep whose last run has just ended may be done although nobody claims any more."""
        sweep = self.store.sweep(sweep_id)
        if sweep.state is not SweepState.RUNNING:
            return
        lock = self._locks.of("fill", sweep_id)
        if not lock.acquire(blocking=False):
            # That fill may have begun before the end: looked at again once it is over.
            self._dry.add(sweep_id)
            return
        try:
            history = self.store.history(sweep_id)
            if not _under_way(history):
                answer = self._suggest(sweep, history, 1)
                if isinstance(answer, Done):
                    self._done(sweep, history, answer.why)
        finally:
            lock.release()


class _Locks:
    """One lock a purpose and sweep."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    def of(self, purpose: str, sweep: str) -> threading.Lock:
        with self.guard:
            return self._locks.setdefault((purpose, sweep), threading.Lock())


def _kinds(request: wire.ClaimRequest) -> frozenset[Kind]:
    words = request.get("kinds")
    if not words:
        return SWEEP_KINDS
    return frozenset(member(Kind, word, "kind of a run") for word in words)


def _under_way(history: History) -> int:
    return sum(run.state in (RunState.RUNNING, RunState.PENDING) for run in history.runs)


def _stops_early(spec: Spec) -> bool:
    return spec.early_terminate is not None or spec.options.early_stopping not in (None, "off")
