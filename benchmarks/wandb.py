"""The real W&B client against a swept server, with swept's own SDK and agent beside it.

    PYTHONPATH=src python benchmarks/wandb.py [--python .venv/bin/python] [--write docs/benchmarks/wandb.md]

`--python` is an interpreter with the wandb to be measured (and with swept). Everything runs on this machine: one
server, one program after the other; only the waiting for a stop is done side by side. Prints the table as Markdown,
with medians; `--write` also puts it into a page, `--json` its numbers into a file. Takes about four minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import itertools
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

SOURCE = Path(__file__).parents[1] / "src"
KEY = "local-" + "5" * 40
REPEATS = 5  # of what takes seconds
LARGE_REPEATS = 3  # of 100,000 rows
GAP_RUNS = 5
STOPS = 3

WANDB = """
import time
began = time.time()
import atexit, json, sys
marks = {"began": began}
@atexit.register
def last():
    marks["ended"] = time.time()
    with open("marks.jsonl", "a") as file:
        file.write(json.dumps(marks) + chr(10))
import wandb
rows, keys, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
start = time.perf_counter()
run = wandb.init(project="benchmark", settings=wandb.Settings(silent=True))
marks["run"] = run.id
for step in range(rows):
    run.log({f"m{key}": step + key / 7 for key in range(keys)})
    if not step:
        marks["first"] = time.perf_counter() - start
        logging = time.perf_counter()
    marks["step"] = step
    if pause:
        time.sleep(pause)
marks["logging"] = time.perf_counter() - logging
start = time.perf_counter()
run.finish()
marks["finish"] = time.perf_counter() - start
"""
SWEPT = (
    WANDB.replace("import wandb\n", "import swept\n")
    .replace(
        'wandb.init(project="benchmark", settings=wandb.Settings(silent=True))',
        'swept.init(project="benchmark")',
    )
    .replace("    if pause:\n", "    if run.should_stop:\n        break\n    if pause:\n")
)
AGENTS = {
    "wandb agent, wandb script": ("wandb", WANDB),
    "swept agent, wandb script": ("swept", WANDB),
    "swept agent, swept script": ("swept", SWEPT),
}


# -- the parts ------------------------------------------------------------------------------------


@dataclass
class Site:
    """One server with a folder, and the interpreter of the programs."""

    folder: Path
    python: str
    port: int = 0
    server: psutil.Process | None = None
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        home = self.folder / "home"
        home.mkdir()
        (home / "key").write_text(KEY)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "swept", "server", "--port", str(self.port)],
            env=self.environment(SWEPT_HOME=str(home)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.server = psutil.Process(self.process.pid)
        wait_for(lambda: self._answers(), 60)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(self.ask("/api/handshake"))
        return False

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SWEPT_", "WANDB_"))
        }
        return {**kept, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", **more}

    def programs(self, folder: Path) -> dict[str, str]:
        """The environment of scripts and agents that know this server."""
        return self.environment(
            SWEPT_URL=self.url,
            SWEPT_API_KEY=KEY,
            WANDB_BASE_URL=self.url,
            WANDB_API_KEY=KEY,
            WANDB_ERROR_REPORTING="false",
            WANDB_DIR=str(folder),
            HOME=str(folder),
            SWEPT_HOME=str(folder / ".swept"),
            PATH=f"{Path(self.python).absolute().parent}:{os.environ['PATH']}",
        )

    def ask(self, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def place(self, name: str, program: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        (folder / "train.py").write_text(program)
        (folder / ".swept").mkdir()
        return folder

    def seconds_of_cpu(self) -> float:
        assert self.server is not None
        spent = self.server.cpu_times()
        return float(spent.user + spent.system)


def wait_for(look: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing within {seconds:.0f} s")
        time.sleep(0.05)
    return found


def marks(folder: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in (folder / "marks.jsonl").read_text().splitlines()]
    except FileNotFoundError:
        return []


# -- scripts --------------------------------------------------------------------------------------


@dataclass
class Figures:
    """What a script of `rows` × `keys` took: seconds, and the server's CPU time."""

    first: list[float] = field(default_factory=list)
    logging: list[float] = field(default_factory=list)
    finish: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    arrived: list[bool] = field(default_factory=list)  # all rows were at the server at the end


def script(site: Site, name: str, program: str, rows: int, keys: int, repeats: int) -> Figures:
    folder = site.place(f"{name}-{rows}", program)
    figures = Figures()
    for _ in range(repeats):
        cpu, started = site.seconds_of_cpu(), time.monotonic()
        subprocess.run(
            [site.python, "train.py", str(rows), str(keys), "0"],
            cwd=folder,
            env=site.programs(folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        figures.whole.append(time.monotonic() - started)
        figures.cpu.append(site.seconds_of_cpu() - cpu)
        seen = marks(folder)[-1]
        figures.first.append(seen["first"])
        figures.logging.append(seen["logging"])
        figures.finish.append(seen["finish"])
        last = site.ask(f"/api/runs/{seen['run']}/history?since={rows - 1}")
        figures.arrived.append([row["step"] for row in last] == [rows - 1])
    return figures


# -- agents ---------------------------------------------------------------------------------------


def sweep(site: Site, folder: Path, runs: int, arguments: Sequence[object]) -> str:
    command = [site.python, "${program}", *map(str, arguments)]
    spec = {
        "program": "train.py",
        "project": "benchmark",
        "method": "grid",
        "metric": {"name": "m0", "goal": "minimize"},
        "parameters": {"number": {"values": list(range(runs))}},
        "command": ["/usr/bin/env", "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL=2", *command],
    }
    body = {"text": json.dumps(spec), "path": str(folder / "sweep.json"), "mode": "create"}
    made: str = site.ask("/api/sweeps", body)["id"]
    return made


@contextlib.contextmanager
def agent(site: Site, kind: str, sweep: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = {
        "wandb": [site.python, "-m", "wandb", "agent", f"local/benchmark/{sweep}"],
        "swept": [sys.executable, "-m", "swept", "agent", sweep],
    }
    process = subprocess.Popen(
        command[kind],
        cwd=folder,
        env=site.programs(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def gap(site: Site, name: str) -> list[float]:
    """Seconds from the last line of a program to the first line of the next one's."""
    kind, program = AGENTS[name]
    folder = site.place(f"gap {name}".replace(" ", "-").replace(",", ""), program)
    made = sweep(site, folder, GAP_RUNS, (3, 1, 0.1))
    with agent(site, kind, made, folder) as process:
        process.wait(timeout=600)
    seen = marks(folder)
    return [after["began"] - before["ended"] for before, after in itertools.pairwise(seen)]


def stop(site: Site, name: str, number: int) -> float:
    """Seconds from the order to the last line of the program; all its rows have to be there."""
    kind, program = AGENTS[name]
    folder = site.place(f"stop-{number} {name}".replace(" ", "-").replace(",", ""), program)
    made = sweep(site, folder, 1, (3000, 1, 0.1))

    def run() -> Any:
        runs = site.ask(f"/api/sweeps/{made}")["runs"]
        return runs and runs[0]

    with agent(site, kind, made, folder) as process:
        wait_for(lambda: run() and run()["steps"] >= 5, 180)
        time.sleep(number)  # not always at the same moment of the client's own clock
        ordered = time.time()
        site.ask(f"/api/runs/{run()['id']}/desired", {"desired": "stop"})
        wait_for(lambda: marks(folder), 90)
        process.wait(timeout=180)
    seen, last = marks(folder)[0], run()
    if last["steps"] != seen["step"] or last["state"] != "stopped":
        raise SystemExit(f"{name}: {last['state']} at {last['steps']} of {seen['step']}")
    return float(seen["ended"] - ordered)


# -- the table ------------------------------------------------------------------------------------


def measure(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = {"scripts": {}, "gap": {}, "stop": {}}
    for name, program in (("wandb", WANDB), ("swept", SWEPT)):
        for rows, keys, repeats in (
            (3, 5, REPEATS),
            (10_000, 10, LARGE_REPEATS),
            (100_000, 5, LARGE_REPEATS),
        ):
            say(f"{name}: {rows} x {keys}")
            found["scripts"][f"{name} {rows} {keys}"] = vars(
                script(site, name, program, rows, keys, repeats)
            )
    for name in AGENTS:
        say(f"gap: {name}")
        found["gap"][name] = gap(site, name)
    say("stops")
    with ThreadPoolExecutor(len(AGENTS) * STOPS) as pool:
        for name in AGENTS:
            found["stop"][name] = [pool.submit(stop, site, name, one) for one in range(STOPS)]
        for name in AGENTS:
            found["stop"][name] = [one.result() for one in found["stop"][name]]
    return found


def table(found: dict[str, Any]) -> str:
    scripts, median = found["scripts"], statistics.median
    lines = ["| script | `wandb` | `swept` |", "|---|---|---|"]

    def row(title: str, key: str, what: str, scale: float = 1.0, unit: str = "s") -> None:
        cells = [median(scripts[f"{name} {key}"][what]) * scale for name in ("wandb", "swept")]
        lines.append(f"| {title} | " + " | ".join(f"{cell:.2f} {unit}" for cell in cells) + " |")

    row("`init` to the first `log`", "3 5", "first")
    row("`finish`, a run of three rows", "3 5", "finish")
    row("a whole process, three rows", "3 5", "whole")
    for rows, keys in ((10_000, 10), (100_000, 5)):
        title, key = f"{rows:,} rows × {keys}", f"{rows} {keys}"
        row(f"{title}: logging", key, "logging")
        row(f"{title}: `finish`", key, "finish")
        points = rows * keys / 1e6
        row(f"{title}: the server's CPU, a million values", key, "cpu", 1 / points)
    lines += ["", "| agent | gap between two runs | from the order to the end |", "|---|---|---|"]
    for name in AGENTS:
        stops = found["stop"][name]
        between = f"{median(found['gap'][name]):.2f} s"
        lines.append(
            f"| {name} | {between} | {median(stops):.1f} s ({min(stops):.1f} to {max(stops):.1f}) |"
        )
    return "\n".join(lines)


def about(site: Site, loads: tuple[float, float]) -> str:
    version = subprocess.run(
        [site.python, "-c", "import wandb, platform; print(wandb.__version__)"],
        check=True,
        capture_output=True,
        text=True,
        env=site.programs(site.folder),
    ).stdout.strip()
    return (
        f"{datetime.datetime.now(datetime.UTC):%d %B %Y}; wandb {version}; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {loads[0]:.1f} before and {loads[1]:.1f} after (the measuring itself is part of the latter)."
    )


PAGE = """# The W&B client and swept's own, measured

One command makes this page: `PYTHONPATH=src python benchmarks/wandb.py --write docs/benchmarks/wandb.md`.
{about}

Medians: {repeats} short scripts, {large} long ones, {gaps} gaps, {stops} stops. {arrived} All rows of the scripts that were stopped
were there.

{table}

- The gap is from the last line of a program (after `finish`) to the first line of the next one.
- The order to stop comes from outside (`POST /api/runs/ID/desired`), as one of the search does. Under `wandb agent` the client itself looks
  every 15 s whether it should stop. `swept agent` owns the process and interrupts it (SIGINT), as that client does.
- `swept`'s `log` keeps each row on disk before it returns; the client hands it to a process of its own.
"""


def arrived(found: dict[str, Any]) -> str:
    """Whose rows were all at the server when the script had ended."""
    late = [name for name, figures in found["scripts"].items() if not all(figures["arrived"])]
    if not late:
        return "Every row that a script logged was at the server at its end."
    return (
        f"Not all rows were at the server when these had ended: {', '.join(late)} (`finish` of swept's SDK waits for 30 s; "
        "the rest is on disk, and the next command sends it)."
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--python", default=sys.executable)
    asked.add_argument("--write", type=Path)
    asked.add_argument("--json", type=Path)
    options = asked.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        site = Site(Path(name), options.python)
        site.start()
        try:
            found = measure(site)
        finally:
            site.stop()
        told = about(site, (before, os.getloadavg()[0]))
    page = PAGE.format(
        about=told,
        arrived=arrived(found),
        repeats=REPEATS,
        large=LARGE_REPEATS,
        gaps=GAP_RUNS - 1,
        stops=STOPS,
        table=table(found),
    )
    print(page)
    if options.write:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(page, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps({"about": told, **found}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
