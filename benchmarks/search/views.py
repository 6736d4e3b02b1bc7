"""What is compared with what: each view is a set of tasks under one setting, and the figure that counts there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from job import EVALUATIONS, LIVE, MARKS, Job, Result
from peers import METHODS
from score import Cell, Cells, at_spent, at_time
from tasks import FAMILIES, Task, load

Figure: TypeAlias = Callable[[Result, float], float]
"""The regret of a result at a mark, in full trainings."""

PEERS_EIGHT: Final = (
    "146212",
    "167149",
    "167152",
    "167168",
    "167181",
    "167184",
    "189905",
    "189906",
)
SIX_OTHERS: Final = ("34539", "167152", "167184", "167185", "189873", "189906")
IN_NO_CHECK: Final = ("34539", "167185", "189873")
"""Of the six those that are not among the eight, which a change of the search was checked on."""

ENOUGH: Final = 0.75
"""Of the methods: tasks and seeds that fewer have played are not shown yet."""


def observed(result: Result, mark: float) -> float:
    """The best value seen, at any step of any run."""
    return at_spent(result.trace, mark * result.steps)


def timed(result: Result, mark: float) -> float:
    """The same, when all workers together could have done `mark` full trainings."""
    return at_time(result.trace, mark * result.steps / result.job.workers)


def recommended(result: Result, mark: float) -> float:
    """The true worth of the run that swept's rule names as best."""
    return result.recommended[f"{mark:g}"]


def incumbent(result: Result, mark: float) -> float:
    """The true worth of the config with the best value seen."""
    return result.incumbent[f"{mark:g}"]


@dataclass(frozen=True)
class View:
    title: str
    tasks: frozenset[str]
    figure: Figure
    marks: tuple[int, ...] = MARKS
    workers: int = 1
    restart_steps: float = 0.0
    default: bool = False
    other: Figure | None = None

    @property
    def slug(self) -> str:
        kept = "".join(c if c.isalnum() else "-" for c in self.title.lower())
        return "-".join(part for part in kept.split("-") if part)

    def holds(self, job: Job) -> bool:
        setting = (job.workers, job.restart_steps, job.default)
        own = (self.workers, self.restart_steps, self.default)
        return job.task in self.tasks and setting == own

    def select(self, results: Iterable[Result]) -> dict[str, list[Result]]:
        """By method; without the cells that only some of the methods have played."""
        found = [
            result
            for result in results
            if self.holds(result.job) and not METHODS[result.job.method].patches
        ]
        played = Counter(cell(result) for result in found)
        most = max(played.values(), default=0)
        by_method: dict[str, list[Result]] = defaultdict(list)
        for result in found:
            if played[cell(result)] >= ENOUGH * most:
                by_method[result.job.method].append(result)
        return dict(by_method)

    def cells(self, results: Iterable[Result], mark: float, figure: Figure | None = None) -> Cells:
        read = figure or self.figure
        return {cell(result): read(result, mark) for result in results}


def cell(result: Result) -> Cell:
    return result.job.task, result.job.seed


def views() -> list[View]:
    """The headline first; every family with the tasks it was tuned on and the others apart."""
    found = [
        _lcbench("LCBench, the eight tasks of the first comparison", PEERS_EIGHT),
        _lcbench("LCBench, six tasks not tuned on", SIX_OTHERS),
    ]
    for family in FAMILIES:
        tasks = load([family])
        untuned = (
            _lcbench("LCBench, three tasks in no check", IN_NO_CHECK)  # all of them are above
            if family == "lcbench"
            else _family(family, tasks, tuned=False)
        )
        found += [untuned, _family(family, tasks, tuned=True)]
    lcbench, live = _names("lcbench"), _names(LIVE)
    found += [
        View("LCBench, a known-good default first", lcbench, observed, default=True),
        View("live, a known-good default first", live, recommended, default=True, other=observed),
        View("LCBench, going on costs a step", lcbench, observed, restart_steps=1.0),
        View("live, going on costs a step", live, recommended, restart_steps=1.0, other=observed),
        *(View(f"LCBench, {n} workers", lcbench, timed, workers=n) for n in (4, 16)),
    ]
    return found


def _lcbench(title: str, sets: Iterable[str]) -> View:
    tasks = frozenset(f"lcbench/{name}" for name in sets)
    return View(title, tasks, observed, other=recommended)


_FIGURES: Final[Mapping[str, tuple[Figure, Figure]]] = {
    "lcbench-noisy": (incumbent, recommended),
    # trainings diverge late: the config of the best value seen may be worth nothing, and nobody would name it
    "rugged": (recommended, incumbent),
    LIVE: (recommended, observed),
}


def _family(family: str, tasks: list[Task], *, tuned: bool) -> View:
    figure, other = _FIGURES.get(family, (observed, recommended))
    marks = EVALUATIONS if all(task.steps == 1 for task in tasks) else MARKS
    names = frozenset(task.name for task in tasks if task.tuned_on is tuned)
    return View(
        f"{family}, {'tuned on' if tuned else 'not tuned on'}", names, figure, marks, other=other
    )


def _names(family: str) -> frozenset[str]:
    return frozenset(task.name for task in load([family])) if family in FAMILIES else frozenset()
