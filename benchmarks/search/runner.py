"""Plays jobs in parallel, each in its method's environment, and keeps the results.

Results are lines of `build/bench-search/results.jsonl`, each written as soon as it is there; what is there under the
same key, or in the repository's own `results/`, is not played again. What failed, or took too long, is in `failures.jsonl` and is tried again next time.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import archive
from job import Job, Result
from peers import METHODS, Method
from plan import HERE, key

ROOT: Final = HERE.parents[1]
FOLDER: Final = ROOT / "build/bench-search"
RESULTS: Final = FOLDER / "results.jsonl"
FAILURES: Final = FOLDER / "failures.jsonl"
PATIENCE: Final = 1800.0
"""Wall-clock seconds that one simulation may take."""


def python(environment: str) -> Path:
    return ROOT / f".venvs/bench-{environment}/bin/python"


def lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines; one that was cut off by a crash is left out."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def kept() -> dict[str, Result]:
    """All results by key."""
    played = {line["key"]: Result.read(line) for line in lines(RESULTS)}
    return {**archive.read(), **played}


@dataclass
class Worker:
    """A process that plays jobs of methods that may share one (`Method.process`)."""

    kind: str
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, method: Method) -> Worker:
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        paths = os.pathsep.join([str(HERE), str(ROOT / "src")])
        process = subprocess.Popen(
            [python(method.environment), HERE / "worker.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **one, "PYTHONPATH": paths},
        )
        return cls(method.process, process)

    def play(self, job: Job, name: str) -> dict[str, Any]:
        """The worker's answer; an error where it died or was killed for taking too long."""
        assert self.process.stdin
        assert self.process.stdout
        alarm = threading.Timer(PATIENCE, self.process.kill)
        alarm.start()
        try:
            print(
                json.dumps({"job": asdict(job), "key": name}), file=self.process.stdin, flush=True
            )
            answer = self.process.stdout.readline()
        except OSError:
            answer = ""
        finally:
            alarm.cancel()
        if answer:
            found: dict[str, Any] = json.loads(answer)
            return found
        return {"error": f"no answer within {PATIENCE:g} s, or the process died", "key": name}

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Progress:
    """How far it is, and how long it will take: from the seconds that each method took so far."""

    waiting: list[Job]
    slots: int
    done: int = 0
    failed: int = 0
    started: float = field(default_factory=time.monotonic)
    taken: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, job: Job, seconds: float, failed: bool) -> None:
        self.done += 1
        self.failed += failed
        self.taken[job.method, job.family].append(seconds)

    def left(self, jobs: Iterable[Job]) -> float:
        """Wall-clock seconds, about."""
        means = {pair: sum(found) / len(found) for pair, found in self.taken.items()}
        usual = sum(means.values()) / len(means) if means else 0.0
        return sum(means.get((job.method, job.family), usual) for job in jobs) / self.slots

    def say(self, jobs: Sequence[Job]) -> None:
        minutes = self.left(jobs) / 60
        text = f"{self.done} of {len(self.waiting)} played, {self.failed} failed, about {minutes:.0f} min left"
        print(f"\r{text:70}", end="", file=sys.stderr, flush=True)


class Play:
    """Threads that hand jobs to worker processes; `slots` at a time."""

    def __init__(self, jobs: Sequence[Job], slots: int) -> None:
        self.jobs = list(jobs)
        self.progress = Progress(list(jobs), slots)
        self.lock = threading.Lock()
        self.keys = {job: key(job) for job in jobs}

    def run(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        problems: queue.Queue[BaseException] = queue.Queue()
        threads = [
            threading.Thread(target=self._serve, args=(problems,), daemon=True)
            for _ in range(self.progress.slots)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(file=sys.stderr)
        if not problems.empty():
            raise problems.get()

    def _serve(self, problems: queue.Queue[BaseException]) -> None:
        worker: Worker | None = None
        try:
            while (job := self._take(worker.kind if worker else None)) is not None:
                worker = self._fitting(worker, METHODS[job.method])
                before = time.monotonic()
                self._keep(job, worker.play(job, self.keys[job]), time.monotonic() - before)
        except BaseException as problem:  # noqa: BLE001 - raised in the main thread
            problems.put(problem)
        finally:
            if worker:
                worker.stop()

    def _take(self, kind: str | None) -> Job | None:
        """The next job, of the worker's own kind as long as the seed has one."""
        with self.lock:
            if not self.jobs:
                return None
            seed = self.jobs[0].seed
            fitting = (
                job for job in self.jobs if job.seed == seed and METHODS[job.method].process == kind
            )
            job = next(fitting, self.jobs[0])
            self.jobs.remove(job)
            return job

    def _fitting(self, worker: Worker | None, method: Method) -> Worker:
        if worker and worker.kind == method.process and worker.alive:
            return worker
        if worker:
            worker.stop()
        return Worker.start(method)

    def _keep(self, job: Job, answer: Mapping[str, Any], seconds: float) -> None:
        failed = "error" in answer
        line = {"job": asdict(job), **answer} if failed else answer["result"]
        with self.lock:
            with (FAILURES if failed else RESULTS).open("a") as file:
                print(json.dumps(line), file=file, flush=True)
            self.progress.add(job, seconds, failed)
            self.progress.say(self.jobs)


def play(jobs: Sequence[Job], slots: int) -> dict[Job, Result]:
    """The results of `jobs`, of which those that are not kept are played now. Failed ones are missing.

    Jobs of methods whose environment is not installed are left out.
    """
    known = kept()
    there = [job for job in jobs if python(METHODS[job.method].environment).exists()]
    waiting = [job for job in there if key(job) not in known]
    if waiting:
        FAILURES.unlink(missing_ok=True)
        Play(waiting, slots).run()
    found = kept()
    return {job: found[name] for job in there if (name := key(job)) in found}


def failures() -> list[dict[str, Any]]:
    """What failed in the last play that had anything to play."""
    return lines(FAILURES)
