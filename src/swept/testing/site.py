"""A site for tests with real processes: a folder, a server, agents, the fake trainer; and a search for leaks.

Processes are known by a variable in their environment, so that one which got away is found wherever it went.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil

from swept.client import Client
from swept.clock import SystemClock
from swept.connect import connect_home, running
from swept.errors import SweptError
from swept.home import Home
from swept.testing import trainer
from swept.wire.runs import RunView
from swept.wire.sweeps import SweepView

T = TypeVar("T")
CLOCK = SystemClock()
DEADLINE = 150.0
MARK = "SWEPT_TEST_SITE"
PROGRAM = "train it.py"
GATE = "gate"


def until(look: Callable[[], T | None], what: str, seconds: float = DEADLINE) -> T:
    """Wait for something to be true; fails with `what` at the deadline."""
    deadline = CLOCK.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if CLOCK.monotonic() > deadline:
            raise AssertionError(f"within {seconds:.0f} s: {what}")
        CLOCK.sleep(0.02)


class Site:
    """Everything of one test. Its times are short, but for those that outlast a machine which stands still for a while.
    The server of `home` may be shared with other sites."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.folder = folder
        self.home = home
        self.mark = uuid.uuid4().hex
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SWEPT_")},
            MARK: self.mark,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(trainer.__file__).parents[2]),
            "SWEPT_HOME": str(home.path),
            "SWEPT_LEASE_SECONDS": "60",
            "SWEPT_HEARTBEAT_SECONDS": "0.5",
            "SWEPT_GRACE_SECONDS": "1",
            "SWEPT_DECISION_SECONDS": "60",
            "SWEPT_LOCKS": str(folder / "locks"),
        }
        shutil.copy(trainer.__file__, folder / PROGRAM)
        self.agents: list[subprocess.Popen[str]] = []

    # -- processes --------------------------------------------------------------------------------
    def start_server(self) -> None:
        """If it does not run already."""
        if self._answers():
            return
        subprocess.run(
            [sys.executable, "-m", "swept", "server", "--detached"],
            env={key: value for key, value in self.environment.items() if key != MARK},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=DEADLINE,
            check=True,
        )
        until(self._answers, "the server answers")

    def wait(self, look: Callable[[], object], what: str) -> None:
        until(look, what)

    def pause(self, seconds: float) -> None:
        CLOCK.sleep(seconds)

    def _answers(self) -> bool:
        client = running(self.home)
        if client is None:
            return False
        client.close()
        return True

    def kill_server(self) -> None:
        record = self.home.server()
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        until(lambda: not psutil.pid_exists(record.pid), "the server is gone")

    def start_agent(self, sweep: str, *flags: str, remote: bool = False) -> subprocess.Popen[str]:
        """`remote`: it knows the server by its address only, and so never starts it."""
        environment = dict(self.environment)
        if remote:
            record = self.home.server()
            assert record is not None
            environment |= {"SWEPT_URL": record.url, "SWEPT_API_KEY": self.home.key()}
        log = (self.folder / f"agent-{len(self.agents)}.log").open("w")
        with log:
            agent = subprocess.Popen(
                [sys.executable, "-m", "swept", "agent", sweep, *flags],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )
        self.agents.append(agent)
        return agent

    def said(self, agent: subprocess.Popen[str]) -> str:
        return (self.folder / f"agent-{self.agents.index(agent)}.log").read_text()

    def ended(self, agent: subprocess.Popen[str], seconds: float = DEADLINE) -> int:
        try:
            return agent.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent does not end; it said:\n{self.said(agent)}") from None

    def processes(self, word: str) -> list[psutil.Process]:
        """This site's living processes that have `word` in their command line."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get(MARK) == self.mark
                if mine and any(word in part for part in process.cmdline()):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def kill(self, word: str) -> bool:
        """SIGKILL to one of them; False = there is none."""
        for process in self.processes(word)[:1]:
            process.kill()
            return True
        return False

    def held(self, *, at: int) -> dict[str, Any]:
        """Part of a configuration: every training waits before this epoch until `let_go`."""
        return {"fate": "hold", "at": at, "gate": str(self.folder / GATE)}

    def let_go(self) -> None:
        (self.folder / GATE).touch()

    def trainings(self) -> list[psutil.Process]:
        return self.processes(PROGRAM)

    # -- the server's view ------------------------------------------------------------------------
    def client(self) -> Client:
        return connect_home(self.home, start_server=False)

    def ask(self, question: Callable[[Client], T]) -> T | None:
        """None where the server does not answer."""
        try:
            with self.client() as client:
                return question(client)
        except SweptError:
            return None

    def create(
        self,
        *,
        runs: int = 1,
        program: str = PROGRAM,
        retries: int | None = None,
        swept: Mapping[str, Any] | None = None,
        rates: Sequence[float] = (),
        **config: Any,
    ) -> str:
        """`rates`: the runs' learning rates, in this order; without, they are drawn."""
        parameters: dict[str, Any] = {key: {"value": value} for key, value in config.items()}
        parameters["lr"] = {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0}
        if rates:
            parameters["lr"] = {"values": list(rates)}
        spec: dict[str, Any] = {
            "program": program,
            "method": "grid" if rates else "random",
            "metric": {"name": "loss", "goal": "minimize"},
            "run_cap": runs,
            "parameters": parameters,
        }
        options = {**(swept or {}), **({} if retries is None else {"retries": retries})}
        if options:
            spec["swept"] = options
        with self.client() as client:
            path = str(self.folder / "sweep.json")
            answer = client.create_sweep({"text": json.dumps(spec), "path": path, "mode": "create"})
            return answer["id"]

    def sweep(self, sweep: str) -> SweepView:
        with self.client() as client:
            return client.sweep(sweep)

    def runs(self, sweep: str) -> list[RunView]:
        return self.sweep(sweep)["runs"]

    def steps(self, run: str) -> list[int]:
        """The visible steps now; [] also while the server is away."""
        rows = self.ask(lambda client: client.history(run)) or []
        return [row["step"] for row in rows]

    def when_step(self, sweep: str, step: int) -> RunView:
        """Wait until some run shows that step."""

        def look() -> RunView | None:
            view = self.ask(lambda client: client.sweep(sweep))
            for run in view["runs"] if view else []:
                if run["curve"] and run["steps"] >= step:
                    return run
            return None

        found = until(look, f"step {step} is there")
        assert found is not None
        return found

    def assert_whole(self, run: str, epochs: int) -> None:
        """Every step once, in order, with the values of one continuous training."""
        with self.client() as client:
            rows = client.history(run)
        assert [row["step"] for row in rows] == list(range(epochs))
        assert [row["metrics"]["total"] for row in rows] == [1.0 + step for step in range(epochs)]

    def close(self) -> list[str]:
        """End everything but the server; what was left over."""
        for agent in self.agents:
            if agent.poll() is None:
                agent.kill()
                agent.wait()
        # A server that an agent has started carries the mark; it stays, with its worker.
        server = self.home.server()
        kept = (server.pid, *_children(server.pid)) if server else ()
        left = [process for process in self.processes("") if process.pid not in kept]
        psutil.wait_procs(left, timeout=5)
        lines = [" ".join(process.cmdline()) for process in left if process.is_running()]
        for process in left:
            process.kill()
        return lines


def _children(pid: int) -> tuple[int, ...]:
    try:
        return tuple(child.pid for child in psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return ()
