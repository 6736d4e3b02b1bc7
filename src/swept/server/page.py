"""The page: built from `dashboard/`, served from the package, nothing from elsewhere. And the plain page of the API."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from swept.errors import NotFound
from swept.server.auth import reading

_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_NAME = re.compile(r"page\.css|app/(?:assets/)?[A-Za-z0-9_][A-Za-z0-9_.-]*\.(?:js|css|svg)")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SWEEP = re.compile(r"(?:/[^/]+/[^/]+)?/sweeps/([^/]+)(?:/.*)?")
_AS_IN_SCRIPTS = "!'()*"
"""What `encodeURIComponent` leaves as it is, and `quote` would not."""
_FOR_EVER = "private, max-age=31536000, immutable"
"""Of names that hold a hash of what is in them."""

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>swept: no page yet</title><link rel="stylesheet" href="{prefix}/static/page.css">
<h1>The dashboard is not built</h1>
<p>This swept runs from its sources, and the page is built from them once. In its folder:
<pre>make dashboard</pre>
<p>or, with Node 20 or newer:
<pre>cd dashboard &amp;&amp; npm ci &amp;&amp; npm run build</pre>
<p>Then load this page again. <code>swept ls</code>, <code>swept show</code> and <code>swept analyze</code> need no page.
"""

docs_router = APIRouter(include_in_schema=False, dependencies=[Depends(reading)])
router = APIRouter(include_in_schema=False, dependencies=[Depends(reading)])
login_router = APIRouter(include_in_schema=False)


@router.get("/static/{name:path}")
def asset(name: str, request: Request) -> Response:
    content = _content(name) if _NAME.fullmatch(name) else None
    if content is None:
        raise NotFound(f"there is no file “{name}” here")
    headers = {
        "Cache-Control": _FOR_EVER if name.startswith("app/assets/") else "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        content = _compressed(content)
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)


@router.get("/")
@router.get("/compare")
@router.get("/sweeps/{id}")
@router.get("/runs/{id}")
@router.get("/{entity}/{project}/runs/{id}")
@router.get("/{entity}/{project}/runs/{id}/{view:path}")
@router.get("/{entity}/{project}/sweeps/{id}")
@router.get("/{entity}/{project}/sweeps/{id}/{view:path}")
@router.get("/{entity}/{project}/artifacts/{artifact:path}")
@router.get("/{entity}/{project}/{view}")
@router.get("/{entity}/{project}")
def page(request: Request) -> Response:
    """One page; its script looks at the path. Those with an entity are the addresses that W&B's clients print."""
    prefix = prefix_of(request)
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }
    built = _content("app/index.html")
    if built is None:
        return HTMLResponse(_NOT_BUILT.format(prefix=escape(prefix)), 503, headers)
    text = built.decode().replace('="./', f'="{prefix}/static/app/')
    text = text.replace("<html ", f'<html data-root="{prefix}" ', 1)
    return HTMLResponse(
        text.replace("</title>", f"</title>{_ahead(request, prefix)}", 1), headers=headers
    )


def _ahead(request: Request, prefix: str) -> str:
    """What the script asks for first of a sweep, so that it comes while the script does; as in data/source.ts."""
    found = _SWEEP.fullmatch(request.url.path)
    if found is None:
        return ""
    sweep = f"{prefix}/api/sweeps/{quote(unquote(found[1]), safe=_AS_IN_SCRIPTS)}"
    wanted = [f"{sweep}/board"]
    if "metric" not in request.query_params:
        wanted.append(f"{sweep}/curves")
    return "".join(
        f'<link rel="preload" as="fetch" crossorigin href="{escape(address)}">'
        for address in wanted
    )


@docs_router.get("/api/docs")
def docs(request: Request) -> HTMLResponse:
    """The OpenAPI schema as a plain table."""
    prefix, rows = prefix_of(request), []
    for path, methods in request.app.openapi()["paths"].items():
        for method, route in methods.items():
            cells = (
                method.upper(),
                path,
                _body(route),
                _answer(route),
                route.get("description", ""),
            )
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells))
    text = (
        '<!doctype html><meta charset="utf-8"><title>swept: API</title>'
        f'<link rel="stylesheet" href="{prefix}/static/page.css"><h1>API</h1>'
        f'<p>The whole schema: <a href="{prefix}/api/openapi.json">openapi.json</a>. Writing needs '
        "<code>Authorization: Bearer KEY</code>."
        "<table><tr><th>method<th>path<th>request<th>answer<th>what it does" + "".join(rows)
    )
    return HTMLResponse(text + "</table>", headers={"Content-Security-Policy": _POLICY})


@login_router.get("/authorize")
def authorize(request: Request) -> HTMLResponse:
    """Where `wandb login` sends a person for the key. It is said where it lies, and never shown: whoever reaches the
    port may read this."""
    text = (
        '<!doctype html><meta charset="utf-8"><title>swept: the API key</title>'
        f'<link rel="stylesheet" href="{prefix_of(request)}/static/page.css"><h1>The API key</h1>'
        "<p>This server has one key. On its machine, in the project's folder, <code>swept env</code> prints it as "
        "<code>WANDB_API_KEY</code>; it lies in the file <code>.swept/key</code>."
        "<p>There, <code>eval &quot;$(swept env)&quot;</code> makes <code>wandb login</code> unnecessary. Elsewhere, give "
        "<code>wandb login</code> that key, or ask whoever runs the server for it."
    )
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})


def prefix_of(request: Request) -> str:
    """The path below which a reverse proxy shows this server, "" for none; it cuts it off before it hands on."""
    prefix = request.headers.get("x-forwarded-prefix") or request.scope.get("root_path", "")
    return quote(f"/{prefix.strip('/')}" if prefix.strip("/") else "")


def _content(name: str) -> bytes | None:
    found = files("swept.server") / "static" / name
    return found.read_bytes() if found.is_file() else None


@lru_cache(maxsize=32)
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def _body(route: dict[str, Any]) -> str:
    return _name(route.get("requestBody", {}))


def _answer(route: dict[str, Any]) -> str:
    return _name(route["responses"].get("200", {}))


def _name(holder: dict[str, Any]) -> str:
    """The schema's name in a request body or response: `list[X]` for an array of X."""
    schema = holder.get("content", {}).get("application/json", {}).get("schema", {})
    many = schema.get("type") == "array"
    name = str((schema["items"] if many else schema).get("$ref", "")).rpartition("/")[2]
    return f"list[{name}]" if many else name
