"""A server inside the test's own process: over a real socket, or with no socket at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from swept.client import Client
from swept.clock import Clock
from swept.engine import Engine
from swept.server.app import create_app
from swept.server.context import Context, Settings
from swept.store.base import LEASE_SECONDS, Store
from swept.think import InlineThinker, Thinker

KEY = "local-" + "0123456789" * 4
MEMORY_URL = "http://127.0.0.1"
DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """The app with all that is behind it; `url` leads to it through `transport` (None: a real socket)."""

    app: FastAPI
    engine: Engine
    url: str
    transport: httpx.BaseTransport | None = field(default=None)

    @property
    def context(self) -> Context:
        context = self.app.state.context
        assert isinstance(context, Context)
        return context

    @property
    def store(self) -> Store:
        return self.engine.store

    def client(self, key: str = KEY) -> Client:
        return Client(self.url, key, self.transport, retries=0)

    def http(self) -> httpx.Client:
        """For requests that our client would never send."""
        return httpx.Client(base_url=self.url, transport=self.transport, trust_env=False)


class AppTransport(httpx.BaseTransport):
    """Hands requests to an ASGI app in memory. Answers come whole: no streams without an end."""

    def __init__(self, app: FastAPI) -> None:
        # An exception's answer is wanted, as a client over a socket gets it.
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._handle(request))

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        whole = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        answer = await self._inner.handle_async_request(whole)
        # Raw, as the headers say it is: whoever reads the answer decodes it.
        content = b"".join([part async for part in answer.aiter_raw()])
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


def in_memory(
    store: Store,
    clock: Clock,
    files: Path,
    *,
    think: Thinker | None = None,
    lease_seconds: float = LEASE_SECONDS,
    open_reading: bool = True,
    max_body: int = 1 << 26,
    key: str = KEY,
) -> Served:
    """No socket, no thread of its own: for most tests."""
    engine = Engine(store, clock, think or InlineThinker(), lease_seconds=lease_seconds)
    engine.start()
    settings = Settings(
        key=key,
        files=files,
        home="home",
        boot="boot",
        url=MEMORY_URL,
        open_reading=open_reading,
        max_body=max_body,
        keep_alive_seconds=0.2,
    )
    app = create_app(store, engine, settings)
    return Served(app, engine, MEMORY_URL, AppTransport(app))


@contextmanager
def over_http(served: Served) -> Iterator[Served]:
    """The same app behind a real socket on loopback, served by a thread."""
    config = uvicorn.Config(
        served.app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        if not server.ready.wait(DEADLINE_SECONDS):
            raise TimeoutError("the server did not start")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(served.app, served.engine, f"http://127.0.0.1:{port}")
    finally:
        served.context.stop()
        server.should_exit = True
        thread.join(DEADLINE_SECONDS)


class _Server(uvicorn.Server):
    """uvicorn's, which says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup()
        self.ready.set()
