"""A sweep in simulated time: the server's own `suggest` and `decide` on curves that you give.

    def curve(config, seed):
        return [math.exp(-config["lr"] * step) for step in range(1, 51)]

    simulation = simulate(sweep, curve, budget=1000)
    simulation.recommended(500)     # the run that swept names as best after 500 steps

Each step of a run takes one unit of time and costs one step of the budget; workers are at it side by side. What
happens at one instant happens in this order: every report that is due is logged, each is decided on and obeyed; the
programs whose curve ends are finished; the others begin their next step; the workers that are free ask together for
runs. A suggestion that has to wait is asked for again at the next instant.

As on the server, an order reaches a running program with its next report, a checkpoint follows the report of its step
(so the first report is decided on without one), and an order that comes with the last step finds the program at its
end: the run is finished. What takes no steps takes no time, and no machine fails.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from swept.analysis.best import value_at
from swept.analysis.recommend import recommend
from swept.errors import Conflict, UsageError
from swept.model import (
    TRANSITIONS,
    Attempt,
    Checkpoint,
    Config,
    Continue,
    Decision,
    Desired,
    Done,
    Goal,
    History,
    Kind,
    Move,
    Outcome,
    Point,
    Run,
    RunState,
    Start,
    Suggestions,
    Wait,
)
from swept.search.suggest import suggest as swept_suggest
from swept.spec import Spec, parse_mapping
from swept.stopping.decide import decide as swept_decide

Curve: TypeAlias = Callable[[Config, int], Iterable[float]]
Decide: TypeAlias = Callable[[Spec, History], list[Decision]]

_NAME: Final = "simulation"
_END: Final = object()
_OUTCOMES: Final[Mapping[Move, Outcome]] = {
    Move.FINISH: Outcome.FINISHED,
    Move.STOP: Outcome.STOPPED,
    Move.PAUSE: Outcome.PAUSED,
}


class Suggest(Protocol):
    """What `swept.search.suggest.suggest` is; `now` is the simulated time."""

    def __call__(
        self, spec: Spec, history: History, n: int, *, seed: int, now: float | None = None
    ) -> Suggestions: ...


class Reported(NamedTuple):
    """One report: `step` (from 1) of run number `run`, when `spent` steps were paid for in all, at `time`."""

    spent: float
    run: int
    step: int
    value: float
    time: float


class Moved(NamedTuple):
    """One change of a run's state: `run` is as it was just after."""

    spent: float
    time: float
    run: Run


@dataclass(frozen=True)
class Simulation:
    """What happened. `trace` is in order of time and of `spent`; `runs` and `moves` in order of number and of time.

    A run that had not ended when the budget was used up is still running (or paused) in `runs`.
    """

    spec: Spec
    trace: tuple[Reported, ...]
    moves: tuple[Moved, ...]
    runs: tuple[Run, ...]
    ended_because: str

    @property
    def spent(self) -> float:
        """Steps paid for, restarts included."""
        return self.trace[-1].spent if self.trace else 0.0

    @property
    def time(self) -> float:
        """The simulated wall-clock at the last report."""
        return self.trace[-1].time if self.trace else 0.0

    def recommended(self, spent: float = math.inf) -> Run | None:
        """The run that swept would name as best once `spent` steps were paid for, with the state and curve that it
        had then; None while none had a value. The baseline, which swept shows beside it, where that was better at the
        last step that both have reported."""
        assert self.spec.metric is not None
        runs = self.runs_at(spent)
        found = recommend(self.spec, runs)
        named = found.run if found else None
        for run in runs:
            if run.kind is Kind.BASELINE and _ahead(self.spec.metric.goal, run, named):
                return run
        return named

    def runs_at(self, spent: float) -> list[Run]:
        """The runs as they were once `spent` steps were paid for, in order of number."""
        known = []
        for run in self.runs:
            moves, reports = self._moves[run.number], self._reports[run.number]
            moved = bisect_right(moves, spent, key=lambda move: move.spent)
            if moved:
                seen = bisect_right(reports, spent)
                known.append(replace(moves[moved - 1].run, curve=run.curve[:seen]))
        return known

    @cached_property
    def _moves(self) -> Mapping[int, list[Moved]]:
        found: dict[int, list[Moved]] = {run.number: [] for run in self.runs}
        for move in self.moves:
            found[move.run.number].append(move)
        return found

    @cached_property
    def _reports(self) -> Mapping[int, list[float]]:
        found: dict[int, list[float]] = {run.number: [] for run in self.runs}
        for report in self.trace:
            found[report.run].append(report.spent)
        return found


def _ahead(goal: Goal, run: Run, other: Run | None) -> bool:
    """Whether the run was better at the last step that both have reported; one without a value never is."""
    if run.value is None or other is None:
        return run.value is not None
    step = min(run.steps, other.steps)
    mine, its = value_at(run, step), value_at(other, step)
    return mine is not None and (its is None or goal.better(mine, its))


def simulate(
    sweep: Mapping[str, Any],
    curve: Curve,
    budget: float,
    seed: int = 0,
    workers: int = 1,
    can_resume: bool = True,
    restart_steps: float = 0.0,
    *,
    suggest: Suggest = swept_suggest,
    decide: Decide = swept_decide,
) -> Simulation:
    """Plays `sweep` (a sweep file as a dict) until it ends, or until `budget` steps are paid for.

    `curve(config, seed)` gives the metric at steps 1, 2, 3 …: a list, an array, or a generator, which is asked only for
    the steps that are taken. NaN is a diverged step; the run goes on until its curve ends, and counts by its last
    value. `seed` there is the run's own, so that repeats may differ; `seed` here is the sweep's. The same arguments
    give the same simulation, bit for bit, if `curve` does.

    Nothing begins that the budget cannot pay: the first step that it cannot ends the sweep for all workers, once the
    steps under way are reported. A paused run that goes on pays `restart_steps` more, in steps and in time. Without
    `can_resume` there are no checkpoints, and no run can be paused. For `swept.budget.hours` a step lasts a second.

    `suggest` and `decide`: a search and an early stopping of your own instead of swept's.

    Raises SpecError, and UsageError for another argument, or for a curve that holds no numbers; Conflict if `suggest`
    or `decide` asks for what cannot be, such as a pause without a checkpoint.
    """
    spec = _checked(parse_mapping(sweep), budget, workers, restart_steps)
    world = _World(spec, curve, budget, workers, can_resume, restart_steps)
    return _Player(world, suggest, decide, seed).play()


def _checked(spec: Spec, budget: float, workers: int, restart_steps: float) -> Spec:
    if spec.metric is None:
        hint = "add `metric: {name: loss, goal: minimize}`"
        raise UsageError("the sweep has no `metric`: which end of a curve is good?", hint=hint)
    if not (math.isfinite(budget) and budget >= 1):
        hint = "20 trainings of 50 steps are 1000"
        raise UsageError(f"`budget` is {budget}; it takes a number of steps, 1 or more", hint=hint)
    if workers != int(workers) or workers < 1:
        raise UsageError(f"`workers` is {workers}; it takes 1, 2, 3 …")
    if not (math.isfinite(restart_steps) and restart_steps >= 0):
        raise UsageError(f"`restart_steps` is {restart_steps}; it takes 0 or a number above")
    return spec


@dataclass(frozen=True, slots=True)
class _World:
    """What the sweep runs in."""

    spec: Spec
    curve: Curve
    budget: float
    workers: int
    can_resume: bool
    restart_steps: float

    def program(self, run: Run) -> _Program:
        """The run's training, given what the server would give it."""
        seed = run.seed or 0
        values = self.curve(deepcopy(self.spec.given(run.config, seed)), seed)
        if not isinstance(values, Iterable) or isinstance(values, str | bytes):
            raise UsageError(
                f"the curve of run {run.number} is of type {type(values).__name__}",
                hint="`curve` gives the metric of each step: a list, an array or a generator",
            )
        total = len(values) if isinstance(values, Sized) else self.spec.epochs_of(run.config)
        return _Program(run.number, iter(values), total)


@dataclass(slots=True)
class _Program:
    """A training that takes one step at a time. `total`: its steps, where that is known without taking them."""

    number: int
    values: Iterator[Any]
    total: int | None
    taken: int = 0
    ready: float | None = None

    def begin(self) -> bool:
        """Take the next step, whose value `report` gives; False at the end."""
        if self.ready is None:
            found = next(self.values, _END)
            if found is _END:
                return False
            self.ready = self._number(found)
        return True

    def report(self) -> float:
        assert self.ready is not None
        value, self.ready = self.ready, None
        self.taken += 1
        return value

    def over(self) -> bool:
        """Whether no step is left."""
        return not self.begin() if self.total is None else self.taken >= self.total

    def _number(self, found: Any) -> float:
        try:
            return float(found)
        except (TypeError, ValueError):
            raise UsageError(
                f"step {self.taken + 1} of the curve of run {self.number} is {found!r}",
                hint="`curve` gives a number for each step, NaN where the training diverged",
            ) from None


class _Step(NamedTuple):
    """A step under way; `order` tells apart what ends at the same time."""

    time: float
    order: int
    run: int
    cost: float


@dataclass(slots=True)
class _Player:
    """The events in their order. `committed` counts the steps begun, `spent` those reported."""

    world: _World
    suggest: Suggest
    decide: Decide
    seed: int
    clock: float = 0.0
    spent: float = 0.0
    committed: float = 0.0
    begun: int = 0
    busy: int = 0
    token: int = 0
    full: bool = False
    idle: Wait | Done | None = None
    runs: list[Run] = field(default_factory=list)
    programs: dict[int, _Program] = field(default_factory=dict)
    under_way: list[_Step] = field(default_factory=list)
    trace: list[Reported] = field(default_factory=list)
    moves: list[Moved] = field(default_factory=list)

    def play(self) -> Simulation:
        self._fill()
        while self.under_way:
            self.clock = self.under_way[0].time
            for number in list(self._due()):
                self._go_on(number)
            self._fill()
        why = self._close()
        return Simulation(
            self.world.spec, tuple(self.trace), tuple(self.moves), tuple(self.runs), why
        )

    def _close(self) -> str:
        """Why it ended. Of a sweep that is done, the paused runs become stopped."""
        if self.full or self.idle is None:
            return f"the budget of {self.world.budget:g} steps is used up"
        if isinstance(self.idle, Done):
            for run in list(self.runs):
                if run.state is RunState.PAUSED:
                    self._stop_paused(run, self.idle.why)
        return self.idle.why

    # -- reports ----------------------------------------------------------------------------------

    def _due(self) -> Iterator[int]:
        """Report every step that ends now; the numbers of the runs that go on."""
        while self.under_way and self.under_way[0].time == self.clock:
            step = heapq.heappop(self.under_way)
            self._report(step)
            if self._obey(step.run):
                yield step.run

    def _report(self, step: _Step) -> None:
        run, value = self.runs[step.run - 1], self.programs[step.run].report()
        self.spent += step.cost
        point = Point(len(run.curve) + 1, value)
        self.trace.append(Reported(self.spent, step.run, point.step, value, self.clock))
        self._keep(replace(run, curve=(*run.curve, point)))
        for decision in self.decide(self.world.spec, self._history()):
            self._order(decision)
        if self.world.can_resume:
            self._keep(self._saved(self.runs[step.run - 1]))

    def _order(self, decision: Decision) -> None:
        """As the store takes it: a stop is not taken back; a paused run can be stopped; the rest comes too late."""
        run = self._run(decision.run)
        if run.state is RunState.PAUSED and decision.desired is Desired.STOP:
            self._stop_paused(run, decision.reason)
        elif run.state is RunState.RUNNING and run.desired is not Desired.STOP:
            self._keep(replace(run, desired=decision.desired, desired_why=decision.reason))

    def _saved(self, run: Run) -> Run:
        place, attempt = f"{run.id}/{run.steps}", len(run.attempts)
        checkpoint = Checkpoint(run.id, attempt, run.steps, place, _NAME, self.clock)
        return replace(run, checkpoint=checkpoint)

    def _obey(self, number: int) -> bool:
        """Whether the run goes on after its report."""
        run = self.runs[number - 1]
        if run.desired is Desired.GO:
            return True
        if self.programs[number].over():
            self._leave(run, Move.FINISH, "the program ended")
        elif run.desired is Desired.STOP:
            self._leave(run, Move.STOP, run.desired_why)
        elif run.checkpoint is None:
            raise Conflict(f"run {number} has no checkpoint: it cannot be paused")
        else:
            self._leave(run, Move.PAUSE, run.desired_why)
        return False

    def _go_on(self, number: int) -> None:
        if not self.programs[number].begin():
            self._leave(self.runs[number - 1], Move.FINISH, "the program ended")
        elif self._pay(1.0):
            self._schedule(number, 1.0)

    # -- steps ------------------------------------------------------------------------------------

    def _pay(self, cost: float) -> bool:
        """Whether a step may begin; the first that may not is the end of the sweep."""
        if self.full or self.committed + cost > self.world.budget:
            self.full = True
            return False
        self.committed += cost
        return True

    def _schedule(self, number: int, cost: float) -> None:
        self.begun += 1
        heapq.heappush(self.under_way, _Step(self.clock + cost, self.begun, number, cost))

    # -- suggestions ------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Give the free workers runs, as far as there are any."""
        while (free := self.world.workers - self.busy) and not self.full:
            if self.committed + 1.0 > self.world.budget:
                self.full = True
                return
            asked = self.suggest(
                self.world.spec, self._history(), free, seed=self.seed, now=self.clock
            )
            answer = asked or Wait("the search has nothing to add")
            if isinstance(answer, Wait | Done):
                self.idle = answer
                return
            if len(answer) > free:
                raise Conflict(f"{free} runs were asked for, and {len(answer)} suggested")
            self.token += 1
            for suggestion in answer:
                self._apply(suggestion)

    def _apply(self, suggestion: Start | Continue) -> None:
        if isinstance(suggestion, Start):
            if self._pay(1.0):
                self._start(suggestion)
            return
        run, cost = self._run(suggestion.run), 1.0 + self.world.restart_steps
        over = not self.programs[run.number].begin()
        if not over and not self._pay(cost):
            return
        order: dict[str, Any] = {"desired": Desired.GO, "desired_why": ""}
        running = self._claim(self._move(run, Move.RESUME, paused_by="", **order))
        if over:
            self._leave(running, Move.FINISH, "the program ended")
        else:
            self._schedule(run.number, cost)

    def _start(self, start: Start) -> None:
        number = len(self.runs) + 1
        run = Run(
            id=f"run-{number}",
            project=_NAME,
            sweep=_NAME,
            number=number,
            name=f"run-{number}",
            kind=start.kind,
            state=RunState.PENDING,
            config=start.config,
            seed=start.seed,
            parent=start.parent,
            why=start.why,
            created=self.clock,
        )
        self.runs.append(run)
        self.moves.append(Moved(self.spent, self.clock, run))
        self.programs[number] = self.world.program(run)
        if not self.programs[number].begin():
            raise UsageError(
                f"the curve of run {number} is empty",
                hint="`curve` gives one value or more, NaN where the training diverged",
            )
        self._claim(run)
        self._schedule(number, 1.0)

    def _claim(self, run: Run) -> Run:
        first = run.checkpoint.step + 1 if run.checkpoint else 0
        attempt = Attempt(len(run.attempts) + 1, _NAME, _NAME, self.clock, first_step=first)
        started = self.clock if run.started is None else run.started
        self.busy += 1
        return self._move(run, Move.CLAIM, started=started, attempts=(*run.attempts, attempt))

    # -- states -----------------------------------------------------------------------------------

    def _leave(self, run: Run, move: Move, reason: str) -> None:
        """The program of a running run exits, and its worker is free."""
        last = replace(run.attempts[-1], ended=self.clock, outcome=_OUTCOMES[move], reason=reason)
        attempts = (*run.attempts[:-1], last)
        if move is Move.PAUSE:
            self._move(run, move, attempts=attempts, paused_by="search")
        else:
            self._move(run, move, attempts=attempts, ended=self.clock, ended_because=reason)
        self.busy -= 1

    def _stop_paused(self, run: Run, reason: str) -> None:
        self._move(run, Move.STOP, paused_by="", ended=self.clock, ended_because=reason)

    def _move(self, run: Run, move: Move, **values: Any) -> Run:
        """The run in its next state. Raises Conflict where the move leads nowhere."""
        target = TRANSITIONS[move].get(run.state)
        if target is None:
            raise Conflict(f"run {run.number} is {run.state}: it cannot {move}")
        moved = replace(run, state=target, **values)
        self._keep(moved)
        self.moves.append(Moved(self.spent, self.clock, moved))
        return moved

    def _keep(self, run: Run) -> None:
        self.runs[run.number - 1] = run

    def _run(self, name: str) -> Run:
        found = next((run for run in self.runs if run.id == name), None)
        if found is None:
            raise Conflict(f"there is no run {name}")
        return found

    def _history(self) -> History:
        return History(tuple(self.runs), self.token)
