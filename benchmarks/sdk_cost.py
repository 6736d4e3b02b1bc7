"""What the SDK costs a training: `PYTHONPATH=src python benchmarks/sdk_cost.py`.

Start: `import swept; swept.init()` in a fresh process, as a run of an agent (no network is waited for) and without
a server, against the same process without it. Reports: `run.log` with and without the objective, with a real
server on this machine. Prints medians of `REPEATS`.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import swept
from swept.connect import connect_home
from swept.home import make
from swept.tracking.workspace import Brief, Workspace

REPEATS = 11
REPORTS = 300


def main() -> None:
    print(
        f"{platform.platform()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _starts(folder)
        _reports(folder)


def _starts(folder: Path) -> None:
    place = Workspace(folder / "run")
    place.keep_brief(Brief(run="r", attempt=1, metric="loss", config={"lr": 0.1}))
    claimed = {
        "SWEPT_URL": "http://127.0.0.1:9",
        "SWEPT_RUN_ID": "r",
        "SWEPT_LEASE": "local-x",
        "SWEPT_RUN_DIR": str(place.path),
    }
    nothing = _process(folder, "", {})
    # os._exit: what the end of the program costs is not part of its start
    code = "import swept, os; swept.init(); os._exit(0)"
    for title, variables in (("under an agent", claimed), ("without a server", {})):
        taken = _process(folder, code, variables) - nothing
        print(f"import and init, {title:18} {1000 * taken:8.1f} ms")


def _process(folder: Path, code: str, variables: dict[str, str]) -> float:
    """Seconds of a Python process that runs `code`."""
    environment = {**os.environ, "PYTHONPATH": str(Path(swept.__file__).parents[1]), **variables}

    def once() -> None:
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
        )

    return _median(once, REPEATS)


def _reports(folder: Path) -> None:
    home = make(folder)
    server = connect_home(home)
    claimed = server.manual_run(
        {"project": "cost", "config": {}, "host": platform.node(), "pid": os.getpid()}
    )
    place = Workspace(folder / "reports")
    place.keep_brief(Brief(run=claimed["run"], attempt=1, metric="loss"))
    os.environ |= {
        "SWEPT_URL": server.url,
        "SWEPT_RUN_ID": claimed["run"],
        "SWEPT_LEASE": claimed["lease"],
        "SWEPT_RUN_DIR": str(place.path),
    }
    with swept.init() as run:
        run.log({"loss": 1.0})  # connects
        other = _median(lambda: run.log({"accuracy": 0.5, "lr": 0.1}), REPORTS)
        objective = _median(lambda: run.log({"loss": 0.5}), REPORTS)
    print(f"a report that nobody waits for     {1e6 * other:8.0f} µs")
    print(f"a report of the objective          {1e3 * objective:8.1f} ms  (durable, decided)")
    server.stop()
    server.close()


def _median(action: Callable[[], None], times: int) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
