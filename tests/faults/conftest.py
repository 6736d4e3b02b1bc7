"""A site: a folder with an awkward name, a real server, real agents, the fake trainer; and a search for leaks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from swept.client import Client
from swept.clock import SystemClock
from swept.connect import connect_home, running
from swept.errors import SweptError
from swept.home import Home, make
from swept.testing import trainer
from swept.wire import RunView, SweepView

T = TypeVar("T")
CLOCK = SystemClock()
DEADLINE = 40.0
MARK = "SWEPT_TEST_SITE"


def until(look: Callable[[], T], what: str, seconds: float = DEADLINE) -> T:
    """Wait for something to be true; fails with `what` at the deadline."""
    deadline = CLOCK.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if CLOCK.monotonic() > deadline:
            pytest.fail(f"within {seconds:.0f} s: {what}")
        CLOCK.sleep(0.02)


class Site:
    """Everything of one test. Processes are known by a variable in their environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SWEPT_")},
            MARK: self.mark,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(trainer.__file__).parents[2]),
            "SWEPT_HOME": str(folder / ".swept"),
            "SWEPT_LEASE_SECONDS": "4",
            "SWEPT_HEARTBEAT_SECONDS": "0.5",
            "SWEPT_GRACE_SECONDS": "1",
            "SWEPT_LOCKS": str(folder / "locks"),
        }
        shutil.copy(trainer.__file__, folder / "train it.py")
        self.home: Home = make(folder)
        self.agents: list[subprocess.Popen[str]] = []

    # -- processes --------------------------------------------------------------------------------
    def start_server(self) -> None:
        subprocess.Popen(
            [sys.executable, "-m", "swept", "server", "--detached"],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).wait(DEADLINE)
        self.wait_for_server()

    def wait_for_server(self, seconds: float = DEADLINE) -> None:
        until(self._answers, "the server answers", seconds)

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
            pytest.fail(f"the agent does not end; it said:\n{self.said(agent)}")

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

    def trainings(self) -> list[psutil.Process]:
        return self.processes("train it.py")

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

    def create(self, *, runs: int = 1, method: str = "random", **config: Any) -> str:
        parameters: dict[str, Any] = {key: {"value": value} for key, value in config.items()}
        parameters["lr"] = {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0}
        spec = {
            "program": "train it.py",
            "method": method,
            "metric": {"name": "loss", "goal": "minimize"},
            "run_cap": runs,
            "parameters": parameters,
        }
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
        """End everything; what was left over besides the server."""
        for agent in self.agents:
            if agent.poll() is None:
                agent.kill()
                agent.wait()
        self.ask(lambda client: client.stop())
        psutil.wait_procs(self.processes("swept"), timeout=10)
        left = self.processes("")
        lines = [" ".join(process.cmdline()) for process in left if process.is_running()]
        for process in left:
            process.kill()
        return lines


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / 'it\'s a "weird" päth'
    folder.mkdir()
    found = Site(folder)
    found.start_server()
    yield found
    alive = [agent for agent in found.agents if agent.poll() is None]
    left = found.close()
    assert not alive, "an agent still runs at the end of the test"
    assert not left, "these processes are left over"
