"""A swept server as a process, and a version of the real wandb client with a home of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
KEY = "local-" + "5" * 40
MATRIX = ("0.19.11", "0.23.1", "0.26.1", "0.28.2", "0.31.0")
NEWEST, OLDEST = MATRIX[-1], MATRIX[0]
ASKED = os.environ.get("SWEPT_WANDB", f"{NEWEST} {OLDEST}").split()


def environment(version: str) -> Path:
    """Where a version is installed: the newest beside swept, the others by themselves."""
    return Path(sys.prefix) if version == NEWEST else ROOT / ".venvs" / f"wandb-{version}"


VERSIONS = {version: environment(version) for version in ASKED}
"""Version → its environment. `make test` tries the newest and the oldest, `make matrix` all, by SWEPT_WANDB."""
PATIENCE = 600.0
"""Seconds after which something is said to hang. Far more than a quiet machine needs: no test shall fail because others
are at work beside it."""
T = TypeVar("T")


def until(look: Callable[[], T | None], what: str) -> T:
    """Wait for a truthy answer; asked seldom, as a dozen scenarios share the machine."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {PATIENCE:.0f} s still no {what}")
        time.sleep(0.4)
    return found


_PORTS = itertools.cycle(range(10_000, 20_000))
for _ in range(os.getpid() % 100 * 100):
    next(_PORTS)


def free_port() -> int:
    """One that no connection is given, and no other server of these tests: it stays free until its server starts, and
    while that is away."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there is no end to the ports")


def _environment() -> dict[str, str]:
    """This environment, in which `swept` is the one under test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SWEPT_")}
    path = os.pathsep.join(
        part for part in (str(ROOT / "src"), os.environ.get("PYTHONPATH")) if part
    )
    return {**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


@dataclass
class Server:
    """A swept server process on a port of its own; it can be killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    options: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """`swept server`, on the port that it had before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "key").write_text(KEY)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "swept", "server", "--port", str(self.port), *self.options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**_environment(), "SWEPT_HOME": str(self.folder)},
            )
        until(self._answers, f"answer:\n{(self.folder / 'log').read_text()}")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return httpx.get(self.url + "/api/handshake", timeout=5).is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def end(self) -> None:
        """SIGTERM: it closes its store."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)
        self.process = None

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = httpx.post(
            self.url + path, json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=60
        )
        answer.raise_for_status()
        return answer.json()

    def graphql(self, query: str, variables: dict[str, Any] | None = None, key: str = KEY) -> Any:
        answer = httpx.post(
            self.url + "/graphql",
            json={"query": query, "variables": variables},
            auth=("api", key),
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json()

    def stream(self, project: str, run: str, body: str, key: str = KEY) -> httpx.Response:
        return httpx.post(
            f"{self.url}/files/local/{project}/{run}/file_stream",
            content=body,
            auth=("api", key),
            timeout=60,
        )

    def runs(self, sweep: str) -> list[Any]:
        runs: list[Any] = self.get(f"/api/sweeps/{sweep}")["runs"]
        return runs

    def rows(self, run: str) -> list[Any]:
        rows: list[Any] = self.get(f"/api/runs/{run}/history")
        return rows


@dataclass
class Client:
    """One version of wandb, with a home and a working folder of its own."""

    version: str
    prefix: Path
    server: Server
    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for program in PROGRAMS.glob("*.py"):
            shutil.copy(program, self.folder)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "PATH": f"{self.prefix / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "WANDB_DIR": str(self.folder),
            "WANDB_BASE_URL": self.server.url,
            "WANDB_API_KEY": KEY,
            "WANDB_ERROR_REPORTING": "false",
            "OMP_NUM_THREADS": "1",
        }

    def command(self, *arguments: str) -> list[str]:
        return [str(self.prefix / "bin" / "python"), *arguments]

    def run(self, *arguments: str, **environment: str) -> str:
        """Run to the end: what it printed; a code other than 0 is an error."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def swept(self, *arguments: str) -> str:
        """`swept …` of this environment, in the client's folder and with its server."""
        done = subprocess.run(
            [sys.executable, "-m", "swept", *arguments],
            cwd=self.folder,
            env={
                **self.environment,
                "PYTHONPATH": str(ROOT / "src"),
                "SWEPT_URL": self.server.url,
                "SWEPT_API_KEY": KEY,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def sweep(self, text: str) -> str:
        """`wandb sweep FILE`: the new sweep's id."""
        (self.folder / "sweep.yaml").write_text(text)
        printed = self.run("-m", "wandb", "sweep", "sweep.yaml")
        found = re.search(r"Creating sweep with ID: (\w+)", printed)
        assert found is not None, printed
        return found[1]

    def create(self, text: str) -> str:
        """A sweep as `sweep` makes one, without two seconds of the command's start."""
        made: str = self.server.post("/api/sweeps", {"text": text, "path": "", "mode": "create"})[
            "id"
        ]
        return made

    @contextlib.contextmanager
    def on_its_own_server(self) -> Iterator[Client]:
        """The same client with a server that may be killed."""
        server = Server(self.folder / "server")
        server.start()
        try:
            yield replace(self, server=server)
        finally:
            if server.process is not None:
                server.kill()

    @contextlib.contextmanager
    def agent(
        self, sweep: str, project: str, *, logged_in: bool = False
    ) -> Iterator[subprocess.Popen[bytes]]:
        """`wandb agent` in a session of its own; whatever it started is gone afterwards.

        `logged_in`: it knows the server by `wandb login` only.
        """
        environment = self.environment
        if logged_in:
            environment = {**environment, "PYTHONPATH": str(ROOT / "src")}
            del environment["WANDB_BASE_URL"]
            if not self.version.startswith(
                "0.19"
            ):  # which does not find the key that it wrote for a port
                del environment["WANDB_API_KEY"]
        with (self.folder / "agent.log").open("ab") as log:
            process = subprocess.Popen(
                self.command("-m", "wandb", "agent", f"local/{project}/{sweep}"),
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def logged(self, run: str) -> list[int]:
        """The steps that the program says it logged."""
        return [int(line) for line in (self.folder / f"logged-{run}.txt").read_text().split()]


def missing(version: str) -> str:
    """Why this version cannot be tried here; "" where it can."""
    python = environment(version) / "bin" / "python"
    if not python.exists():
        return f"there is no environment with wandb {version}: `make test` builds it"
    return ""
