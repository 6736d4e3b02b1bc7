"""What scripts read with `wandb.Api()`: lists of a project of 2,000 runs, and a history of 25,000 rows.

    PYTHONPATH=src python benchmarks/wandb_reads.py [--python PYTHON ...] [--store URL] [--write FILE] [--json FILE]

`--python` is an interpreter with the wandb to be measured, as often as wanted; without one only the server is. The
store is filled first, without a server; then one server answers, on this machine. Prints a page of Markdown, with
medians; `--write` also puts it into a file, `--json` its numbers. Takes about two minutes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swept.model import Kind, Outcome, Row
from swept.spec import parse
from swept.store.base import NewSweep, Store
from swept.store.sql import open_store

SOURCE = Path(__file__).parents[1] / "src"
KEY = "local-" + "5" * 40
RUNS, ROWS, KEYS = 2_000, 25_000, 5
REPEATS = 15
CLIENT_REPEATS = 3
PROJECT = "reads"
TEXT = f"""project: {PROJECT}
program: train.py
method: random
metric: {{name: loss, goal: minimize}}
parameters: {{lr: {{min: 0.0, max: 1.0}}}}
"""

FIELDS = """id tags name displayName sweepName state group jobType commit readOnly createdAt heartbeatAt description
notes historyLineCount user {name username} config summaryMetrics systemMetrics historyKeys"""
LIST = f"""query R($filters: JSONString, $order: String, $first: Int) {{
  project(name: "{PROJECT}", entityName: "local") {{ runCount(filters: $filters)
    runs(filters: $filters, order: $order, first: $first) {{
      edges {{ cursor node {{ {FIELDS} }} }} pageInfo {{ endCursor hasNextPage }} }} }} }}"""
HISTORY = f"""query H($run: String!, $least: Int, $most: Int) {{ project(name: "{PROJECT}", entityName: "local") {{
  run(name: $run) {{ history(minStep: $least, maxStep: $most, samples: 1000) }} }} }}"""

CLIENT = """
import itertools, json, os, statistics, sys, time
import wandb
project, sweep, long, server, repeats = sys.argv[1:]
api = wandb.Api(timeout=120)
told = {}
def used():
    with open(f"/proc/{server}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
def timed(name, call):
    walls, cpus = [], []
    for _ in range(int(repeats)):
        api.flush()
        start, before = time.perf_counter(), used()
        found = call()
        walls.append(time.perf_counter() - start)
        cpus.append(used() - before)
    told[name] = [statistics.median(walls), statistics.median(cpus)]
    return found
place = f"local/{project}"
list(api.runs(place, {"display_name": "none"}))
timed("first 50 of 2,000 runs", lambda: api.runs(place)[0])
timed("filtered and sorted, first 50", lambda: api.runs(
    place, {"config.lr.value": {"$gt": 0.5}}, "-summary_metrics.loss")[0])
timed("len(runs)", lambda: len(api.runs(place)))
some = timed("200 runs, 4 pages", lambda: list(itertools.islice(api.runs(place), 200)))
assert len(some) == 200
timed("sweep and best_run()", lambda: api.sweep(f"{place}/{sweep}").best_run())
run = api.run(f"{place}/{long}")
assert len(timed("scan_history, 25,000 rows", lambda: list(run.scan_history()))) == 25_000
assert len(timed("scan_history of one key", lambda: list(run.scan_history(keys=["m0"])))) == 25_000
timed("history(), 500 samples", lambda: run.history(pandas=False))
sys.stdout.write("TOLD " + json.dumps({"version": wandb.__version__, "figures": told}))
"""


# -- a full store ---------------------------------------------------------------------------------


def fill(store: Store) -> tuple[str, str]:
    """2,000 finished runs of a sweep and one long run by hand: the ids of the sweep and of the long run."""
    spec = parse(TEXT)
    new = NewSweep(PROJECT, "many", spec.canonical(), spec.hash, TEXT, metric="loss")
    sweep = store.create_sweep(new, now=time.time()).id
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda index: short(store, sweep, index), range(RUNS)))
    return sweep, long(store)


def finished(store: Store, run: str, rows: list[Row], summary: dict[str, Any]) -> None:
    now = time.time()
    lease = store.open_attempt(run, agent="benchmark", host="here", now=now, lease_seconds=600)
    for start in range(0, len(rows), 5_000):
        store.log_rows(run, lease.attempt, rows[start : start + 5_000], now=now)
    store.update_run(run, now=now, summary=summary, replace_summary=True)
    store.complete(run, lease.token, Outcome.FINISHED, reason="done", now=now, exit_code=0)


def short(store: Store, sweep: str, index: int) -> None:
    loss = (index * 7919 % RUNS) / RUNS
    config = {"lr": index / RUNS, "model": {"depth": index % 7}, "optimizer": "adam"}
    run = store.add_run(
        project=PROJECT,
        sweep=sweep,
        kind=Kind.SEARCH,
        config=config,
        now=time.time(),
        details={"tags": ["a", "b"], "group": f"g{index % 10}"},
    ).id
    rows = [Row(step, {"loss": loss + 1 / (step + 1)}, time=time.time()) for step in range(5)]
    finished(store, run, rows, {"loss": loss, "acc": 1 - loss, "_step": 4, "_runtime": 5})


def long(store: Store) -> str:
    run = store.add_run(
        project=PROJECT, sweep=None, kind=Kind.MANUAL, config={}, now=time.time()
    ).id
    now = time.time()
    rows = [
        Row(step, {f"m{key}": step + key / 7 for key in range(KEYS)}, time=now + step)
        for step in range(ROWS)
    ]
    finished(store, run, rows, {"m0": 1.0})
    return run


# -- the server -----------------------------------------------------------------------------------


@contextmanager
def serving(folder: Path, store: str) -> Iterator[tuple[str, int]]:
    """The address and the pid of a server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    (folder / "key").write_text(KEY)
    process = subprocess.Popen(
        [sys.executable, "-m", "swept", "server", "--port", str(port), "--store", store],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "SWEPT_HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while not answers(url):
            if process.poll() is not None:
                raise SystemExit("the server ended at once")
            time.sleep(0.2)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/api/handshake", timeout=5):
            return True
    except OSError:
        return False


def ask(url: str, query: str, **variables: Any) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    login = b64encode(f"api:{KEY}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
    request = urllib.request.Request(url + "/graphql", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    assert "errors" not in found, found
    return found["data"]["project"]


def server_figures(url: str, sweep: str, run: str) -> dict[str, float]:
    """Seconds for one request, over loopback, answer read."""
    above = json.dumps({"config.lr.value": {"$gt": 0.5}})
    own = json.dumps({"$and": [{"sweep": sweep}]})
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "first 50 of 2,000 runs": (LIST, {"order": "+created_at", "first": 50}),
        "filtered and sorted, first 50": (
            LIST,
            {"filters": above, "order": "-summary_metrics.loss", "first": 50},
        ),
        "best_run()": (LIST, {"filters": own, "order": "+summary_metrics.loss", "first": 1}),
        "a page of 1,000 rows": (HISTORY, {"run": run, "least": 12_000, "most": 13_000}),
    }
    found: dict[str, float] = {}
    for name, (query, variables) in requests.items():
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            ask(url, query, **variables)
            times.append(time.perf_counter() - start)
        found[name] = statistics.median(times)
    return found


def client_figures(url: str, pid: int, python: str, names: tuple[str, str]) -> dict[str, Any]:
    """Of each call: seconds, and seconds of the server's CPU among them."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": home,
            "WANDB_DIR": home,
            "WANDB_CACHE_DIR": home,
            "WANDB_BASE_URL": url,
            "WANDB_API_KEY": KEY,
            "WANDB_ERROR_REPORTING": "false",
        }
        done = subprocess.run(
            [
                str(Path(python).absolute()),
                "-c",
                CLIENT,
                PROJECT,
                *names,
                str(pid),
                str(CLIENT_REPEATS),
            ],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout.rpartition("TOLD ")[2])
    return told


# -- the page -------------------------------------------------------------------------------------

PAGE = """# Reading with `wandb.Api()`, measured

One command makes this page: `PYTHONPATH=src python benchmarks/wandb_reads.py --python PYTHON … --write docs/benchmarks/wandb-reads.md`.
{about}

A project of {runs:,} finished runs of one sweep, and a run of {rows:,} rows × {keys}. Medians: {repeats} requests, {client_repeats} calls of the client.

{table}

- The first table is one request over loopback, until its answer is read.
- In the second, the time in brackets is the server's CPU; the rest is the client's own.
"""


def table(server: dict[str, float], clients: list[dict[str, Any]]) -> str:
    lines = ["| one request to the server | ms |", "|---|---|"]
    lines += [f"| {name} | {seconds * 1000:.1f} |" for name, seconds in server.items()]
    if clients:
        versions = " | ".join(f"wandb {one['version']}" for one in clients)
        lines += ["", f"| with the real client | {versions} |", "|---|" + "---|" * len(clients)]
        for name in clients[0]["figures"]:
            pairs = (one["figures"][name] for one in clients)
            cells = " | ".join(f"{wall:.2f} s ({cpu:.2f} s)" for wall, cpu in pairs)
            lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def about(store: str, loads: tuple[float, float]) -> str:
    return (
        f"{datetime.datetime.now(datetime.UTC):%d %B %Y}; {store.partition(':')[0].partition('+')[0]}; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {loads[0]:.1f} before and {loads[1]:.1f} after (the measuring itself is part of the latter)."
    )


def measured(url: str, folder: Path, pythons: list[str]) -> tuple[dict[str, float], list[Any]]:
    store = open_store(url)
    names = fill(store)
    store.close()
    with serving(folder, url) as (server, pid):
        figures = server_figures(server, *names)
        return figures, [client_figures(server, pid, python, names) for python in pythons]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--python", action="append", default=[], help="an interpreter with wandb")
    parser.add_argument("--store", help="a database to fill, e.g. an empty one of PostgreSQL")
    parser.add_argument("--write", type=Path, help="also write the page there")
    parser.add_argument("--json", type=Path, help="also write the numbers there")
    asked = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        url = asked.store or f"sqlite:///{name}/swept.db"
        server, clients = measured(url, Path(name), asked.python)
    told = about(url, (before, os.getloadavg()[0]))
    page = PAGE.format(
        about=told,
        runs=RUNS,
        rows=ROWS,
        keys=KEYS,
        repeats=REPEATS,
        client_repeats=CLIENT_REPEATS,
        table=table(server, clients),
    )
    sys.stdout.write(page)
    if asked.write:
        asked.write.parent.mkdir(parents=True, exist_ok=True)
        asked.write.write_text(page, encoding="utf-8")
    if asked.json:
        numbers = {"about": told, "server": server, "clients": clients}
        asked.json.write_text(json.dumps(numbers, indent=2))


if __name__ == "__main__":
    main()
