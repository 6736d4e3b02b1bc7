"""Paths below the W&B client's own prefixes that nothing answers: 404, which it takes quietly, counted for the operator.

Never on the file stream, whose route is another one: there a 404 would end a run's upload.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from swept.server.answers import failure
from swept.server.context import Context
from swept.server.wandb.graphql import Tally

PREFIXES = ("files", "sdk", "artifacts", "artifactsV2", "oidc", "evaluations")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
TELEMETRY = "/sdk/otel/"
"""The client's own; the 404 switches it off, and it tells the operator nothing."""


def router(context: Context) -> APIRouter:
    """To be included behind W&B's routes: whatever has one goes there."""
    routes = APIRouter(include_in_schema=False)
    tally = Tally(context.unknown)

    def unserved(request: Request) -> Response:
        path = request.url.path
        if not path.startswith(TELEMETRY):
            tally.add(f"{request.method} {_shape(path)}")
        return failure(404, "NotFound", f"swept has no {request.method} {path[:200]}")

    for prefix in PREFIXES:
        routes.add_api_route(f"/{prefix}/{{rest:path}}", unserved, methods=METHODS)
    return routes


def _shape(path: str) -> str:
    """What kind of path it is: names of runs and files would make each one another."""
    prefix, _, rest = path.strip("/").partition("/")
    return f"/{prefix}/{rest[:60]}" if prefix == "sdk" else f"/{prefix}/…"
