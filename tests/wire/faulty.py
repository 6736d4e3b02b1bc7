"""A proxy between client and server that misbehaves by a list: what happens to the next requests of a kind.

Every request takes the first fault of its kind's list, if one is left; afterwards all go through.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STREAM, GRAPHQL, UPLOAD, OTHER = "stream", "graphql", "upload", "other"
_PER_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True)
class Answer:
    """An answer of the proxy's own; the server hears nothing."""

    status: int


@dataclass(frozen=True)
class Silent:
    """No answer, for as long as the client waits; the server hears nothing."""


@dataclass(frozen=True)
class Lost:
    """The server does what was asked, and its answer gets lost: the client asks again."""


@dataclass(frozen=True)
class Cut:
    """Half of the body reaches the server, then both connections are cut."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset before anything is sent on."""


@dataclass(frozen=True)
class Slow:
    """The answer comes byte by byte, after `seconds`."""

    seconds: float = 0.0


@dataclass(frozen=True)
class HalfAnswer:
    """The answer breaks off in its middle."""


Fault = Answer | Silent | Lost | Cut | Reset | Slow | HalfAnswer


def kind_of(method: str, path: str) -> str:
    if path.endswith("/file_stream"):
        return STREAM
    if path.endswith("/graphql"):
        return GRAPHQL
    return UPLOAD if method == "PUT" else OTHER


@dataclass
class Proxy:
    """Listens on a port of its own while it is entered."""

    port: int  # the server's
    faults: Mapping[str, list[Fault]]
    met: list[tuple[str, Fault]] = field(default_factory=list)  # those that have happened
    asking: set[int] = field(
        default_factory=set
    )  # posts of the stream that the server has not answered
    sizes: list[tuple[str, int]] = field(
        default_factory=list
    )  # of the stream's bodies, with their encoding
    closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._left = {kind: deque(some) for kind, some in self.faults.items()}
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            site = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def left(self) -> int:
        """How many faults have not happened yet."""
        return sum(len(some) for some in self._left.values())

    def next(self, kind: str) -> Fault | None:
        with self._lock:
            waiting = self._left.get(kind)
            if not waiting:
                return None
            fault = waiting.popleft()
            self.met.append((kind, fault))
            return fault

    @contextlib.contextmanager
    def open(self) -> Iterator[Proxy]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request after the other on a client's connection."""

    site: Proxy
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _pass(self) -> None:
        fault = self.site.next(kind_of(self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if kind_of(self.command, self.path) == STREAM:
            self.site.sizes.append((self.headers.get("Content-Encoding") or "", len(body)))
        match fault:
            case Answer(status):
                self._send(status, {}, b'{"error": "so the proxy says"}')
            case Silent():
                self.site.closing.wait(120)
                self.close_connection = True
            case Reset():
                self._reset()
            case Cut():
                self._cut(body)
                self._reset()
            case Lost():
                self._ask(body)
                self._reset()
            case Slow(seconds):
                self.site.closing.wait(seconds)
                self._send(*self._ask(body), slowly=True)
            case HalfAnswer():
                self._half(*self._ask(body))
            case None:
                self._send(*self._ask(body))

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _pass

    def _ask(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        server = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        if kind_of(self.command, self.path) == STREAM:
            self.site.asking.add(id(server))
        try:
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _PER_HOP:
                    server.putheader(name, value)
            server.putheader("Content-Length", str(len(body)))
            server.endheaders(body)
            answer = server.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except OSError:
            return 502, {}, b"{}"  # as a reverse proxy says it while the server is away
        finally:
            self.site.asking.discard(id(server))
            server.close()

    def _cut(self, body: bytes) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        with socket.create_connection(("127.0.0.1", self.site.port)) as server:
            server.sendall(f"{self.command} {self.path} HTTP/1.1\r\n{head}\r\n".encode())
            server.sendall(body[: len(body) // 2])

    def _send(
        self, status: int, headers: Mapping[str, str], body: bytes, *, slowly: bool = False
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _PER_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        for at in range(len(body)) if slowly else ():
            self.wfile.write(body[at : at + 1])
            self.wfile.flush()
            self.site.closing.wait(0.005)
        if not slowly:
            self.wfile.write(body)

    def _half(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self._reset()

    def _reset(self) -> None:
        """SO_LINGER of no time: the other side sees a reset, not an end."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        pass
