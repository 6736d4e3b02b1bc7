"""The search's worker process."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from swept.model import Decision, History, Suggestions
from swept.spec import parse
from swept.think import Closed, InlineThinker, Thinker, ThinkError, WorkerThinker

SPEC = parse(
    "{method: random, program: t.py, metric: {name: loss, goal: minimize}, "
    "parameters: {lr: {min: 0.0, max: 1.0}}, early_terminate: {type: hyperband, min_iter: 2}}"
).canonical()


def think(thinker: Thinker) -> Suggestions:
    return thinker.suggest(SPEC, History(), 3, seed=7, now=0.0)


def children() -> set[int]:
    return {
        child.pid
        for child in psutil.Process().children()
        if "swept.think" in " ".join(child.cmdline())
    }


@pytest.fixture
def worker() -> Iterator[WorkerThinker]:
    thinker = WorkerThinker()
    yield thinker
    thinker.close()


def test_the_worker_thinks_what_would_be_thought_inline(worker: WorkerThinker) -> None:
    assert think(worker) == think(InlineThinker())


def test_the_worker_is_started_once_and_ends_with_close(worker: WorkerThinker) -> None:
    worker.warm()
    before = children()
    think(worker)
    assert children() == before
    worker.close()
    assert not children() & before


def test_who_asks_after_the_end_starts_no_worker(worker: WorkerThinker) -> None:
    before = children()
    worker.close()
    worker.warm()
    with pytest.raises(Closed, match="the server is ending"):
        think(worker)
    assert children() == before


def test_a_worker_that_was_killed_is_started_anew(worker: WorkerThinker) -> None:
    think(worker)
    for pid in children():
        os.kill(pid, signal.SIGKILL)
    try:
        answer = think(worker)
    except ThinkError:  # it died while it was asked
        answer = think(worker)
    assert answer == think(InlineThinker())


def test_thinking_has_a_limit_and_goes_on_after_it() -> None:
    worker = WorkerThinker(limit=0.0)
    try:
        think(worker)  # a fresh worker has its imports' time on top
        with pytest.raises(ThinkError, match="took longer than 0 s"):
            think(worker)
        assert think(worker) == think(InlineThinker())
    finally:
        worker.close()


def test_a_search_that_raises_says_what(worker: WorkerThinker) -> None:
    for thinker in (worker, InlineThinker()):
        with pytest.raises(ThinkError, match="failed: KeyError"):
            thinker.suggest({"method": "random"}, History(), 1, seed=0, now=0.0)


def test_deciding_needs_no_worker(worker: WorkerThinker) -> None:
    before = children()
    decisions: list[Decision] = worker.decide(SPEC, History())
    assert decisions == []
    assert children() == before


def test_what_fits_a_model_is_decided_by_the_worker(worker: WorkerThinker) -> None:
    options = {"early_stopping": "auto", "epochs": 5}
    spec = {key: value for key, value in SPEC.items() if key != "early_terminate"}
    before = children()
    assert worker.decide({**spec, "swept": options}, History()) == []
    assert len(children() - before) == 1


def test_a_worker_that_cannot_be_started_is_a_failed_search(
    worker: WorkerThinker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ThinkError, match="its process died"):
        think(worker)


def test_a_worker_whose_server_was_killed_ends_in_silence() -> None:
    """Its answer finds nobody: the log of the next server would begin with a traceback."""
    request = pickle.dumps(("suggest", (SPEC, History(), 1, 0, 0.0)))
    worker = subprocess.Popen(
        [sys.executable, "-m", "swept.think"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stderr is not None
    worker.stdout.close()
    worker.stdin.write(struct.pack(">Q", len(request)) + request)
    worker.stdin.close()
    with worker.stderr as said:
        assert said.read() == b""
    assert worker.wait(60) == 0
