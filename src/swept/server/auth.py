"""Who may do what: the API key everything, an attempt's lease token what concerns its run.

Reading needs no key on loopback, but then only under a loopback name: a page elsewhere that has its own name
resolve to 127.0.0.1 must not read along. Everything else needs a key, as `Authorization: Bearer KEY`, or as W&B's
clients and browsers send it: Basic, user `api`.

A browser that was logged in (`swept.server.session`) reads and writes the native API as the owner does, but reports for no
run and speaks to no route of W&B's. What it writes has to come from our own page: a browser sends its cookies along with
whatever another page of the same host makes it send.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

from swept.errors import Unauthorized
from swept.server import session
from swept.server.context import Context

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HINT = (
    "the key is in the file `key` of the server's .swept/ folder; clients take it from SWEPT_API_KEY, "
    "W&B's from WANDB_API_KEY (`swept env` prints it)"
)
_LOGIN_HINT = "`swept dashboard`, on the server's machine in the project's folder, prints a link that logs a browser in"
PAGE_HEADER = "X-Swept"
"""Our page sends it with what it writes. Another site's page cannot, without asking first, and nobody answers it."""
_SAFE = frozenset({"GET", "HEAD"})


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


def logged_in(context: Context, request: HTTPConnection) -> bool:
    """Whether the browser has a session here."""
    value = request.cookies.get(session.cookie_name(context.settings.home), "")
    return bool(value) and session.holds(context.key, value, context.clock.now())


def open_to(context: Context, request: HTTPConnection) -> bool:
    """Whether this may be read with no key at all."""
    return context.settings.open_reading and request.url.hostname in LOOPBACK


def _writer(request: HTTPConnection) -> str:
    """W&B's clients say in every request that they share their run; old and new ones name themselves otherwise."""
    headers = request.headers
    if headers.get("x-wandb-use-async-filestream") != "true":
        return ""
    name = headers.get("x-wandb-async-client-id") or headers.get("x-wandb-client-id") or ""
    return name[:64]


# The four below are FastAPI dependencies: a plain `def` runs in the thread pool, as the store may be asked.


def reading(request: Request) -> None:
    """The API key, or a session; an attempt's key for its own run; on loopback, nothing."""
    context = context_of(request)
    if not _key(request) and (open_to(context, request) or logged_in(context, request)):
        return
    access = authorize(context, request)
    if access.run is not None and access.run != request.path_params.get("run"):
        raise Unauthorized("an attempt's key reads its own run only", hint=_HINT)


def writing(request: Request) -> None:
    """The API key, or our page in a session."""
    context = context_of(request)
    if not _key(request) and (logged_in(context, request) or PAGE_HEADER in request.headers):
        _check_page(context, request)
        return
    with_key(request)


def with_key(request: Request) -> None:
    """The API key itself."""
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
    if request.scope.get("method") in _SAFE or origin is None:
        return
    if urlsplit(origin).netloc != request.headers.get("Host"):
        raise Unauthorized("a page of another site may not write here")


def _check_page(context: Context, request: HTTPConnection) -> None:
    """Raises Unauthorized unless the request comes from our own page, in a session that holds.

    `Sec-Fetch-Site` is the browser's own word, and knows a server behind a proxy by its outer name; browsers leave it out
    where there is neither TLS nor loopback. A page on another port of this host is "same-site", which is not enough.
    """
    headers = request.headers
    site, origin = headers.get("Sec-Fetch-Site"), urlsplit(headers.get("Origin", "")).netloc
    same = site == "same-origin" if site else origin != "" and origin == headers.get("Host")
    if not same or headers.get(PAGE_HEADER) != "page":
        raise Unauthorized(
            "a browser's session writes from swept's own page only",
            hint="programs send the API key instead: `Authorization: Bearer KEY`",
        )
    if not logged_in(context, request):
        raise Unauthorized("this browser is not logged in, or no longer", hint=_LOGIN_HINT)
