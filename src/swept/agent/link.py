"""The agent's connection to its server, which it starts again where it is this machine's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypeVar

from swept.client import Client
from swept.clock import Clock
from swept.errors import ServerUnreachable, SweptError

P = ParamSpec("P")
T = TypeVar("T")

RECONNECT_SECONDS = 5.0


class Link:
    """`call(Client.beat, …)` calls a method of the client. Where there is no answer, the server of a local `.swept/` is started
    again (`reconnect`; None for a server elsewhere) before the error is passed on: the caller tries again later."""

    def __init__(
        self, client: Client, clock: Clock, reconnect: Callable[[], Client] | None = None
    ) -> None:
        self.client = client
        self._clock = clock
        self._reconnect = reconnect
        self._lock = threading.Lock()
        self._tried = -RECONNECT_SECONDS

    def call(
        self, method: Callable[Concatenate[Client, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            return method(self.client, *args, **kwargs)
        except ServerUnreachable:
            self._start_again()
            raise

    def _start_again(self) -> None:
        if self._reconnect is None or not self._lock.acquire(blocking=False):
            return
        try:
            if self._clock.monotonic() - self._tried >= RECONNECT_SECONDS:
                self._tried = self._clock.monotonic()
                with suppress(SweptError, OSError):
                    # The old client may be in use by another thread; it is dropped, not closed.
                    self.client = self._reconnect()
        finally:
            self._lock.release()
