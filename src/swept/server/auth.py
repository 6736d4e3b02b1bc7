"""Who may do what: the API key everything, an attempt's lease token what concerns its run.

Reading needs no key on loopback, but then only under a loopback name: a page elsewhere that has its own name
resolve to 127.0.0.1 must not read along. Everything else needs a key, as `Authorization: Bearer KEY`, or as W&B's
clients and browsers send it: Basic, user `api`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

from swept.errors import Unauthorized
from swept.server.context import Context

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HINT = (
    "the key is in the file `key` of the server's .swept/ folder; clients take it from SWEPT_API_KEY, "
    "W&B's from WANDB_API_KEY (`swept env` prints it)"
)


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks: the owner of the API key (`run` None), or one attempt; `live`: its lease still holds.

    `writer` names one of several W&B clients that write the same run (their shared mode); "" without.
    """

    run: str | None = None
    attempt: int = 0
    live: bool = True
    writer: str = ""


OWNER = Access()


def context_of(request: HTTPConnection) -> Context:
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


def authorize(context: Context, request: HTTPConnection) -> Access:
    """Raises Unauthorized without a key, or with one that this server never gave."""
    key = _key(request)
    if not key:
        raise Unauthorized("this needs the API key", hint=_HINT)
    if hmac.compare_digest(key.encode(), context.key.encode()):
        _check_origin(request)
        return Access(writer=_writer(request))
    found = context.store.lease_of(key)
    if found is None:
        raise Unauthorized("that is not this server's API key", hint=_HINT)
    return Access(*found, writer=_writer(request))


def _writer(request: HTTPConnection) -> str:
    """W&B's clients say in every request that they share their run; old and new ones name themselves otherwise."""
    headers = request.headers
    if headers.get("x-wandb-use-async-filestream") != "true":
        return ""
    name = headers.get("x-wandb-async-client-id") or headers.get("x-wandb-client-id") or ""
    return name[:64]


# The three below are FastAPI dependencies: a plain `def` runs in the thread pool, as the store may be asked.


def reading(request: Request) -> None:
    """The API key; an attempt's for its own run; on loopback, nothing."""
    context = context_of(request)
    if not _key(request) and context.settings.open_reading and request.url.hostname in LOOPBACK:
        return
    access = authorize(context, request)
    if access.run is not None and access.run != request.path_params.get("run"):
        raise Unauthorized("an attempt's key reads its own run only", hint=_HINT)


def writing(request: Request) -> None:
    """The API key."""
    if authorize(context_of(request), request).run is not None:
        raise Unauthorized("an attempt's key only reports for its own run", hint=_HINT)


def reporting(request: Request) -> None:
    """The API key, or that of an attempt at this very run."""
    access = authorize(context_of(request), request)
    if access.run is not None and access.run != request.path_params["run"]:
        raise Unauthorized("this key belongs to another run", hint=_HINT)


def _key(request: HTTPConnection) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


def _check_origin(request: HTTPConnection) -> None:
    """Browsers keep a Basic password and would send it for another site's form too."""
    origin = request.headers.get("Origin")
    if request.scope.get("method") in ("GET", "HEAD") or origin is None:
        return
    if urlsplit(origin).netloc != request.headers.get("Host"):
        raise Unauthorized("a page of another site may not write here")
