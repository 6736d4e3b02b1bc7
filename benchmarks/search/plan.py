"""Which simulations make up the benchmark, and what each result depends on (its key)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

from job import RULES, Job
from peers import METHODS, Method
from tasks import FAMILIES, Task, load

HERE: Final = Path(__file__).parent
SOURCES: Final = HERE.parents[1] / "src/swept"
DECIDING: Final = (
    *("search", "stopping", "models", "analysis/estimate.py", "analysis/recommend.py"),
    *("space.py", "spec.py"),
)
PLAYING: Final = ("testing/simulate.py", "analysis/best.py")
SEEDS: Final = 10
SLOW_SEEDS: Final = 3
PARALLEL: Final = (4, 16)
ABLATED: Final = ("lcbench", "rugged", "live")
"""Families that the ingredients are taken out on."""
PARALLEL_FAMILY: Final = "lcbench"
QUICK: Final = ("lcbench/167168", "lcbench-noisy/189873", "tabular/hpobench/car")
QUICK_METHODS: Final = (
    *("swept", "random", "asha", "wandb-bayes-hyperband"),
    *("optuna-tpe-hyperband", "syne-asha-promotion"),
)
SERIAL: Final = frozenset({"ultralytics"})
"""Methods with no notion of runs under way: not asked to run in parallel."""


@dataclass(frozen=True)
class Choice:
    """What to play; an empty `methods` or `tasks` means all."""

    methods: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    seeds: int = SEEDS
    slow_seeds: int = SLOW_SEEDS
    quick: bool = False
    ablations: bool = False


def methods(choice: Choice) -> list[Method]:
    """Raises KeyError for a method that there is not."""
    whole = tuple(method.name for method in METHODS.values() if not method.patches)
    names = choice.methods or (QUICK_METHODS if choice.quick else whole)
    return [METHODS[name] for name in names]


def tasks(choice: Choice) -> list[Task]:
    """`choice.tasks` are names, or beginnings of names such as a family's."""
    wanted = choice.tasks or (QUICK if choice.quick else FAMILIES)
    return [task for task in load(FAMILIES) if any(_begins(task.name, text) for text in wanted)]


def _begins(name: str, text: str) -> bool:
    return name == text or name.startswith(text.rstrip("/") + "/")


def jobs(choice: Choice) -> list[Job]:
    """In the order to play them: whole seeds first, so that what is there at any time is balanced."""
    if choice.ablations:
        found = list(_without(choice))
    else:
        found = [job for job in _all(choice) if not choice.quick or job.workers == 1]
    return sorted(found, key=lambda job: job.seed)


def _all(choice: Choice) -> Iterator[Job]:
    seeds = 2 if choice.quick else choice.seeds
    for task in tasks(choice):
        for method in methods(choice):
            if method.curves and task.steps == 1:
                continue
            for seed in range(min(seeds, choice.slow_seeds) if method.slow else seeds):
                yield from _settings(Job(task.name, method.name, seed), task, method, choice)


def _without(choice: Choice) -> Iterator[Job]:
    """swept whole, and without an ingredient each."""
    names = ["swept", *(method.name for method in METHODS.values() if method.patches)]
    for task in tasks(replace(choice, tasks=choice.tasks or ABLATED)):
        for name in names:
            for seed in range(choice.seeds):
                yield Job(task.name, name, seed)


def _settings(job: Job, task: Task, method: Method, choice: Choice) -> Iterator[Job]:
    """The headline, and the variants where they say something."""
    yield job
    if choice.quick or method.slow or method.patches:
        return
    if task.family in ("live", "lcbench"):
        yield replace(job, default=True)
    if task.family in ("live", "lcbench") and method.curves | (method.make is None):
        yield replace(job, restart_steps=1.0)
    if task.family == PARALLEL_FAMILY and method.name not in SERIAL:
        yield from (replace(job, workers=workers) for workers in PARALLEL)


# -- keys -----------------------------------------------------------------------------------------


def key(job: Job) -> str:
    """A hash of all that decides the result: what the task does, and the code or version of the method."""
    parts = [json.dumps(asdict(job), sort_keys=True), str(RULES), version(job.method)]
    return _digest([*parts, fingerprint(job.task)])


@cache
def version(name: str) -> str:
    method = METHODS[name]
    files = _files(PLAYING)
    if method.make is None:
        files += _files(DECIDING)
    else:
        module = method.make.split(":")[0]
        files += [HERE / "peers/driver.py", HERE / f"peers/{module}.py"]
    texts = [path.read_text() for path in files]
    parts = [method.package, str(method.options), str(method.overlay)]
    parts += [str(method.patches)] if method.patches else []
    return _digest([*parts, *texts])


def _files(names: Iterable[str]) -> list[Path]:
    paths = [SOURCES / name for name in names]
    return [
        file for path in paths for file in ([path] if path.suffix else sorted(path.glob("*.py")))
    ]


@cache
def fingerprint(name: str) -> str:
    """By what a task does and not by its text, so that a comment costs no night of playing."""
    task = _loaded(name.split("/")[0])[name]
    known = json.dumps([task.name, task.steps, task.sweep, task.default], sort_keys=True)
    start = [float(value) for value in islice(task.curve(task.default, 1), 3)]
    return _digest([known, *(f"{value:.6g}" for value in (task.best, task.median, *start))])


@cache
def _loaded(family: str) -> dict[str, Task]:
    return {task.name: task for task in load([family])}


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
