"""One server's life: the lock, the port, the store, serving, and the end.

One server a folder: it holds a lock (flock) from before it opens the store until it is gone. A detached one ends by
itself when nobody needs it; one in the foreground stays until it is told to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import gc
import logging
import math
import os
import re
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil
import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from swept import __version__
from swept.clock import Clock, SystemClock
from swept.connect import running
from swept.engine import Engine
from swept.errors import Conflict, SweptError, UsageError
from swept.home import Home, ServerRecord, unwritable
from swept.server.app import create_app, prepare
from swept.server.auth import LOOPBACK
from swept.server.board import Board
from swept.server.context import Context, Settings
from swept.server.packing import Packing
from swept.store.base import LEASE_SECONDS, WANDB_LEASE_SECONDS, Store
from swept.store.sql import open_store
from swept.think import WorkerThinker

HOST = "127.0.0.1"
IDLE_SECONDS = 3600.0
TICK_SECONDS = 1.0
FIRST_TICK_SECONDS = 10.0
"""The first tick reads whole sweeps, those whose last run may have ended with the server before. A page that waits for the
server's start is answered first; until then no lease can run out, because a start gives all a full period."""
LOCK_SECONDS = 60.0
FOREGROUND_LOCK_SECONDS = 5.0  # a server that was just told to end is still closing its store
GARBAGE = (50_000, 20, 50)
"""Objects until garbage is looked for. A page of ten thousand runs makes a great many at once and no cycle among them: with
Python's own 700, looking takes a sixth of the time of reading them."""

AHEAD = "swept-ahead"  # a thread

log = logging.getLogger("swept.server")


@dataclass(frozen=True, slots=True)
class Plan:
    """How to serve. `port` None: the folder's own. `store` "": the one it had, at first its SQLite file."""

    host: str = HOST
    port: int | None = None
    store: str = ""
    detached: bool = False
    lease_seconds: float = LEASE_SECONDS
    idle_seconds: float = IDLE_SECONDS
    wandb_lease_seconds: float = WANDB_LEASE_SECONDS
    watched: bool = False  # a person reads what is said: a link that logs in may be said too

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK


def plan_from_environment(host: str, port: int | None, store: str, *, detached: bool) -> Plan:
    """SWEPT_…_SECONDS shorten what takes long, for tests. Raises UsageError."""
    seconds = []
    for name, usual in (
        ("SWEPT_LEASE_SECONDS", LEASE_SECONDS),
        ("SWEPT_IDLE_SECONDS", IDLE_SECONDS),
        ("SWEPT_WANDB_LEASE_SECONDS", WANDB_LEASE_SECONDS),
    ):
        text = os.environ.get(name, "")
        try:
            seconds.append(float(text) if text else usual)
        except ValueError:
            seconds.append(math.nan)
        if not 0.0 < seconds[-1] < math.inf:
            raise UsageError(
                f"{name}={text!r} is no number of seconds", hint=f"unset it: {usual:g} is usual"
            )
    lease, idle, wandb = seconds
    return Plan(host, port, store, detached, lease, idle, wandb)


def serve(home: Home, plan: Plan, say: Callable[[str], None], clock: Clock | None = None) -> None:
    """Serve `home` until told to end, or idle. Raises Conflict (one runs already), StoreError, UsageError.

    A detached one that finds another just starting waits for it, and returns once that one answers.
    """
    clock = clock or SystemClock()
    gc.set_threshold(*GARBAGE)
    lock = _lock(home, clock, patient=plan.detached)
    if lock is None:
        return
    with lock, _bound(home, plan, say) as listener, _opened(home, plan, say) as store:
        _serve(home, plan, store, listener, say, clock)


def needed(context: Context, idle_seconds: float, keep_until: float) -> bool:
    """Whether anybody may still need the server: a lease, a listener, a request lately, `swept env`."""
    now = context.clock.now()
    return (
        context.listeners > 0
        or now - context.last_request < idle_seconds
        or now < keep_until
        or context.store.live_leases(now=now) > 0
    )


# -- lock, port, store ----------------------------------------------------------------------------


class _Held:
    """An open file with an exclusive lock; the lock goes with it, also by kill -9."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        os.close(self._number)


def _lock(home: Home, clock: Clock, *, patient: bool) -> _Held | None:
    """The lock, or None once another server of this folder answers (only when `patient`)."""
    try:
        number = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(home.lock, error) from error
    until = clock.monotonic() + (LOCK_SECONDS if patient else FOREGROUND_LOCK_SECONDS)
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _Held(number)
        except OSError:
            client = running(home)
            if client is not None:
                client.close()
                os.close(number)
                if patient:
                    return None
                raise _taken(home) from None
            if clock.monotonic() > until:
                os.close(number)
                raise _taken(home) from None
        clock.sleep(0.1)


def _taken(home: Home) -> Conflict:
    record = home.server()
    where = f" at {record.url} (pid {record.pid} on {record.host})" if record else ""
    return Conflict(
        f"a server already serves {home.path}{where}",
        hint="`swept server status` shows it, `swept server stop` ends it; from another machine use SWEPT_URL",
    )


@contextlib.contextmanager
def _bound(home: Home, plan: Plan, say: Callable[[str], None]) -> Iterator[socket.socket]:
    """A listening socket on the folder's port; where that is taken, on another, which is kept and said."""
    kept = home.port()
    listener = _first_free(home, plan, kept) if plan.port is None else _asked(plan.host, plan.port)
    port = int(listener.getsockname()[1])
    if kept is not None and port != kept:
        why = "another program has it" if plan.port is None else "as asked"
        say(
            f"the port was {kept} and is {port} from now on ({why}): bookmarks and `swept env` change"
        )
    with listener:
        yield listener


def ports(home_id: str) -> list[int]:
    """Where a folder's server looks for its port: spread by folder, below the range of outgoing connections."""
    start = int(home_id, 16)
    return [20_000 + (start + 7919 * k) % 10_000 for k in range(100)]


def _first_free(home: Home, plan: Plan, kept: int | None) -> socket.socket:
    for port in ([kept] if kept else []) + ports(home.id()):
        try:
            return _listen(plan.host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _cannot_listen(plan.host, port, error) from error
    return _asked(plan.host, 0)


def _asked(host: str, port: int) -> socket.socket:
    try:
        return _listen(host, port)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error


def _cannot_listen(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        f"cannot listen on {host}:{port}: {error.strerror or error}",
        hint="leave --port out and a free one is chosen; --host is an address of this machine",
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def _opened(home: Home, plan: Plan, say: Callable[[str], None]) -> Iterator[Store]:
    """The store that was asked for, which is kept and said; else the one that was kept."""
    kept = home.store_url
    used = _absolute(plan.store) if plan.store else kept
    store = open_store(used)
    try:
        home.keep_store(used)
        if used != kept:
            say(f"the store of {home.path} is {_without_password(used)} from now on")
        yield store
    finally:
        store.close()


def _absolute(url: str) -> str:
    """Whoever opens the store next may be in another folder."""
    path = url.removeprefix("sqlite:///")
    return url if path == url or not path else f"sqlite:///{Path(path).absolute()}"


# -- serving --------------------------------------------------------------------------------------


def _serve(
    home: Home,
    plan: Plan,
    store: Store,
    listener: socket.socket,
    say: Callable[[str], None],
    clock: Clock,
) -> None:
    think = WorkerThinker(clock=clock)
    engine = Engine(
        store,
        clock,
        think,
        lease_seconds=plan.lease_seconds,
        wandb_lease_seconds=plan.wandb_lease_seconds,
    )
    settings = _settings(home, plan, int(listener.getsockname()[1]), clock)
    app = create_app(store, engine, settings)
    context: Context = app.state.context
    try:
        think.warm()
        prepare(app)
        engine.start()
        context.last_request = clock.now()  # a slow start is not the time in which nobody asked
        home.keep_port(int(listener.getsockname()[1]))
        home.keep_server(_record(settings))
        say(f"swept {__version__} serves {home.path} at {settings.url}")
        if plan.watched:
            token = context.links.issue(clock.now())
            say(f"log a browser in (once, now): {settings.url}/login?token={token}")
        if not plan.loopback:
            say(
                f"reading needs the key too; it is in {home.path / 'key'}; a browser needs a link: `swept dashboard`"
            )
        asyncio.run(_life(app, context, home, plan, listener))
    finally:
        home.forget_server(settings.boot)
        think.close()


async def _life(
    app: FastAPI, context: Context, home: Home, plan: Plan, listener: socket.socket
) -> None:
    server = _Server(app, context)
    # Not of the pool, whose threads are waited for at the end.
    threading.Thread(
        target=_read_ahead, args=(app.state.board, context), name=AHEAD, daemon=True
    ).start()
    tasks = [
        asyncio.create_task(_tick(context, home, plan)),
        asyncio.create_task(_end_when_told(server, context)),
    ]
    try:
        await server.serve(sockets=[listener])
    finally:
        context.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _read_ahead(board: Board, context: Context) -> None:
    """While a browser is still starting. What goes wrong here is said again to whoever asks for it; a server that ends
    meanwhile closes the store under it."""
    try:
        board.ahead()
    except Exception as error:
        if context.stopping.is_set():
            return
        if isinstance(error, SweptError):
            log.warning("the newest sweep was not read ahead: %s", error)
        else:
            log.exception("the newest sweep was not read ahead")


async def _tick(context: Context, home: Home, plan: Plan) -> None:
    """About once a second: reap, write some curves down once more, and look whether to end."""
    quarter = min(plan.lease_seconds, plan.wandb_lease_seconds) / 4
    first = context.clock.monotonic() + min(FIRST_TICK_SECONDS, quarter)
    packing = Packing(context.store, context.clock)
    while True:
        try:
            if context.clock.monotonic() >= first:
                await run_in_threadpool(tick, context)
                await run_in_threadpool(packing.step)
            if plan.detached and not await run_in_threadpool(
                needed, context, plan.idle_seconds, home.keep_until()
            ):
                log.warning("nobody needs this server: it ends")
                context.stop()
        except SweptError as error:  # a full disk may have room again in a second
            log.error("%s", error)
        except Exception:
            log.exception("the server's tick failed")
        await asyncio.sleep(min(TICK_SECONDS, quarter))


def tick(context: Context) -> None:
    """The engine's tick; waiting requests hear of what it changed."""
    if context.engine.tick(context.clock.now()):
        context.news.ring()
        context.work.ring()


async def _end_when_told(server: _Server, context: Context) -> None:
    while not context.stopping.is_set():
        await context.news.wait(context.news.count(), TICK_SECONDS)
    server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn's, but signals end long polls and event streams too, and are not raised again behind our clean-up."""

    def __init__(self, app: FastAPI, context: Context) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            timeout_keep_alive=30,
            server_header=False,
        )
        super().__init__(config)
        self._context = context
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        # Not here: a bell's lock may be held by the very code that the signal interrupts.
        self._loop.call_soon_threadsafe(self._context.stop)


def _settings(home: Home, plan: Plan, port: int, clock: Clock) -> Settings:
    host = {"0.0.0.0": HOST, "::": "[::1]"}.get(plan.host, plan.host)
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return Settings(
        key=home.key(),
        files=home.files,
        home=home.id(),
        boot=secrets.token_hex(8),
        url=f"http://{host}:{port}",
        store_name=_without_password(plan.store or home.store_url),
        pid=os.getpid(),
        started=clock.now(),
        open_reading=plan.loopback,
    )


def _record(settings: Settings) -> ServerRecord:
    return ServerRecord(
        host=socket.gethostname(),
        boot=settings.boot,
        pid=settings.pid,
        started=psutil.Process().create_time(),
        version=__version__,
        url=settings.url,
    )


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)
