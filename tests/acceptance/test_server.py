"""The server as a process, and its streams over a real socket."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine, event

from swept import home as homes
from swept.client import Client, Message
from swept.connect import connect, connect_home, running
from swept.errors import Conflict, ServerUnreachable, StoreError, UsageError
from swept.home import Home
from swept.server.context import Context
from swept.server.lifecycle import AHEAD, Plan, needed, plan_from_environment, ports, serve, tick
from swept.store.base import Store
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import KEY, Served, in_memory, over_http
from swept.wire.agents import ClaimAnswer, Claimed, ClaimRequest
from swept.wire.reports import Completion, Report

SWEEP = """
method: random
program: train.py
metric: {name: loss, goal: minimize}
run_cap: 4
parameters: {lr: {min: 0.001, max: 0.1}}
"""
DEADLINE = 240.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    yield opened
    opened.close()


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Iterator[Served]:
    with over_http(in_memory(store, FakeClock(), tmp_path / "files")) as over:
        yield over


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A folder whose server, if a test starts one, is gone at the end."""
    for name in ("SWEPT_HOME", "SWEPT_URL", "SWEPT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    source = Path(homes.__file__).parent.parent
    monkeypatch.setenv("PYTHONPATH", str(source))
    made = homes.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield made
    for process in servers_of(made):
        process.kill()
        with contextlib.suppress(psutil.Error):
            process.wait(DEADLINE)


def servers_of(home: Home) -> list[psutil.Process]:
    """Every process that serves this folder, by its environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            ours = process.environ().get("SWEPT_HOME") == str(home.path)
            if ours and "server" in process.cmdline():
                found.append(process)
    return found


def answers(home: Home) -> bool:
    client = running(home)
    if client is not None:
        client.close()
    return client is not None


def eventually(what: Any, seconds: float = DEADLINE) -> None:
    """Wait until `what()` is true."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.02)


def swept(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "swept", *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        env={**os.environ, **(env or {})},
    )


def create(client: Client) -> str:
    return client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]


def claim(client: Client, sweep: str, request: str = "r", wait: float = 0.0) -> ClaimAnswer:
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
    body: ClaimRequest = {"agent": agent, "host": "one", "request": request, "wait": wait}
    return client.claim(sweep, body)


def claimed(client: Client, sweep: str, request: str = "r") -> Claimed:
    answer = claim(client, sweep, request)["claimed"]
    assert answer is not None
    return answer


def report(client: Client, taken: Claimed, *steps: int) -> int:
    reports: list[Report] = [
        {"seq": step, "type": "log", "time": 0.0, "step": step, "metrics": {"loss": 1.0 / step}}
        for step in steps
    ]
    answer = client.reports(taken["run"], {"lease": taken["lease"], "reports": reports})
    return answer["acknowledged"]


def finish(client: Client, taken: Claimed) -> str:
    body: Completion = {
        "lease": taken["lease"],
        "outcome": "finished",
        "exit_code": 0,
        "signal": None,
        "reason": "",
        "tail": [],
    }
    return client.complete(taken["run"], body)["state"]


# -- found or started -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_server_is_started_again_and_nothing_acknowledged_is_lost(home: Home) -> None:
    with connect(home.path.parent) as client:
        sweep = create(client)
        taken = claimed(client, sweep)
        assert report(client, taken, 1, 2) == 2
        pid = client.handshake()["pid"]
        server = psutil.Process(pid)
        server.kill()
        server.wait(DEADLINE)
        with connect(home.path.parent) as again:
            assert again.url == client.url
            assert again.handshake()["pid"] != pid
        # The old client goes on: same address, same key, same lease.
        assert report(client, taken, 2, 3) == 3
        assert [row["step"] for row in client.history(taken["run"])] == [1, 2, 3]
        assert finish(client, taken) == "finished"
        assert len(client.sweep(sweep)["runs"]) == 1


@pytest.mark.slow
def test_starters_at_once_end_with_one_server(home: Home) -> None:
    found: Queue[int] = Queue()

    def start() -> None:
        with connect_home(home) as client:
            found.put(client.handshake()["pid"])

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert found.qsize() == 3
    assert len({found.get() for _ in range(3)}) == 1
    eventually(lambda: len(servers_of(home)) == 1)


@pytest.mark.slow
def test_the_commands_of_the_server(home: Home) -> None:
    assert swept("server", "status").returncode == 1
    env = swept("env")
    assert env.returncode == 0, env.stderr
    address = re.fullmatch(
        r"export WANDB_BASE_URL=(\S+)\nexport WANDB_API_KEY=(\S+)\n"
        r"export WANDB_ERROR_REPORTING=false\n",
        env.stdout,
    )
    assert address is not None
    assert address[2] == home.key()
    assert home.keep_until() > time.time() + 23 * 3600
    status = swept("server", "status")
    assert (status.returncode, address[1] in status.stdout) == (0, True)
    second = swept("server")
    assert second.returncode == 1
    assert "already serves" in second.stderr
    assert "hint:" in second.stderr
    assert swept("server", "stop").returncode == 0
    assert not answers(home)
    assert swept("server", "stop").returncode == 0


@pytest.mark.slow
def test_a_taken_port_is_said_and_another_is_kept(home: Home) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        home.keep_port(taken)
        with connect_home(home) as client:
            port = home.port()
            assert client.url == f"http://127.0.0.1:{port}"
            assert port != taken
            assert f"the port was {taken} and is {port}" in home.log.read_text()
        refused = swept("server", "--port", str(taken), env={"SWEPT_HOME": str(home.path / "b")})
    assert refused.returncode == 2
    assert f"127.0.0.1:{taken}" in refused.stderr


@pytest.mark.slow
def test_a_store_elsewhere_is_used_by_the_next_server_too(home: Home, tmp_path: Path) -> None:
    """A foreground server on a store of its own is killed; a command starts the server: it has the same sweeps."""
    server = subprocess.Popen(
        [sys.executable, "-m", "swept", "server", "--store", "sqlite:///else.db"],
        env={**os.environ, "SWEPT_HOME": str(home.path)},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: answers(home))
    with connect_home(home) as client:
        sweep = create(client)
    server.kill()
    _, said = server.communicate(timeout=DEADLINE)
    assert f"the store of {home.path} is sqlite:///{tmp_path}/else.db from now on" in said
    with connect_home(home) as client:
        assert client.sweep(sweep)["id"] == sweep
        assert client.status()["store"] == f"sqlite:///{tmp_path}/else.db"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_times_that_are_none_are_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("SWEPT_LEASE_SECONDS", seconds)
    with pytest.raises(UsageError, match="SWEPT_LEASE_SECONDS"):
        plan_from_environment("127.0.0.1", None, "", detached=False)


def test_what_keeps_a_server_from_starting_reaches_the_person(home: Home) -> None:
    (home.path / "swept.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(ServerUnreachable, match="could not start") as caught:
        connect_home(home)
    assert "swept.db" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_pipe_that_reads_what_starts_a_detached_server_ends_before_the_server(home: Home) -> None:
    """As in `$(swept server --detached 2>&1)`: its end is that of both streams."""
    done = swept("server", "--detached", env={"SWEPT_HOME": str(home.path)})
    assert (done.returncode, done.stderr) == (0, "")
    eventually(lambda: answers(home))
    assert psutil.Process(int(done.stdout)).is_running()


def test_a_detached_server_starts_where_its_input_was_closed(home: Home) -> None:
    started = subprocess.run(
        ["sh", "-c", 'exec "$0" -m swept server --detached <&-', sys.executable],
        env={**os.environ, "SWEPT_HOME": str(home.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=DEADLINE,
    )
    eventually(lambda: answers(home))
    server = psutil.Process(int(started.stdout))
    folder = Path(f"/proc/{server.pid}/fd")
    if folder.exists():
        assert [os.readlink(folder / str(number)) for number in range(3)] == [
            os.devnull,
            *[str(home.log.resolve())] * 2,
        ]


@pytest.mark.slow
def test_a_detached_server_ends_when_nobody_needs_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEPT_IDLE_SECONDS", "5")
    connect_home(home).close()
    eventually(lambda: home.server() is None)
    eventually(lambda: not servers_of(home))
    assert "nobody needs this server" in home.log.read_text()


def test_a_start_that_took_longer_than_the_idle_time_is_not_the_end(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    class Starting(FakeClock):
        """An hour passes before each look at it while the server starts; then none, until the third one."""

        started, looks, needed = False, 0, False

        def now(self) -> float:
            self.looks += self.started
            if self.looks == 3:
                self.needed = not caplog.records
            if not self.started or self.looks == 3:
                self.advance(3600.0)
            return super().now()

    def say(text: str) -> None:
        clock.started |= "serves" in text

    clock = Starting()
    serve(home, Plan(detached=True, lease_seconds=0.1, idle_seconds=60.0), say, clock)
    assert clock.needed
    assert "nobody needs this server" in caplog.text


@pytest.mark.slow
def test_a_team_server_in_the_foreground_ends_by_ctrl_c(home: Home) -> None:
    command = [sys.executable, "-m", "swept", "server", "--host", "0.0.0.0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: answers(home))
        client = running(home)
        assert client is not None
        with client, Client(client.url, "") as stranger:
            assert client.sweeps() == []
            with pytest.raises(Exception, match="API key"):
                stranger.sweeps()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=DEADLINE)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert home.server() is None


def test_an_environment_that_names_a_server_beats_the_folder(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEPT_URL", served.url)
    monkeypatch.setenv("SWEPT_API_KEY", KEY)
    with connect(tmp_path / "nowhere") as client:
        create(client)
    assert not (tmp_path / "nowhere").exists()


def test_a_record_of_a_server_that_is_gone_or_of_another_folder_is_not_believed(
    served: Served, home: Home
) -> None:
    assert not answers(home)
    record = homes.ServerRecord("host", "boot", 1, 0.0, "0.1", served.url)
    home.keep_server(record)
    assert not answers(home)  # that server says it serves another folder
    with pytest.raises(ServerUnreachable, match="does not run"):
        connect_home(home, start_server=False)


def test_one_folder_has_one_server(home: Home) -> None:
    """The lock is held by a process that does not answer: said after a while, nothing opened twice."""
    import fcntl

    with home.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="already serves"):
            serve(home, Plan(), lambda _: None, FakeClock())
    assert not (home.path / "swept.db").exists()


def test_a_store_that_cannot_be_opened_frees_lock_and_port(home: Home) -> None:
    (home.path / "swept.db").write_bytes(b"this is no database" * 1000)
    for _ in range(2):
        with pytest.raises(StoreError):
            serve(home, Plan(), lambda _: None, FakeClock())


def test_ports_are_spread_by_folder() -> None:
    one, two = ports("0123456789abcdef"), ports("fedcba9876543210")
    assert one != two
    assert len(set(one)) == len(one)
    assert all(20_000 <= port < 30_000 for port in (*one, *two))


# -- idle -----------------------------------------------------------------------------------------


def test_who_needs_the_server(store: Store, tmp_path: Path) -> None:
    clock = FakeClock()
    served = in_memory(store, clock, tmp_path / "files")
    context: Context = served.context
    with served.client() as client:
        sweep = create(client)
        assert needed(context, 3600.0, 0.0)
        clock.advance(3601.0)
        assert not needed(context, 3600.0, 0.0)
        assert needed(context, 3600.0, clock.now() + 1.0)  # `swept env`
        context.listeners = 1
        assert needed(context, 3600.0, 0.0)
        context.listeners = 0
        claimed(client, sweep)
        context.last_request = 0.0
        assert needed(context, 3600.0, 0.0)  # a lease
        clock.advance(61.0)
        assert not needed(context, 3600.0, 0.0)


# -- waiting --------------------------------------------------------------------------------------


def test_a_claim_that_waits_gets_its_run_as_soon_as_there_is_one(served: Served) -> None:
    answers: Queue[ClaimAnswer] = Queue()
    with served.client() as client, served.client() as person:
        sweep = create(client)
        client.set_state(sweep, "paused")
        waiting = threading.Thread(
            target=lambda: answers.put(claim(client, sweep, "waiting", wait=30.0))
        )
        waiting.start()
        eventually(lambda: served.context.work.waiting == 1)
        person.set_state(sweep, "running")
        assert answers.get(timeout=DEADLINE)["status"] == "run"
        waiting.join(DEADLINE)


def test_many_claims_wait_without_holding_a_thread(served: Served) -> None:
    """More than the thread pool has threads: the server still answers."""
    answers: Queue[str] = Queue()
    with served.client() as client:
        sweep = create(client)
        client.set_state(sweep, "paused")

        def wait(number: int) -> None:
            with served.client() as one:
                answers.put(claim(one, sweep, f"r{number}", wait=30.0)["status"])

        threads = [threading.Thread(target=wait, args=(number,)) for number in range(60)]
        for thread in threads:
            thread.start()
        eventually(lambda: served.context.work.waiting == 60)
        assert client.sweep(sweep)["state"] == "paused"
        client.set_state(sweep, "finished")
        for thread in threads:
            thread.join(DEADLINE)
    assert [answers.get() for _ in range(60)] == ["done"] * 60


# -- events ---------------------------------------------------------------------------------------


def read(messages: Iterator[Message], count: int) -> list[Message]:
    """The first `count` messages after the hello."""
    found: list[Message] = []
    with contextlib.closing(messages) as stream:  # type: ignore[type-var]
        for message in stream:
            if message.type != "hello":
                found.append(message)
            if len(found) == count:
                return found
    raise AssertionError("the stream ended")


def test_a_stream_goes_on_where_it_was_left_without_a_gap(served: Served) -> None:
    with served.client() as client:
        sweep = create(client)
        taken = claimed(client, sweep)
        report(client, taken, 1, 2)
        before = read(client.events("0.0", sweep=sweep), 5)
        report(client, taken, 3, 4, 5)
        finish(client, taken)
        after = read(client.events(before[-1].id, sweep=sweep), 6)
        everything = read(client.events("0.0", sweep=sweep), 11)
    events = [m.data["number"] for m in everything if m.type == "event"]
    points = [m.data["step"] for m in everything if m.type == "point"]
    assert events == sorted(set(events))
    assert points == [1, 2, 3, 4, 5]
    seen = [(m.type, m.data.get("number", m.data.get("cursor"))) for m in [*before, *after]]
    whole = [(m.type, m.data.get("number", m.data.get("cursor"))) for m in everything]
    assert sorted(map(str, seen)) == sorted(map(str, whole))
    assert len(set(map(str, seen))) == len(seen)


def test_every_single_message_is_a_place_to_go_on_from(served: Served) -> None:
    with served.client() as client:
        sweep = create(client)
        taken = claimed(client, sweep)
        report(client, taken, 1, 2, 3)
        finish(client, taken)
        whole = read(client.events("0.0", sweep=sweep), 9)
        for number in range(8):
            rest = read(client.events(whole[number].id, sweep=sweep), 8 - number)
            assert [m.data for m in rest] == [m.data for m in whole[number + 1 :]]


def test_a_place_of_another_store_is_no_place(served: Served) -> None:
    """A page of a store that was thrown away comes back to the same port: it would wait for numbers long to come."""
    with served.client() as client:
        sweep = create(client)
        stream = client.events("999999.0")
        assert next(stream).id == "1.0"
        client.set_state(sweep, "paused")
        assert next(stream).type == "event"
        stream.close()  # type: ignore[attr-defined]


def test_a_stream_without_a_place_starts_now(served: Served) -> None:
    with served.client() as client:
        sweep = create(client)
        stream = client.events(sweep=sweep)
        assert next(stream).type == "hello"
        client.set_state(sweep, "paused", "lunch")
        message = next(stream)
        stream.close()  # type: ignore[attr-defined]
    assert (message.type, message.data["type"]) == ("event", "sweep.paused")


def test_numbers_that_json_lacks_come_through_a_stream(served: Served) -> None:
    with served.client() as client:
        sweep = create(client)
        taken = claimed(client, sweep)
        metrics = {"loss": float("nan")}
        bad: Report = {"seq": 1, "type": "log", "time": 0.0, "step": 1, "metrics": metrics}
        client.reports(taken["run"], {"lease": taken["lease"], "reports": [bad]})
        messages = read(client.events("0.0", run=taken["run"]), 3)
    (point,) = [message for message in messages if message.type == "point"]
    assert point.data["value"] != point.data["value"]


def test_names_with_odd_line_ends_do_not_break_a_stream(served: Served) -> None:
    odd = "a\u2028b\u0085c\nd"
    with served.client() as client:
        client.create_sweep({"text": SWEEP, "path": "", "mode": "create", "name": odd})
        (message,) = read(client.events("0.0"), 1)
    assert message.data["data"]["name"] == odd


def test_a_quiet_stream_says_that_it_lives(served: Served) -> None:
    clock = served.engine.clock
    with served.http() as http, http.stream("GET", "/api/events") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("id: ")
        clock.sleep(60.0)
        assert next(line for line in lines if line.startswith(":"))


def test_streams_end_with_the_server(served: Served) -> None:
    with served.client() as client:
        stream = client.events()
        next(stream)
        assert served.context.listeners == 1
        client.stop()
        with pytest.raises(ServerUnreachable, match="ended the stream"):
            next(stream)
    eventually(lambda: served.context.listeners == 0)


def test_a_server_that_still_reads_ahead_ends_at_once(home: Home) -> None:
    """However large the sweep is, or slow the database: what it reads waits here until the server is gone."""
    with contextlib.closing(open_store(home.store_url, identities=SeededIdentities(1))) as store:
        made = in_memory(store, FakeClock(), home.path / "files")
        with made.client() as client:
            claimed(client, create(client))
    reading, gone = threading.Event(), threading.Event()

    def heard(*_: Any) -> None:
        if threading.current_thread().name == AHEAD:
            reading.set()
            gone.wait(DEADLINE)

    event.listen(Engine, "before_cursor_execute", heard)
    usual = gc.get_threshold()
    server = threading.Thread(target=serve, args=(home, Plan(), lambda _: None), daemon=True)
    try:
        server.start()
        assert reading.wait(DEADLINE)
        eventually(lambda: answers(home))
        with connect_home(home) as client:
            client.stop()
        server.join(DEADLINE)
        assert not server.is_alive()
    finally:
        gone.set()
        event.remove(Engine, "before_cursor_execute", heard)
        gc.set_threshold(*usual)
    for thread in threading.enumerate():
        if thread.name == AHEAD:
            thread.join(DEADLINE)


def test_an_expired_lease_is_news(served: Served) -> None:
    clock = served.engine.clock
    assert isinstance(clock, FakeClock)
    with served.client() as client:
        sweep = create(client)
        tick(served.context)
        claimed(client, sweep)
        stream = client.events(sweep=sweep)
        next(stream)
        for _ in range(61):
            clock.advance(1.0)
            tick(served.context)
        message = next(stream)
        stream.close()  # type: ignore[attr-defined]
    assert message.data["data"]["after"] == "pending"
