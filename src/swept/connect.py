"""Find the server, or start it: `SWEPT_URL` beats the nearest `.swept/`.

A detached server belongs to no terminal and no agent: it has a session of its own, writes to `.swept/server.log`
and ends by itself when nobody needs it. Two processes that start one at once end with one (flock).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from swept.client import Client
from swept.clock import Clock, SystemClock
from swept.errors import NotFound, ServerUnreachable
from swept.home import FOLDER, Home, find, start_folder, unwritable
from swept.home import make as make_home
from swept.wire.server import PROTOCOL, Handshake

START_SECONDS = 60.0
"""How long a server may take to start: importing alone takes seconds on a busy machine with a cold disk."""
POLL_SECONDS = 0.05
LOG_TAIL_LINES = 15
LOG_BYTES = 5_000_000


def connect(
    start: Path | None = None,
    *,
    start_server: bool = True,
    make: bool = True,
    clock: Clock | None = None,
) -> Client:
    """A client of the server that `start` (a sweep file or a folder; default: the working folder) belongs to.

    `make`: a missing `.swept/` is made there. `start_server`: a server that does not run is started, detached.
    Raises NotFound (no `.swept/` and not `make`), ServerUnreachable, StoreError.
    """
    url = os.environ.get("SWEPT_URL")
    if url:
        client = Client(url, os.environ.get("SWEPT_API_KEY", ""))
        try:
            check_protocol(client.handshake(), url)
        except ServerUnreachable:
            client.close()
            raise
        return client
    return connect_home(home_of(start, make=make), start_server=start_server, clock=clock)


def home_of(start: Path | None = None, *, make: bool = True) -> Home:
    """The nearest `.swept/`; a missing one is made, or is NotFound."""
    folder = start_folder(start)
    home = find(folder)
    if home is not None:
        return home
    if make:
        return make_home(folder)
    raise NotFound(
        f"no {FOLDER}/ folder in {folder} or above it",
        hint="`swept launch FILE` makes one beside the sweep file; SWEPT_URL leads to a server elsewhere",
    )


def connect_home(
    home: Home,
    *,
    start_server: bool = True,
    clock: Clock | None = None,
    seconds: float = START_SECONDS,
) -> Client:
    """A client of the server of this very folder. Raises ServerUnreachable."""
    client = running(home)
    if client is not None:
        return client
    if not start_server:
        raise ServerUnreachable(
            f"the server of {home.path} does not run",
            hint="`swept server` starts it; so does every command that writes",
        )
    return _start(home, clock or SystemClock(), seconds)


def running(home: Home) -> Client | None:
    """A client of the server that serves this folder now, None if there is none."""
    record = home.server()
    if record is None:
        return None
    client = Client(record.url, home.key())
    try:
        answer = client.handshake()
    except ServerUnreachable:
        client.close()
        return None
    if answer["home"] != home.id():  # the port is now another folder's
        client.close()
        return None
    try:
        check_protocol(answer, record.url)
    except ServerUnreachable:
        client.close()
        raise
    return client


def check_protocol(answer: Handshake, url: str) -> None:
    """Raises ServerUnreachable where client and server are of releases that do not fit."""
    if answer["protocol"] != PROTOCOL:
        raise ServerUnreachable(
            f"the server at {url} is swept {answer['version']} and speaks protocol "
            f"{answer['protocol']}; this client speaks {PROTOCOL}",
            hint="`swept server stop` with its version, or install that version here",
        )


def _start(home: Home, clock: Clock, seconds: float) -> Client:
    mark = _log_size(home)
    if mark > LOG_BYTES:
        home.log.replace(home.log.with_suffix(".log.1"))
        mark = 0
    pid = _spawn(home)
    deadline = clock.monotonic() + seconds
    while True:
        alive = _alive(pid)
        client = running(home)
        if client is not None:
            return client
        if not alive or clock.monotonic() > deadline:
            raise _no_start(home, mark, alive, seconds)
        clock.sleep(POLL_SECONDS)


def _spawn(home: Home) -> int:
    """The detached server's pid: the command forks it, prints the pid and ends at once, so no zombie is left."""
    env = {
        key: value
        for key, value in os.environ.items()
        if key not in {"SWEPT_URL", "SWEPT_API_KEY", "SWEPT_RUN_ID", "SWEPT_LEASE"}
    }
    env["SWEPT_HOME"] = str(home.path)
    with _opened(home) as log:
        done = subprocess.run(
            [sys.executable, "-m", "swept", "server", "--detached"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
        )
    try:
        return int(done.stdout)
    except ValueError:
        return 0


def _opened(home: Home) -> IO[bytes]:
    """The log, to append to. Raises StoreError."""
    try:
        return home.log.open("ab")
    except OSError as error:
        raise unwritable(home.log, error) from error


def _log_size(home: Home) -> int:
    try:
        return home.log.stat().st_size
    except FileNotFoundError:
        return 0


def _alive(pid: int) -> bool:
    import psutil  # only here: a training that merely connects does not pay for it

    try:
        return pid > 0 and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _no_start(home: Home, mark: int, alive: bool, seconds: float) -> ServerUnreachable:
    """What went wrong, with what the server said since `mark` bytes of its log."""
    with home.log.open("rb") as log:
        log.seek(mark)
        said = log.read().decode(errors="replace").strip().splitlines()[-LOG_TAIL_LINES:]
    what = f"has not answered within {seconds:.0f} s" if alive else "could not start"
    tail = "".join(f"\n  {line}" for line in said)
    return ServerUnreachable(
        f"the server of {home.path} {what}{':' if said else ''}{tail}",
        hint=f"the whole log is {home.log}; `swept server` starts it in the foreground",
    )
