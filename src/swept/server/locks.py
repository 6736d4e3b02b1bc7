"""Locks that keep apart only what must not meet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

STRIPES = 64


class Stripes:
    """A lock for each name, of which some share one: their number does not grow. Never hold two at once."""

    def __init__(self) -> None:
        self._locks = tuple(threading.Lock() for _ in range(STRIPES))

    def of(self, name: str | int) -> threading.Lock:
        return self._locks[hash(name) % STRIPES]


class SharedLock:
    """Many hold it at once, or one alone; whoever waits to be alone goes before those who come after."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharing = 0
        self._waiting = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._waiting)
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not self._alone and not self._sharing)
            self._waiting -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
