"""How long the server takes to give a page all runs of a sweep: `python benchmarks/board.py [RUNS ...]`.

Makes a store with sweeps of 1,000 and 10,000 runs (13 parameters, 100 steps, three metrics) in a temporary folder, asks
the app without a socket, and prints milliseconds, and in brackets those of CPU time, which tell a slow server from a busy
machine: cold (the first time in the life of a server that has answered somebody), warm (nothing has changed
since), after (one running run has reported since), some (the rows of that run alone), and the size of the answer.
The store is as a server leaves it that has run for a while, with its curves written down once more; "unpacked" is one
of an earlier version, when a server first opens it.
"""

from __future__ import annotations

import json
import math
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from swept.clock import SystemClock
from swept.server.packing import POINTS
from swept.store.sql import open_store
from swept.testing.server import KEY, Served, in_memory
from swept.wire.agents import ClaimRequest
from swept.wire.reports import Report
from swept.wire.sweeps import NewSweep

STEPS = 100
SWEEPS, RUNS_OF_EACH = 200, 50
START = 1_790_000_000.0
STEP_SECONDS = 30.0
SWEEP = """
method: random
metric: {name: mAP, goal: maximize}
run_cap: 20000
parameters:
  lr: {distribution: log_uniform_values, min: 0.0001, max: 0.1}
  final_lr: {distribution: log_uniform_values, min: 0.001, max: 0.5}
  weight_decay: {distribution: log_uniform_values, min: 0.00001, max: 0.01}
  momentum: {min: 0.6, max: 0.98}
  mixup: {min: 0.0, max: 0.3}
  hue: {min: 0.0, max: 0.03}
  dropout: {min: 0.0, max: 0.2}
  batch: {distribution: q_log_uniform_values, q: 1, min: 8, max: 256}
  width: {distribution: q_log_uniform_values, q: 1, min: 16, max: 512}
  warmup: {min: 0, max: 5}
  optimizer: {values: [SGD, Adam, AdamW]}
  schedule: {values: [cosine, linear]}
  augment: {values: [none, light, strong]}
"""


def main(sizes: list[int]) -> None:
    columns = " ".join(f"{name:>13}" for name in ("cold", "warm", "after", "some"))
    print(f"{'runs':>6} {'what':<22} {columns} {'MB':>6}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), size)
    with tempfile.TemporaryDirectory() as folder:
        measure_overview(Path(folder), SWEEPS, RUNS_OF_EACH)


def measure(folder: Path, size: int) -> None:
    file = folder / "swept.db"
    url = f"sqlite:///{file}"
    store = open_store(url)
    with in_memory(store, SystemClock(), folder / "files").client() as client:
        sweep = client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]
    store.close()
    fill(file, sweep, size, packed=False)
    ask(folder, size, sweep, "board", ", unpacked")
    small, took = file.stat().st_size, pack(url)
    large = file.stat().st_size
    print(
        f"{size:>6} packing took {took * 1000:.0f} ms of CPU, and "
        f"{(large - small) / size / 1e3:.2f} kB a run beside {small / size / 1e3:.1f}"
    )
    for path in ("board", "curves", "curves?times=true", "curves?metric=loss"):
        ask(folder, size, sweep, path)


def ask(folder: Path, size: int, sweep: str, path: str, note: str = "") -> None:
    """A server that has just started is asked for the first time about its runs."""
    store = open_store(f"sqlite:///{folder / 'swept.db'}")
    served = in_memory(store, SystemClock(), folder / "files")
    with served.http() as http:
        timed(http, "/api/session")  # the app makes its routes for the first request
        show(size, path, note, served, http, sweep)
    store.close()


def measure_overview(folder: Path, count: int, size: int) -> None:
    """`count` sweeps of `size` runs."""
    file = folder / "swept.db"
    url = f"sqlite:///{file}"
    store = open_store(url)
    with in_memory(store, SystemClock(), folder / "files").client() as client:
        new: NewSweep = {"text": SWEEP, "path": "", "mode": "create"}
        sweeps = [client.create_sweep(new)["id"] for _ in range(count)]
    store.close()
    for sweep in sweeps:
        fill(file, sweep, size)
    store = open_store(url)
    served = in_memory(store, SystemClock(), folder / "files")
    with served.http() as http:
        cold, warm = timed(http, "/api/overview"), timed(http, "/api/overview")
        report(served, sweeps[0])
        after = timed(http, "/api/overview")
        print(line(size, f"{count} sweeps, overview", cold, warm, after))
    store.close()


def show(size: int, path: str, note: str, served: Served, http: httpx.Client, sweep: str) -> None:
    address = f"/api/sweeps/{sweep}/{path}"
    cold, warm = timed(http, address), timed(http, address)
    run = report(served, sweep)
    after = timed(http, address)
    report(served, sweep)
    some = timed(http, f"{address}{'&' if '?' in path else '?'}runs={run}")
    print(line(size, path + note, cold, warm, after, some))


@dataclass(frozen=True, slots=True)
class Timed:
    wall: float
    cpu: float
    size: int

    def __str__(self) -> str:
        return f"{self.wall:>6.0f} ({self.cpu:>4.0f})"


def line(size: int, what: str, *times: Timed) -> str:
    columns = " ".join(f"{one!s:>13}" for one in times)
    return f"{size:>6} {what:<22} {columns:<55} {times[0].size / 1e6:>6.1f}"


def timed(http: httpx.Client, path: str) -> Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = http.get(path)
    answer.raise_for_status()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Timed(wall * 1000, cpu * 1000, len(answer.content))


def report(served: Served, sweep: str) -> str:
    """A new run of the sweep, or the one that is running, reports a step; its id."""
    with served.client(KEY) as client:
        asked: ClaimRequest = {"agent": "bench", "host": "", "request": sweep, "wait": 0.0}
        claimed = client.claim(sweep, asked)["claimed"]
        assert claimed is not None
        run = claimed["run"]
        step = client.run(run)["steps"] + 1
        metrics = {"mAP": 0.1 * step, "loss": 1.0 / step}
        made: Report = {
            "seq": step,
            "type": "log",
            "time": START,
            "step": step,
            "metrics": metrics,
        }
        client.reports(run, {"lease": claimed["lease"], "reports": [made]})
    return run


# -- a store full of runs, written past its verbs: they are durable one by one --------------------


def fill(file: Path, sweep: str, size: int, *, packed: bool = True) -> None:
    draw = random.Random(size)
    with sqlite3.connect(file) as connection:
        counters = connection.execute("select point, ordinal from counters")
        point, ordinal = counters.fetchone()
        names = [f"{sweep}-{row}" for row in range(size)]
        insert(connection, "runs", run_rows(draw, sweep, names, ordinal))
        insert(connection, "attempts", attempt_rows(names))
        insert(connection, "points", point_rows(draw, sweep, names, point))
        insert(connection, "rows", metric_rows(draw, names))
        insert(
            connection,
            "flat_values",
            (
                {"run": run, "source": "history", "key": key}
                for run in names
                for key in ("mAP", "loss", "lr/pg0")
            ),
        )
        connection.execute(
            "update counters set point = ?, ordinal = ?", (point + size * STEPS, ordinal + size)
        )
        connection.execute(
            "update sweeps set runs = ?, state = 'running' where id = ?", (size, sweep)
        )
    connection.close()
    if packed:
        pack(f"sqlite:///{file}")


def pack(url: str) -> float:
    """What a server does behind its ticks, all at once; seconds of CPU time."""
    store = open_store(url)
    before = time.process_time()
    left = store.moved_runs(None)
    while left:
        left = store.pack_curves(left, points=POINTS)
    took = time.process_time() - before
    store.close()  # SQLite moves its journal into the file
    return took


def insert(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    columns = ", ".join(f'"{name}"' for name in first)
    statement = f'insert into "{table}" ({columns}) values ({", ".join("?" * len(first))})'
    connection.execute(statement, list(first.values()))
    connection.executemany(statement, (list(row.values()) for row in rows))


def run_rows(
    draw: random.Random, sweep: str, names: list[str], ordinal: int
) -> Iterator[dict[str, Any]]:
    for row, run in enumerate(names):
        config = {
            "lr": 10 ** draw.uniform(-4, -1),
            "final_lr": 10 ** draw.uniform(-3, -0.3),
            "weight_decay": 10 ** draw.uniform(-5, -2),
            "momentum": draw.uniform(0.6, 0.98),
            "mixup": draw.uniform(0, 0.3),
            "hue": draw.uniform(0, 0.03),
            "dropout": draw.uniform(0, 0.2),
            "batch": round(2 ** draw.uniform(3, 8)),
            "width": round(2 ** draw.uniform(4, 9)),
            "warmup": draw.randint(0, 5),
            "optimizer": draw.choice(["SGD", "Adam", "AdamW"]),
            "schedule": draw.choice(["cosine", "linear"]),
            "augment": draw.choice(["none", "light", "strong"]),
        }
        text = json.dumps(config)
        latest = {"mAP": draw.random(), "loss": draw.random(), "lr/pg0": config["lr"]}
        began = START + row * 60
        yield {
            "id": run,
            "ordinal": ordinal + row + 1,
            "project": "bench",
            "sweep": sweep,
            "number": row + 1,
            "name": f"search-{row + 1}",
            "kind": "search",
            "state": "finished",
            "config": text,
            "config_key": text,
            "seed": draw.randrange(2**31),
            "why": json.dumps({"reason": "expected improvement over the best run so far"}),
            "attempts": 1,
            "created": began,
            "pending_since": began,
            "started": began,
            "ended": began + STEPS * STEP_SECONDS,
            "last_step": STEPS,
            "latest": json.dumps(latest),
            "summary": "{}",
            "details": "{}",
            "overrides": "{}",
        }


def attempt_rows(names: list[str]) -> Iterator[dict[str, Any]]:
    for row, run in enumerate(names):
        began = START + row * 60
        yield {
            "run": run,
            "number": 1,
            "agent": f"agent-{row % 4}",
            "host": f"host-{row % 2}",
            "started": began,
            "ended": began + STEPS * STEP_SECONDS,
            "outcome": "finished",
            "reason": "exit code 0",
            "first_step": 0,
        }


def point_rows(
    draw: random.Random, sweep: str, names: list[str], point: int
) -> Iterator[dict[str, Any]]:
    for run in names:
        end, speed = draw.uniform(0.3, 0.8), draw.uniform(6, 26)
        for step in range(1, STEPS + 1):
            point += 1
            yield {
                "run": run,
                "attempt": 1,
                "step": step,
                "number": point,
                "sweep": sweep,
                "value": end * (1 - math.exp(-step / speed)) + draw.gauss(0, 0.006),
            }


def metric_rows(draw: random.Random, names: list[str]) -> Iterator[dict[str, Any]]:
    for run in names:
        for step in range(1, STEPS + 1):
            metrics = {"mAP": draw.random(), "loss": draw.random(), "lr/pg0": 0.01}
            yield {
                "run": run,
                "attempt": 1,
                "step": step,
                "time": START,
                "metrics": json.dumps(metrics, separators=(",", ":")),
            }


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [1_000, 10_000])
