"""One simulation of the benchmark: which (`Job`), how (`play`), and what is kept of it (`Result`)."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any, Final

from peers import METHODS
from peers.ablations import patch
from peers.driver import Setting
from tasks import Task, load

from swept.model import Run
from swept.spec import parse_mapping
from swept.testing.simulate import Simulation, simulate

RULES: Final = 2
"""Counted up where what is kept of a simulation changes."""
MARKS: Final = (5, 10, 15, 20)
EVALUATIONS: Final = (10, 20, 50)
LIVE: Final = "live"


@dataclass(frozen=True)
class Job:
    """`marks`, in full trainings, are where the recommendation is judged; the last is the budget."""

    task: str
    method: str
    seed: int
    workers: int = 1
    restart_steps: float = 0.0
    default: bool = False

    @property
    def family(self) -> str:
        return self.task.split("/")[0]

    @property
    def plain(self) -> bool:
        """The headline's setting: one worker, nothing paid to go on, no default."""
        return (self.workers, self.restart_steps, self.default) == (1, 0.0, False)


@dataclass(frozen=True)
class Result:
    """`trace`: (steps spent, time, regret of the best value observed so far), a row for each gain. By mark:
    `recommended` is the regret of the true worth of what swept would recommend, `incumbent` that of the
    config with the best value observed (not on live tasks, where a truth costs three trainings).
    """

    job: Job
    key: str
    steps: int
    budget: float
    trace: list[tuple[float, float, float]]
    recommended: dict[str, float]
    incumbent: dict[str, float]
    configs: dict[str, Any]
    started: int
    finished: int
    ended_because: str
    seconds: float
    thinking: float

    def line(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Result:
        return cls(**{**line, "job": Job(**line["job"])})


def marks_of(task: Task) -> tuple[int, ...]:
    """Tasks without curves are judged by the number of their evaluations."""
    return EVALUATIONS if task.steps == 1 else MARKS


def find(name: str) -> Task:
    return next(task for task in load([name.split("/")[0]]) if task.name == name)


class _Timed:
    """Adds up the CPU seconds of a function's calls."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, function: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            before = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - before

        return timed


def sweep_of(job: Job, task: Task) -> dict[str, Any]:
    """The task's sweep as the method plays it: swept's own get their early stopping and the default as baseline."""
    made = deepcopy(dict(task.sweep))
    if METHODS[job.method].make is not None:
        return made
    overlay = deepcopy(dict(METHODS[job.method].overlay))
    options = {**made.get("swept", {}), **overlay.pop("swept", {})}
    if job.default:
        options["baseline"] = dict(task.default)
    if task.steps == 1:
        options.pop("early_stopping", None)
    return {**made, **overlay, "swept": options}


def play(job: Job, key: str) -> Result:
    """Raises whatever the method's library raises."""
    task, clock = find(job.task), _Timed()
    patch(METHODS[job.method].patches)
    before = time.process_time()
    sweep = sweep_of(job, task)
    budget = float(marks_of(task)[-1] * task.steps)
    default = task.default if job.default else None
    setting = Setting(
        sweep, parse_mapping(sweep), task.steps, budget, job.seed, job.workers, default
    )
    peer = METHODS[job.method].peer(setting)
    own = {"suggest": clock(peer.suggest), "decide": clock(peer.decide)} if peer else {}
    if not own:
        from swept.search.suggest import suggest
        from swept.stopping.decide import decide

        own = {"suggest": clock(suggest), "decide": clock(decide)}
    simulation = simulate(
        sweep,
        task.curve,
        budget,
        job.seed,
        job.workers,
        restart_steps=job.restart_steps,
        **own,
    )
    return _result(job, key, task, simulation, before, clock.seconds)


def _result(
    job: Job, key: str, task: Task, simulation: Simulation, before: float, thinking: float
) -> Result:
    recommended, incumbent, configs = {}, {}, {}
    for mark in marks_of(task):
        spent = float(mark * task.steps)
        named = simulation.recommended(spent)
        recommended[str(mark)] = task.regret(task.truth(named.config)) if named else 1.0
        configs[str(mark)] = dict(named.config) if named else {}
        if task.family != LIVE:
            best = _incumbent(simulation, spent)
            incumbent[str(mark)] = task.regret(task.truth(best.config)) if best else 1.0
    return Result(
        job,
        key,
        task.steps,
        marks_of(task)[-1] * float(task.steps),
        _trace(task, simulation),
        recommended,
        incumbent,
        configs,
        len(simulation.runs),
        sum(run.steps >= task.steps for run in simulation.runs),
        simulation.ended_because,
        time.process_time() - before,
        thinking,
    )


def _incumbent(simulation: Simulation, spent: float) -> Run | None:
    """The run with the best value observed."""
    seen = simulation.trace[: bisect_right(simulation.trace, spent, key=lambda row: row.spent)]
    finite = [row for row in seen if math.isfinite(row.value)]
    sign = _sign(simulation)
    best = min(finite, key=lambda row: sign * row.value, default=None)
    return simulation.runs[best.run - 1] if best else None


def _trace(task: Task, simulation: Simulation) -> list[tuple[float, float, float]]:
    rows: list[tuple[float, float, float]] = []
    best, sign = math.inf, _sign(simulation)
    for row in simulation.trace:
        if math.isfinite(row.value) and sign * row.value < best:
            best = sign * row.value
            rows.append((row.spent, row.time, task.regret(row.value)))
    return rows


def _sign(simulation: Simulation) -> float:
    assert simulation.spec.metric is not None
    return simulation.spec.metric.goal.sign
