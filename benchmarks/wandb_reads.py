"""What scripts read with `wandb.Api()`: lists of a project of 2,000 runs, and a history of 25,000 rows.

    PYTHONPATH=src python benchmarks/wandb_reads.py [--python PYTHON ...] [--store URL] [--json FILE]

`--python` is an interpreter with the wandb to be measured, as often as wanted; without one only the server is. The
store is filled first, without a server; then one server answers, on this machine. Prints Markdown, with medians.
"""

from __future__ import annotations

import argparse
import json
import os
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
PAGE = f"""query H($run: String!, $least: Int, $most: Int) {{ project(name: "{PROJECT}", entityName: "local") {{
  run(name: $run) {{ history(minStep: $least, maxStep: $most, samples: 1000) }} }} }}"""

CLIENT = """
import itertools, json, sys, time
import wandb
project, sweep, long = sys.argv[1:]
api = wandb.Api(timeout=120)
told = {"version": wandb.__version__}
def timed(name, call):
    start = time.perf_counter()
    found = call()
    told[name] = time.perf_counter() - start
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
sys.stdout.write("TOLD " + json.dumps(told))
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
def serving(folder: Path, store: str) -> Iterator[str]:
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
        yield url
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
        "a page of 1,000 rows": (PAGE, {"run": run, "least": 12_000, "most": 13_000}),
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


def client_figures(url: str, python: str, names: tuple[str, str]) -> dict[str, Any]:
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
            [str(Path(python).absolute()), "-c", CLIENT, PROJECT, *names],
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


def table(server: dict[str, float], clients: list[dict[str, Any]]) -> str:
    lines = ["| one request to the server | ms |", "|---|---|"]
    lines += [f"| {name} | {seconds * 1000:.1f} |" for name, seconds in server.items()]
    if clients:
        versions = " | ".join(f"wandb {one['version']}" for one in clients)
        lines += [
            "",
            f"| with the real client, in s | {versions} |",
            "|---|" + "---|" * len(clients),
        ]
        for name in (name for name in clients[0] if name != "version"):
            lines.append(f"| {name} | {' | '.join(f'{one[name]:.2f}' for one in clients)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", default=[], help="an interpreter with wandb")
    parser.add_argument("--store", help="a database to fill, e.g. an empty one of PostgreSQL")
    parser.add_argument("--json", type=Path, help="also write the numbers there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        url = asked.store or f"sqlite:///{name}/swept.db"
        store = open_store(url)
        names = fill(store)
        store.close()
        with serving(Path(name), url) as server:
            figures = server_figures(server, *names)
            clients = [client_figures(server, python, names) for python in asked.python]
    sys.stdout.write(table(figures, clients) + "\n")
    if asked.json:
        asked.json.write_text(json.dumps({"server": figures, "clients": clients}, indent=2))


if __name__ == "__main__":
    main()
