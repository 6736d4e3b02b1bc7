"""What people ask for: sweeps, their states and versions, runs, orders."""

from __future__ import annotations

from collections.abc import Sequence

from swept import wire
from swept.asked import member, new_sweep, seed_of, whole_config
from swept.changes import changes
from swept.engine.ground import Ground
from swept.engine.warm import earlier_runs, going_on, told
from swept.errors import Conflict, Problem, UsageError
from swept.model import ASKED, Desired, Kind, Run, Sweep, SweepState
from swept.search.prior import unused
from swept.spec import parse
from swept.store.base import Lease
from swept.wire.agents import ManualRun
from swept.wire.runs import NewRun


class People(Ground):
    """The verbs of people. Raises what the store raises, and UsageError for words that mean nothing."""

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
        if mode not in ("create", "launch"):
            raise UsageError(f"unknown mode “{mode}”", hint="modes are create and launch")
        always = mode == "create" or not path
        known = None if always else going_on(self.store, spec, path)
        earlier = earlier_runs(self.store, spec, text, path, known)
        if always:
            sweep, created = self.store.create_sweep(new, now=now), True
        else:
            sweep, created = self.store.find_or_create_sweep(new, now=now)
        difference = [] if sweep.spec_hash == new.spec_hash else changes(sweep.spec, new.spec)
        said = () if difference else self._warmed(sweep, earlier)
        return sweep, created, difference, (*spec.warnings, *said)

    def _warmed(self, sweep: Sweep, earlier: Sequence[str]) -> tuple[Problem, ...]:
        """Runs of earlier sweeps join, where they have not: also if a server died between creation and this."""
        if not earlier or sweep.state.ended:
            return ()
        return told(self.add_priors(sweep.id, earlier)[1])

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
        earlier = earlier_runs(self.store, spec, text, path, old)
        sweep = self.store.update_spec(sweep_id, new, now=self.clock.now())
        return sweep, difference, (*spec.warnings, *self._warmed(sweep, earlier))

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
        if wished is SweepState.RUNNING:
            self._dry.add(sweep_id)  # its last run may have ended while it was paused
        self.on_order()
        return changed

    # -- runs -------------------------------------------------------------------------------------
    def new_run(self, sweep_id: str, new: NewRun) -> Run:
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
        now, why = self.clock.now(), reason or ASKED
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

    def manual_run(self, new: ManualRun) -> Lease:
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
