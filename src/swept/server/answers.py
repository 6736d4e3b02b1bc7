"""How the server answers: strict JSON by the wire's codec, and every error as an ErrorBody."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from swept import errors, wire
from swept.wire.server import ErrorBody

log = logging.getLogger("swept.server")

STATUS: Mapping[type[errors.SweptError], int] = {
    errors.NotFound: 404,
    errors.LeaseLost: 410,
    errors.Conflict: 409,
    errors.Unauthorized: 401,
    errors.UsageError: 422,
    errors.StoreError: 503,
    errors.ServerUnreachable: 503,
}
_NAMES = {
    400: "UsageError",
    404: "NotFound",
    405: "UsageError",
    413: "UsageError",
    422: "UsageError",
}


class Answer(Response):
    """`wire.dumps` of any value: NaN and infinities by name."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        # A lone surrogate (from a hostile name) has no UTF-8; a question mark is better than no answer.
        return wire.dumps(content).encode("utf-8", "replace")


def documented(model: Any) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entry for a route that gives an `Answer` of this TypedDict."""
    return {
        200: {"model": model},
        "4XX": {"model": ErrorBody, "description": "What is wrong, and what mends it"},
    }


def failure(status: int, name: str, message: str, hint: str = "", **more: Any) -> Answer:
    headers = {"WWW-Authenticate": 'Basic realm="swept: user api, password the API key"'}
    body = {"error": name, "message": message, "hint": hint, **more}
    return Answer(body, status, headers if status == 401 else None)


def install(app: FastAPI) -> None:
    """Every exception becomes an ErrorBody."""
    app.add_exception_handler(errors.SweptError, _swept)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(UnicodeEncodeError, _unwritable)
    app.add_exception_handler(OverflowError, _unwritable)
    app.add_exception_handler(RecursionError, _unwritable)
    app.add_exception_handler(Exception, _unexpected)


async def _swept(_: Request, error: Exception) -> Answer:
    assert isinstance(error, errors.SweptError)
    return of_error(error)


def of_error(error: errors.SweptError) -> Answer:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    name = type(error).__name__
    if isinstance(error, errors.SpecError):
        problems = [asdict(problem) for problem in error.problems]
        return failure(status, name, error.message, error.hint, problems=problems)
    return failure(status, name, error.message, error.hint)


async def _invalid(_: Request, error: Exception) -> Answer:
    assert isinstance(error, RequestValidationError)
    places = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"])
        places.append(f"{place}: {item['msg']}")
    return failure(
        422, "UsageError", "; ".join(places[:10]), "the shapes of requests are at /api/docs"
    )


async def _http(_: Request, error: Exception) -> Answer:
    assert isinstance(error, HTTPException)
    name = _NAMES.get(error.status_code, "SweptError")
    return failure(error.status_code, name, str(error.detail), "the paths are at /api/docs")


async def _unwritable(_: Request, error: Exception) -> Answer:
    return failure(
        422,
        "UsageError",
        f"the request holds a value that cannot be kept ({type(error).__name__})",
        "text must be Unicode, integers fit into 64 bits, nesting be less than 100 levels",
    )


async def _unexpected(request: Request, error: Exception) -> Answer:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return failure(
        500,
        "SweptError",
        f"the server failed on this request ({type(error).__name__})",
        "its log (`.swept/server.log` for a detached one) has the details",
    )
