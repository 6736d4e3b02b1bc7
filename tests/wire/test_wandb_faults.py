"""What goes wrong between the real client and the server: afterwards everything is there, once, and exact."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.postgres import Postgres, binaries, wanted_binaries
from tests.wire.faulty import (
    GRAPHQL,
    STREAM,
    UPLOAD,
    Answer,
    Cut,
    Fault,
    HalfAnswer,
    Lost,
    Proxy,
    Reset,
    Silent,
    Slow,
)
from tests.wire.harness import KEY, PATIENCE, Client, Server, until

pytestmark = [pytest.mark.slow]

PROJECT = "faults"
QUICK = {
    "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "0.3",
    "WANDB_X_FILE_STREAM_RETRY_WAIT_MIN_SECONDS": "0.2",
    "WANDB_X_FILE_STREAM_RETRY_WAIT_MAX_SECONDS": "1",
    "WANDB_X_FILE_STREAM_RETRY_MAX": "300",
    "WANDB_X_FILE_STREAM_TIMEOUT_SECONDS": "4",
    "WANDB_X_FILE_TRANSFER_RETRY_WAIT_MIN_SECONDS": "0.2",
    "WANDB_X_FILE_TRANSFER_RETRY_WAIT_MAX_SECONDS": "1",
    "WANDB_X_FILE_TRANSFER_RETRY_MAX": "300",
    "WANDB_X_GRAPHQL_RETRY_WAIT_MIN_SECONDS": "0.2",
}
"""The client tries again sooner than by itself, and more often: twenty tries of a second would be over before a server
on a busy machine has started, and a file would be given up."""


# -- a run, and what must be left of it -----------------------------------------------------------


class Script:
    """`fault_log.py` as a process that tells where it is and can be held there."""

    def __init__(self, client: Client, rows: int, pause: float, keys: int = 0) -> None:
        self.client = client
        self.rows, self.pause, self.keys = rows, pause, keys
        self._process: subprocess.Popen[bytes] | None = None

    def hold(self, word: str) -> None:
        (self.client.folder / f"hold-{word}").touch()

    def go_on(self, word: str) -> None:
        (self.client.folder / f"hold-{word}").unlink()

    def is_at(self, word: str) -> bool:
        ended = self._process is not None and self._process.poll() is not None
        there = (self.client.folder / f"at-{word}").exists()
        assert there or not ended, self.printed()
        return there

    def reaches(self, word: str) -> None:
        until(lambda: self.is_at(word), f"script at `{word}`")

    def printed(self) -> str:
        return (self.client.folder / "script.log").read_text()

    @contextlib.contextmanager
    def started(self, url: str = "", **environment: str) -> Iterator[Script]:
        arguments = [str(self.rows), str(self.pause), str(self.keys)]
        variables = {**self.client.environment, **QUICK, **environment}
        if url:
            variables["WANDB_BASE_URL"] = url
        with (self.client.folder / "script.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.client.command("fault_log.py", *arguments),
                cwd=self.client.folder,
                env=variables,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        try:
            yield self
        finally:
            self._process.kill()
            self._process.wait()

    def ends_well(self) -> None:
        """Exit code 0, and all that it logged, printed and saved is at the server, once."""
        assert self._process is not None
        code = self._process.wait(timeout=PATIENCE)
        assert code == 0, self.printed()
        server, run = self.client.server, (self.client.folder / "run-id").read_text()
        whole(server, run, self.rows, self.keys)


def whole(server: Server, run: str, rows: int, keys: int = 0) -> None:
    names = ["loss", "odd", *(f"m{key}" for key in range(keys))]
    seen = server.rows(run)
    assert [row["step"] for row in seen] == list(range(rows))
    for row in seen:
        metrics = {name: row["metrics"][name] for name in names}
        assert metrics == {name: expected(row["step"], name) for name in names}
    told = server.get(f"/api/runs/{run}")
    assert (told["state"], len(told["attempts"])) == ("finished", 1)
    assert told["summary"]["verdict"] == "fine"
    assert told["summary"]["loss"] == 1.0 / rows
    lines = [line["text"] for line in server.get(f"/api/runs/{run}/console")["lines"]]
    printed = [line for line in lines if line.startswith("line ")]
    assert printed == [f"line {step}" for step in range(min(rows, 200))]
    files = {file["name"] for file in server.get(f"/api/runs/{run}/files")}
    assert {"model.txt", "config.yaml", "wandb-metadata.json", "wandb-summary.json"} <= files
    saved = httpx.get(
        f"{server.url}/files/local/{PROJECT}/{run}/model.txt", auth=("api", KEY), timeout=60
    )
    assert saved.text == "weights" * 1000


def expected(step: int, name: str) -> Any:
    if name == "loss":
        return 1.0 / (step + 1)
    if name == "odd":
        return (1.0, "NaN", "Infinity", "-Infinity")[step % 4]
    return step + int(name[1:]) / 7


# -- scenarios ------------------------------------------------------------------------------------


def faulty(client: Client, faults: Mapping[str, list[Fault]], rows: int = 60) -> Proxy:
    """A run whose client speaks through a proxy, until every fault has happened."""
    assert client.server.process is not None
    with Proxy(client.server.port, faults).open() as proxy:
        script = Script(client, rows, 0.05)
        script.hold("finish")
        with script.started(proxy.url) as running:
            running.reaches("finish")
            until(lambda: proxy.left <= len(faults.get(UPLOAD, [])), "all faults")
            running.go_on("finish")
            running.ends_well()
    assert proxy.left == 0, proxy.met
    return proxy


def refused(client: Client) -> Proxy:
    """5xx and 429, at each of the doors."""
    stream: list[Fault] = [Answer(503), Answer(500), Answer(429), Answer(502), Answer(504)]
    return faulty(client, {STREAM: stream, GRAPHQL: [Answer(503)], UPLOAD: [Answer(500)]})


def broken(client: Client) -> Proxy:
    """Connections that break: before, in the middle, and after the server has done what was asked."""
    stream: list[Fault] = [Reset(), Cut(), Lost(), HalfAnswer(), Lost(), Lost(), Cut(), Slow(1.0)]
    return faulty(client, {STREAM: stream, GRAPHQL: [Lost()], UPLOAD: [Lost(), Cut()]})


def silent(client: Client) -> Proxy:
    """A server that accepts and never answers: the client's time-out; one that takes its time."""
    return faulty(client, {STREAM: [Silent(), Slow(3.0)]})


def killed(client: Client) -> Server:
    """The server is away during init, killed in mid-run, ended with SIGTERM, and killed during finish."""
    with client.on_its_own_server() as own:
        script = Script(own, 40, 0.05)
        for word in ("init", "middle", "finish"):
            script.hold(word)
        with script.started() as running:
            running.reaches("init")
            own.server.kill()
            running.go_on("init")
            until(
                lambda: "retrying" in running.printed() or waits_for_init(own),
                "init that waits",
            )
            own.server.start()
            running.reaches("middle")
            running.go_on("middle")
            own.server.kill()
            own.server.start()
            running.reaches("finish")
            own.server.end()
            own.server.start()
            own.server.kill()
            running.go_on("finish")
            own.server.start()
            running.ends_well()
        return own.server


def waits_for_init(client: Client) -> bool:
    """Its process for the network runs, so that the server is being asked for the run."""
    return any((client.folder / "wandb").glob("run-*/logs/debug*.log"))


def no_room(client: Client) -> str:
    """The server's disk is full (its files may not grow), later another process holds SQLite's lock."""
    with client.on_its_own_server() as own, Proxy(own.server.port, {}).open() as proxy:
        script = Script(own, 60, 0.05)
        script.hold("middle")
        script.hold("finish")
        with script.started(proxy.url) as running:
            running.reaches("middle")
            with full_disk(own.server):
                running.go_on("middle")
                until(lambda: "disk" in server_log(own.server), "server without room")
            running.reaches("finish")
            with locked(own.server.folder / "swept.db"):
                running.go_on("finish")
                until(lambda: proxy.asking, "post that waits for the lock")
            running.ends_well()
        return server_log(own.server)


def server_log(server: Server) -> str:
    return "\n".join(path.read_text() for path in server.folder.glob("*log") if path.is_file())


@contextlib.contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """Its files may not grow."""
    assert server.process is not None
    pid, free = server.process.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, free))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (free, free))


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    holder = sqlite3.connect(database, isolation_level=None, timeout=30)
    try:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
    finally:
        holder.close()


def database_gone(client: Client) -> str:
    """PostgreSQL dies under the server and is started again."""
    programs = binaries()
    if programs is None:
        return ""
    database = Postgres(programs)
    try:
        database.start()
        store = ("--store", database.url.replace("+psycopg", ""))
        server = Server(client.folder / "server", options=store)
        server.start()
        try:
            script = Script(replace(client, server=server), 60, 0.05)
            script.hold("middle")
            with script.started() as running:
                running.reaches("middle")
                database.kill()
                running.go_on("middle")
                until(lambda: "put off" in server_log(server), "server without its database")
                database.start()
                running.ends_well()
        finally:
            server.kill()
        return server_log(server)
    finally:
        database.remove()


def large(client: Client) -> dict[str, int]:
    return largest(client)


def packed(client: Client) -> dict[str, int]:
    return largest(client, WANDB_X_FILE_STREAM_NO_GZIP="false")


def largest(client: Client, **environment: str) -> dict[str, int]:
    """The largest post of a run that logs more than one post holds, by its encoding."""
    assert client.server.process is not None
    interval = {"WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "30"}
    script = Script(client, 2_500, 0.0, keys=40)
    proxy = Proxy(client.server.port, {})
    with proxy.open(), script.started(proxy.url, **environment, **interval) as running:
        running.ends_well()
    return dict(sorted(proxy.sizes))


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


# -- what must be true ----------------------------------------------------------------------------


@pytest.mark.feature("Faults", "5xx and 429 answers")
@plays(refused)
def test_answers_of_5xx_and_429_lose_nothing(told: Proxy) -> None:
    assert len(told.met) == 7


@pytest.mark.feature("Faults", "connections that break, answers that get lost")
@plays(broken)
def test_broken_connections_and_lost_answers_lose_and_double_nothing(told: Proxy) -> None:
    assert len(told.met) == 11


@pytest.mark.feature("Faults", "a server that does not answer, or slowly")
@plays(silent)
def test_silence_loses_nothing(told: Proxy) -> None:
    assert len(told.met) == 2


@pytest.mark.feature("Faults", "server killed during init, the run, and finish")
@plays(killed)
def test_a_server_killed_at_any_time_loses_nothing(told: Server) -> None:
    assert told.process is None


@pytest.mark.feature("Faults", "disk full, store locked by another process")
@plays(no_room)
def test_a_full_disk_and_a_locked_store_lose_nothing(told: str) -> None:
    assert "a W&B request was put off" in told


@pytest.mark.feature("Faults", "PostgreSQL killed and started again")
@pytest.mark.parametrize("version", ["0.31.0"])
@plays(database_gone)
def test_a_database_that_dies_loses_nothing(told: str) -> None:
    wanted_binaries()
    assert "the database does not answer" in told


@pytest.mark.feature("Faults", "posts of several MB")
@plays(large)
def test_large_posts_are_exact(told: dict[str, int]) -> None:
    assert told[""] > 1_000_000


@pytest.mark.feature("Faults", "compressed posts")
@pytest.mark.client_bug("0.26.1 0.23.1 0.19.11", "it does not compress")
@plays(packed)
def test_compressed_posts_are_exact(told: dict[str, int]) -> None:
    assert told["gzip"] > 200_000
