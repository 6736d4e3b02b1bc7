"""What the server's parts share: the store, the engine, the settings, and who wants to hear of changes."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from swept.clock import Clock
from swept.engine import Engine
from swept.server.locks import SharedLock
from swept.server.session import Links
from swept.store.base import Store

MEBI = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """What is fixed for one life of the server. `home` and `boot` go into the handshake."""

    key: str
    files: Path
    home: str = ""
    boot: str = ""
    url: str = ""
    store_name: str = ""
    pid: int = 0
    started: float = 0.0
    open_reading: bool = True  # bound to loopback: reading needs no key
    max_body: int = 64 * MEBI  # the W&B client posts up to 10 MB at once
    max_file: int = 1 << 40
    keep_alive_seconds: float = 15.0


class Bell:
    """Wakes coroutines that wait for a change; rung from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung = 0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def count(self) -> int:
        """Take it before looking, and hand it to `wait`: a ring in between is not missed."""
        return self._rung

    @property
    def waiting(self) -> int:
        """How many coroutines wait now."""
        return len(self._waiting)

    def ring(self) -> None:
        with self._lock:
            self._rung += 1
            for loop, event in self._waiting:
                loop.call_soon_threadsafe(event.set)

    async def wait(self, count: int, seconds: float) -> None:
        """Until the bell has been rung since `count`, or for `seconds`."""
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._lock:
            if self._rung != count:
                return
            self._waiting.add(waiter)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(waiter)


@dataclass(slots=True)
class Context:
    """`news` rings at every change, `work` at those that may make a run claimable, `orders` where something else may
    be wanted of a run. `unknown` counts what W&B's clients asked for that is not served."""

    store: Store
    engine: Engine
    clock: Clock
    settings: Settings
    news: Bell = field(default_factory=Bell)
    work: Bell = field(default_factory=Bell)
    orders: Bell = field(default_factory=Bell)
    unknown: Counter[str] = field(default_factory=Counter)
    stopping: threading.Event = field(default_factory=threading.Event)
    collecting: SharedLock = field(default_factory=SharedLock)  # see `contents`
    links: Links = field(default_factory=Links)  # that log a browser in
    listeners: int = 0  # open event streams: pages, terminals
    last_request: float = 0.0

    def __post_init__(self) -> None:
        self.engine.on_order = self.orders.ring

    @property
    def key(self) -> str:
        return self.settings.key

    @property
    def files(self) -> Path:
        return self.settings.files

    def stop(self) -> None:
        """Long polls and event streams end, so that the server can."""
        self.stopping.set()
        self.news.ring()
        self.work.ring()
        self.orders.ring()
