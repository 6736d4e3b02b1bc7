"""A list of all sweeps with what one wants to see of each at a glance, fast however many there are.

Of every sweep the runs are kept with the ends of their curves; those to which something has happened since are read
again. Like `gathered` it is derived from the store and may be dropped at any time.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Depends
from starlette.responses import Response

from swept.analysis.best import Best, baseline, best, same_training, value_of
from swept.analysis.estimate import planned_runs
from swept.analysis.progress import counts, eta
from swept.errors import NotFound
from swept.model import Agent, Goal, History, Kind, Run, RunState, Sweep, SweepState
from swept.search.budget import slot_hours
from swept.server.answers import Answer, documented
from swept.server.auth import reading
from swept.server.columns import best_so_far
from swept.server.context import Context
from swept.server.gathered import merged
from swept.server.views import run_view, sweep_view
from swept.spec import Spec
from swept.store.read_board_base import Scope
from swept.store.read_series import abridged
from swept.wire.board import OverviewEntry
from swept.wire.sweeps import SweepView

LINE = 60


def router(context: Context) -> APIRouter:
    made = APIRouter(prefix="/api", dependencies=[Depends(reading)])
    overview = Overview(context)

    @made.get("/overview", responses=documented(list[OverviewEntry]))
    def entries() -> Response:
        """All sweeps, the newest first."""
        return Answer(overview.entries())

    @made.get("/sweeps", responses=documented(list[SweepView]))
    def sweeps() -> Response:
        """Newest first, without their runs."""
        return Answer(overview.sweeps())

    return made


@dataclass(frozen=True, slots=True)
class Glance:
    """A sweep's runs as they were at `position`, and what follows from them alone; `version` of the sweep's file."""

    version: int
    position: tuple[int, int]
    runs: tuple[Run, ...]
    best: Best | None
    baseline: Run | None
    line: tuple[float, ...]


class Overview:
    """Safe from any thread; who asks while another reads waits, and finds it read."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._position = (0, 0)
        self._known: dict[str, Glance] = {}

    def entries(self) -> list[OverviewEntry]:
        seen, agents = self._seen(), self._agents()
        return [self._entry(sweep, glance, agents.get(sweep.id, ())) for sweep, glance in seen]

    def sweeps(self) -> list[SweepView]:
        """As a sweep's own page has them, `brief`."""
        seen, agents = self._seen(), self._agents()
        return [self._brief(sweep, glance, agents.get(sweep.id, ())) for sweep, glance in seen]

    def _agents(self) -> Mapping[str | None, Sequence[Agent]]:
        found: dict[str | None, list[Agent]] = {}
        for agent in self._context.store.agents():
            found.setdefault(agent.sweep, []).append(agent)
        return found

    def _seen(self) -> list[tuple[Sweep, Glance]]:
        store = self._context.store
        with self._lock:
            position = store.position()
            moved: frozenset[str] = frozenset()
            if self._known and position != self._position:
                moved = store.moved_sweeps(*self._position)
            seen = [(one, self._glance(one, position, one.id in moved)) for one in store.sweeps()]
            self._position = position
            self._known = {sweep.id: glance for sweep, glance in seen}
            return seen

    def _glance(self, sweep: Sweep, position: tuple[int, int], moved: bool) -> Glance:
        known = self._known.get(sweep.id)
        if known is not None and known.version != sweep.spec_version:
            known = None
        if known is not None and not moved:
            return known
        spec = self._context.engine.spec(sweep)
        runs = self._runs(Scope(sweep=sweep.id), spec.options.at, known)
        goal, at = _goal(spec), spec.options.at
        ours = same_training(runs, spec.space.fixed)
        found = best(ours, goal, at)
        line = best_so_far(
            [run for run in ours if _compared(run) or (found and run.id == found.run.id)],
            goal,
            lambda run: value_of(run, goal, at),
            LINE,
        )
        return Glance(sweep.spec_version, position, runs, found, baseline(ours), tuple(line))

    def _runs(self, scope: Scope, at: str, known: Glance | None) -> tuple[Run, ...]:
        if known is None:
            return tuple(self._read(scope, at, None))
        changes = self._context.store.board_changes(scope, *known.position)
        running = {run.id for run in known.runs if run.state is RunState.RUNNING}
        ids = changes.runs | running
        read = [] if changes.all_again else self._read(scope, at, sorted(ids))
        gone = {run.id for run in known.runs}.intersection(ids).difference(run.id for run in read)
        if changes.all_again or gone:  # others may name them
            return tuple(self._read(scope, at, None))
        return merged(known.runs, read)

    def _read(self, scope: Scope, at: str, ids: Sequence[str] | None) -> list[Run]:
        store = self._context.store
        bare = store.board_runs(scope, ids)
        if at == "best":
            series = store.objective_series([run.id for run in bare])
            curves = {run: abridged(one) for run, one in series.items()}
        else:
            curves = {run: tuple(ends) for run, ends in store.curve_ends(scope, ids).items()}
        return [replace(run, curve=curves.get(run.id, ())) for run in bare]

    def _brief(self, sweep: Sweep, glance: Glance, agents: Sequence[Agent]) -> SweepView:
        spec, live = self._context.engine.spec(sweep), self._context.engine.at_work
        view = sweep_view(sweep, spec, glance.runs, agents, live=live, brief=True)
        if glance.best is None:
            return view
        try:
            whole = self._context.store.run(glance.best.run.id)
        except NotFound:  # deleted since: the next list has another
            return {**view, "best": None}
        return {**view, "best": run_view(whole, _goal(spec))}

    def _entry(self, sweep: Sweep, glance: Glance, agents: Sequence[Agent]) -> OverviewEntry:
        spec = self._context.engine.spec(sweep)
        at_work = [agent for agent in agents if self._context.engine.at_work(agent)]
        first = glance.baseline
        return {
            "id": sweep.id,
            "name": sweep.name,
            "project": sweep.project,
            "state": sweep.state.value,
            "method": spec.method,
            "metric": {"name": spec.metric.name, "goal": spec.metric.goal.value}
            if spec.metric
            else None,
            "created": sweep.created,
            "updated": sweep.updated,
            "ended_because": sweep.ended_because,
            "counts": dict(Counter(run.state.value for run in glance.runs)),
            "ended": sum(run.state.ended and counts(run) for run in glance.runs),
            "cap": planned_runs(spec),
            "eta": self._eta(sweep, spec, glance, at_work),
            "best": glance.best.value if glance.best else None,
            "best_run": glance.best.run.id if glance.best else None,
            "baseline": value_of(first, _goal(spec), spec.options.at) if first else None,
            "line": list(glance.line),
            "last_activity": _last_activity(sweep, glance.runs, agents),
            "agents": len(at_work),
        }

    def _eta(
        self, sweep: Sweep, spec: Spec, glance: Glance, at_work: Sequence[Agent]
    ) -> float | None:
        if sweep.state is not SweepState.RUNNING:
            return None
        now = self._context.clock.now()
        hours = slot_hours(History(glance.runs), now)
        slots = sum(agent.slots for agent in at_work)
        return eta(spec, glance.runs, hours, over=False, slots=slots, now=now)


def _goal(spec: Spec) -> Goal:
    return spec.metric.goal if spec.metric else Goal.MINIMIZE


def _compared(run: Run) -> bool:
    """A whole training of the search, as for the best: the baseline stands beside it, a repeat has luck, and what ended
    early had fewer steps."""
    return run.kind is Kind.SEARCH and run.state is RunState.FINISHED


def _last_activity(sweep: Sweep, runs: Sequence[Run], agents: Sequence[Agent]) -> float:
    times = [
        sweep.updated,
        sweep.created,
        *(run.ended or run.started or run.created for run in runs),
    ]
    return max(*times, *(agent.last_seen for agent in agents), 0.0)
