"""The bytes of artifacts by URL: signed ones for the client's transfers, and those it makes itself.

    {base}/artifacts/local/{md5}/{name}?signature=HMAC          PUT and GET
    {base}/artifacts/{entity}/{md5}                             GET, with a key
    {base}/artifactsV2/{region}/…/{md5}, …/{md5}/{name}         GET, with a key

The name is for people: the md5 says which bytes. A signature holds for reading or for writing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response

from swept.errors import NotFound, UsageError
from swept.server.auth import authorize
from swept.server.contents import Contents, contents_of
from swept.server.wandb.service import ENTITY, Service

_HEX = re.compile(r"[0-9a-f]{32}", re.ASCII)
READ, WRITE = "read", "write"
READING = ["GET", "HEAD"]


def digest_of(md5: str) -> str:
    """The client's base64 md5 in hex. Raises UsageError."""
    try:
        digest = base64.b64decode(md5, validate=True).hex()
    except (binascii.Error, ValueError):
        digest = ""
    if not _HEX.fullmatch(digest):
        raise UsageError(f"`{md5[:64]}` is no md5 in base64")
    return digest


def contents(service: Service) -> Contents:
    return contents_of(service.context)


def url(service: Service, base: str, digest: str, name: str, right: str) -> str:
    """The absolute signed URL; the last part of `name` is what a browser saves it as."""
    shown = quote(name.rpartition("/")[2], safe="") or "file"
    return f"{base}/artifacts/{ENTITY}/{digest}/{shown}?signature={_sign(service, digest, right)}"


def _sign(service: Service, digest: str, right: str) -> str:
    message = f"artifact\n{right}\n{digest}".encode()
    return hmac.new(service.context.key.encode(), message, "sha256").hexdigest()


def _check(service: Service, request: Request, digest: str, right: str) -> None:
    """A signed URL, or a key. Raises Unauthorized."""
    mark = request.query_params.get("signature", "")
    if not mark or not hmac.compare_digest(mark.encode(), _sign(service, digest, right).encode()):
        authorize(service.context, request)


def add_routes(routes: APIRouter, service: Service) -> None:
    """The addresses above."""

    @routes.put("/artifacts/{entity}/{digest}/{name}")
    async def put(digest: str, request: Request) -> Response:
        await run_in_threadpool(_check, service, request, digest, WRITE)
        await contents(service).receive(digest, request.stream())
        return JSONResponse({})

    @routes.api_route("/artifacts/{entity}/{digest}", methods=READING)
    @routes.api_route("/artifacts/{entity}/{digest}/{name}", methods=READING)
    def get(digest: str, request: Request) -> Response:
        return _sent(service, request, digest)

    @routes.api_route("/artifactsV2/{place:path}", methods=READING)
    def get_by_place(place: str, request: Request) -> Response:
        parts = place.split("/")
        named = len(parts) > 4  # region, entity, birth, md5; later clients have more, and the name
        return _sent(service, request, parts[-2] if named else parts[-1])


def _sent(service: Service, request: Request, digest: str) -> Response:
    _check(service, request, digest, READ)
    path = contents(service).path(digest)
    if not path.is_file():
        raise NotFound(f"no artifact has a file with the md5 {digest}")
    # Never shown as a page of this origin: it may be hostile HTML.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)
