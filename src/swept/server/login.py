"""Logging a browser in: links that work once, the session's cookie, and the pages for who has none."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from swept.errors import SweptError, Unauthorized, UsageError
from swept.server import session
from swept.server.answers import Answer, documented, of_error
from swept.server.auth import context_of, logged_in, reading, with_key, writing
from swept.server.page import prefix_of
from swept.wire.server import LoginLink, NewLoginLink, SessionView

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.25rem}
h1{font-size:1.25rem}
code{font:.9em ui-monospace,monospace;background:color-mix(in srgb,currentColor 10%,transparent);
padding:.1em .35em;border-radius:.25em}
"""
_INSIDE = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of this server: browsers take `//host`, `/\\host`, and either with a tab in it, for another one's address."""

router = APIRouter()


@router.post("/api/login-links", dependencies=[Depends(with_key)], responses=documented(LoginLink))
def login_link(body: NewLoginLink, request: Request) -> Answer:
    """A link that logs one browser in, once, within the next minutes. Needs the key itself: no session makes others."""
    context = context_of(request)
    after = body.get("next", "/")
    if not _INSIDE.fullmatch(after):
        raise UsageError(f"`{after}` is no path of this server", hint="such as /sweeps/ID")
    token = context.links.issue(context.clock.now())
    path = f"/login?token={token}" + ("" if after == "/" else f"&next={quote(after, safe='/')}")
    answer: LoginLink = {"path": path, "seconds": session.LINK_SECONDS}
    return Answer(answer)


@router.get("/api/session", responses=documented(SessionView))
def session_view(request: Request) -> Answer:
    """What whoever asks may do here. Needs no key."""
    answer: SessionView = {
        "may_read": _may(reading, request),
        "may_change": logged_in(context_of(request), request),
    }
    return Answer(answer)


@router.get("/login", include_in_schema=False)
def login(request: Request, token: str = "", next: str = "/") -> Response:
    context = context_of(request)
    after = _inside(request, next)
    if context.links.redeem(token, context.clock.now()):
        answer = _go_on(request, after)
        _keep(answer, request)
        return answer
    if logged_in(context, request):
        return _go_on(request, after)
    minutes = session.LINK_SECONDS // 60
    return _page(
        401,
        "This link does not log in any more" if token else "This link is not whole",
        f"A link works once, and within {minutes} minutes; a restart of the server ends it too.",
        _ASK,
    )


@router.post("/logout", include_in_schema=False, dependencies=[Depends(writing)])
def logout(request: Request) -> Answer:
    """The browser forgets its session."""
    answer = Answer({})
    answer.delete_cookie(_name(request), path=_path(request))
    return answer


def install(app: FastAPI) -> None:
    """A person who may not read gets a page that says what to do; programs get their ErrorBody as ever."""
    app.add_exception_handler(Unauthorized, _refused)


_ASK = (
    "Ask for a link: <code>swept dashboard</code>, on the server's machine in the project's folder, prints one. "
    "A browser that followed it stays logged in for 30 days."
)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SweptError)
    if request.method != "GET" or "text/html" not in request.headers.get("Accept", ""):
        answer = of_error(error)
        if "Sec-Fetch-Mode" in request.headers or "X-Swept" in request.headers:
            answer.headers["WWW-Authenticate"] = (
                'Bearer realm="swept"'  # Basic: it asks for the key
            )
        return answer
    if _from_elsewhere(request):
        # A strict cookie stays at home when another site's link leads here; asked again by our own page, it comes.
        path = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
        return _onwards(_inside(request, path), 401)
    return _page(401, "This server wants to know who reads", _ASK)


def _may(dependency: Callable[[Request], None], request: Request) -> bool:
    try:
        dependency(request)
    except Unauthorized:
        return False
    return True


def _name(request: Request) -> str:
    return session.cookie_name(context_of(request).settings.home)


def _path(request: Request) -> str:
    return prefix_of(request) or "/"


def _keep(answer: Response, request: Request) -> None:
    context = context_of(request)
    scheme = request.headers.get("X-Forwarded-Proto", request.url.scheme)
    answer.set_cookie(
        _name(request),
        session.seal(context.key, context.clock.now() + session.SESSION_SECONDS),
        max_age=session.SESSION_SECONDS,
        path=_path(request),
        secure=scheme.split(",")[0].strip() == "https",
        httponly=True,
        samesite="strict",
    )


def _inside(request: Request, path: str) -> str:
    return prefix_of(request) + (path if _INSIDE.fullmatch(path) else "/")


def _from_elsewhere(request: Request) -> bool:
    return request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def _go_on(request: Request, path: str) -> Response:
    if _from_elsewhere(request):
        return _onwards(path)
    return RedirectResponse(path, 303, headers=_HEADERS)


def _onwards(path: str, status: int = 200) -> HTMLResponse:
    """A page that leads on, instead of a redirect, which would still count as the other site's request."""
    return _page(
        status,
        "One moment",
        f'<a href="{escape(path)}">Go on</a>',
        head=f'<meta http-equiv="refresh" content="0;url={escape(path)}">',
    )


def _page(status: int, title: str, *paragraphs: str, head: str = "") -> HTMLResponse:
    """`paragraphs` and `head` are HTML."""
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">{head}<title>swept: {escape(title)}</title>'
        f"<style>{_STYLE}</style><main><h1>{escape(title)}</h1>"
        + "".join(f"<p>{paragraph}" for paragraph in paragraphs)
        + "</main></html>"
    )
    return HTMLResponse(text, status, headers=_HEADERS)
