"""Several processes on one store: none gets what another has; a killed writer loses nothing it acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from swept.model import Outcome, RunState
from swept.store.base import RunFilter, Store
from swept.store.sql import open_store
from swept.testing.scenes import NOW, claim, filled, log, running, start
from swept.testing.site import until

RUNS = 60
CLAIMANTS = 4

CLAIM = """
import sys
from swept.model import Outcome
from swept.store.sql import open_store
url, sweep, name = sys.argv[1:]
store = open_store(url)
count = 0
while True:
    lease = store.claim(sweep, agent=name, host=name, request=f"{name}-{count}", now=1.0)
    if lease is None:
        break
    print(lease.run.id, flush=True)
    store.complete(lease.run.id, lease.token, Outcome.FINISHED, reason="done", now=2.0)
    count += 1
store.close()
"""

REPORT = """
import sys
from swept.store.sql import open_store
url, run, token = sys.argv[1:]
store = open_store(url)
seq = 0
while True:
    seq += 1
    metrics = {"loss": float(seq)}
    report = {"seq": seq, "type": "log", "time": 1.0, "step": seq, "metrics": metrics}
    print(store.report(run, token, [report], now=1.0).acknowledged, flush=True)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/swept.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


def _spawn(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.slow
def test_processes_that_claim_at_once_never_get_the_same_run(url: str) -> None:
    store = open_store(url)
    sweep = filled(store, *(start(n=index) for index in range(RUNS)))
    claimants = [_spawn(CLAIM, url, sweep.id, f"agent-{index}") for index in range(CLAIMANTS)]
    got = [line for process in claimants for line in process.communicate(timeout=400)[0].split()]
    assert [process.returncode for process in claimants] == [0] * CLAIMANTS
    assert max(Counter(got).values()) == 1
    assert len(got) == RUNS
    runs = store.runs(RunFilter(sweep=sweep.id))
    assert {run.state for run in runs} == {RunState.FINISHED}
    assert {len(run.attempts) for run in runs} == {1}
    _numbered_without_gap(store)
    store.close()


def _numbered_without_gap(store: Store) -> None:
    numbers = [event.number for event in store.events(limit=10_000)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.slow
def test_what_a_killed_writer_had_acknowledged_is_there(url: str) -> None:
    store = open_store(url)
    lease = running(store)
    store.close()
    writer = _spawn(REPORT, url, lease.run.id, lease.token)
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout.read().split()]
    writer.stdout.close()
    writer.wait(timeout=200)
    store = open_store(url)
    steps = [row.step for row in store.rows(lease.run.id)]
    assert steps == list(range(1, len(steps) + 1))
    assert acknowledged[-1] <= len(steps) <= acknowledged[-1] + 1
    again = store.report(lease.run.id, lease.token, [log(len(steps) + 1, 0, loss=0.0)], now=NOW)
    assert again.acknowledged == len(steps) + 1
    store.close()


def test_a_reader_that_follows_numbers_misses_nothing(url: str) -> None:
    """Threads write to several sweeps while one reader follows events and points by their numbers."""
    store = open_store(url)
    leases = [running(store) for _ in range(4)]

    def work(index: int) -> None:
        lease = leases[index]
        for seq in range(1, 16):
            store.report(lease.run.id, lease.token, [log(seq, seq, loss=1.0)], now=NOW)
            store.add_event("tick", sweep=None, run=lease.run.id, data={}, now=NOW)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(leases))]
    for thread in threads:
        thread.start()
    points, ticks = 0, 0
    cursor = after = 0
    deadline = time.monotonic() + 200
    while (points < 60 or ticks < 60) and time.monotonic() < deadline:
        for point in store.points_after(cursor, limit=7):
            assert point["cursor"] == cursor + 1
            cursor, points = point["cursor"], points + 1
        for event in store.events(after=after, limit=7):
            assert event.number == after + 1
            after, ticks = event.number, ticks + (event.type == "tick")
    for thread in threads:
        thread.join()
    assert (points, ticks) == (60, 60)
    store.close()


def test_many_threads_share_one_store(url: str) -> None:
    store = open_store(url)
    sweep = filled(store, *(start(n=index) for index in range(24)))
    got: list[str] = []

    def work(index: int) -> None:
        for number in range(6):
            lease = claim(store, sweep.id, f"{index}-{number}")
            assert lease is not None
            got.append(lease.run.id)
            store.complete(lease.run.id, lease.token, Outcome.FINISHED, reason="", now=NOW)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == len(got) == 24
    store.close()


@pytest.mark.postgres
def test_a_database_that_was_restarted_is_used_again(postgres_url: str) -> None:
    store = open_store(postgres_url)
    lease = running(store)
    other = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
        # a signal is no end: a connection that dies later dies in the middle of a report
        others = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        until(lambda: connection.execute(others).scalar() == 0, "all other connections are gone")
    other.dispose()
    store.report(lease.run.id, lease.token, [log(1, 0, loss=1.0)], now=NOW)
    assert [row.step for row in store.rows(lease.run.id)] == [0]
    store.close()
