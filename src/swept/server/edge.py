"""The outermost layer, plain ASGI: limits bodies, notes when somebody asked, rings the bells after a write."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from swept.server.answers import failure
from swept.server.context import Context

_UPLOAD = re.compile(r"/(files|artifacts)/")
_REPORT = re.compile(r"/(reports|console|system|heartbeat|file_stream)$|/(files|artifacts)/")
_STREAM = "/file_stream"
"""Of W&B's client, which takes one answer of 4xx there as the end of the run's upload."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Edge:
    app: ASGIApp
    context: Context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context, path = self.context, scope["path"]
        context.last_request = context.clock.now()
        upload = scope["method"] == "PUT" and _UPLOAD.search(path)
        limit = context.settings.max_file if upload else context.settings.max_body
        if _declared(scope) > limit:
            status = 503 if path.endswith(_STREAM) else 413
            await failure(status, "UsageError", *_too_large(limit))(scope, receive, send)
            return
        await self.app(scope, _limited(receive, limit, path), send)
        if scope["method"] not in _SAFE:
            context.news.ring()
            if not _REPORT.search(path):
                context.work.ring()


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _limited(receive: Receive, limit: int, path: str) -> Receive:
    """`receive`, until more than `limit` bytes have come without having been declared."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            status = 503 if path.endswith(_STREAM) else 413
            raise HTTPException(status, ": ".join(_too_large(limit)))
        return message

    return counted


def _too_large(limit: int) -> tuple[str, str]:
    return f"the request is larger than {limit} bytes", "send it in several parts"
