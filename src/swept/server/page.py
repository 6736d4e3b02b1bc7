"""The plain first page, and the plain page of the API: served from the package, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from swept.errors import NotFound
from swept.server.auth import reading

_TYPES = {"index.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

docs_router = APIRouter(include_in_schema=False, dependencies=[Depends(reading)])
router = APIRouter(include_in_schema=False, dependencies=[Depends(reading)])


@router.get("/")
@router.get("/sweeps/{id}")
@router.get("/runs/{id}")
@router.get("/{entity}/{project}/runs/{id}")
@router.get("/{entity}/{project}/sweeps/{id}")
def page() -> Response:
    """One page; its script looks at the path. The last two are the addresses that W&B's clients print."""
    return _asset("index.html")


@router.get("/static/{name}")
def asset(name: str) -> Response:
    if name not in _TYPES:
        raise NotFound(f"there is no file “{name}” here")
    return _asset(name)


@docs_router.get("/api/docs")
def docs(request: Request) -> HTMLResponse:
    """The OpenAPI schema as a plain table."""
    rows = []
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
        '<link rel="stylesheet" href="/static/page.css"><h1>API</h1>'
        '<p>The whole schema: <a href="/api/openapi.json">openapi.json</a>. Writing needs '
        "<code>Authorization: Bearer KEY</code>."
        "<table><tr><th>method<th>path<th>request<th>answer<th>what it does" + "".join(rows)
    )
    return HTMLResponse(text + "</table>", headers={"Content-Security-Policy": _POLICY})


@router.get("/{entity}/{project}")
def project() -> Response:
    """W&B's clients print this address too; the list of sweeps is the nearest thing."""
    return _asset("index.html")


def _asset(name: str) -> Response:
    content = (files("swept.server") / "static" / name).read_bytes()
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return Response(content, media_type=_TYPES[name], headers=headers)


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
