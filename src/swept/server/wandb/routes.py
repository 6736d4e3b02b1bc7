"""The W&B subset's routes: `/graphql`, the file stream, and run files.

What the client makes of an answer decides its status: a 4xx on the file stream, once, ends the upload of that run
for ever without a word, so everything that may pass is 5xx, and what will not pass is taken and counted. A stale
attempt is answered 200 and dropped. See docs/design/wandb.md.
"""

from __future__ import annotations

import gzip
import io
import logging
import mimetypes
import zlib
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response

from swept.errors import NotFound, SweptError, Unauthorized
from swept.server.answers import failure
from swept.server.auth import OWNER, Access, authorize
from swept.server.context import Context
from swept.server.wandb import artifact_files, files, ingest, tokens
from swept.server.wandb.admission import PACKED, UNDECLARED_BYTES, Busy, Posts
from swept.server.wandb.graphql import Tally, execute
from swept.server.wandb.roots import roots
from swept.server.wandb.service import Service, locate

log = logging.getLogger("swept.wandb")


def router(context: Context) -> APIRouter:
    """The routes, to be included in the server's application."""
    service = Service(context, Tally(context.unknown))
    posts = Posts()
    routes = APIRouter(include_in_schema=False)

    @routes.post("/graphql")
    async def graphql(request: Request) -> Response:
        try:
            access = await run_in_threadpool(authorize, context, request)
        except Unauthorized as error:
            # The client shows GraphQL's errors, and nothing at all of any other body.
            said = {"errors": [{"message": str(error)}]}
            return failure(401, "Unauthorized", error.message, error.hint, **said)
        try:
            body = tokens.mapping_of(await _body(request))
        except ValueError as error:
            return _json({"errors": [{"message": f"the request is no JSON object: {error}"}]}, 400)
        return await run_in_threadpool(_graphql, service, access, base_url(request), body)

    @routes.post("/files/{entity}/{project}/{run:path}/file_stream")
    async def file_stream(project: str, run: str, request: Request) -> Response:
        size = _size(request)
        with posts.admitted(size) as admitted:
            if not admitted:
                return _unavailable(Busy("many large posts arrive at once: send it again"))
            access = await run_in_threadpool(authorize, context, request)
            try:
                body = await request.body()
            except ClientDisconnect:
                return Response(status_code=500)  # nobody hears it
            async with posts.turn(size):
                return await run_in_threadpool(
                    _file_stream, service, access, (project, run), body, _packed(request)
                )

    @routes.put("/files/{entity}/{project}/{run}/{name:path}")
    async def upload(project: str, run: str, name: str, request: Request) -> Response:
        return await _upload(service, request, (project, run, name))

    @routes.api_route("/files/{entity}/{project}/{run}/{name:path}", methods=["GET", "HEAD"])
    def download(project: str, run: str, name: str, request: Request) -> Response:
        return _download(service, request, run, name)

    artifact_files.add_routes(routes, service)
    return routes


def base_url(request: Request) -> str:
    """The server's address as the client sees it, also behind a proxy and below a path prefix."""
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
    host = headers.get("x-forwarded-host") or headers.get("host") or request.url.netloc
    prefix = headers.get("x-forwarded-prefix") or request.scope.get("root_path", "")
    return f"{scheme}://{host.split(',')[0].strip()}{prefix.rstrip('/')}"


UNPACKED_BYTES = 256 * 1024 * 1024
"""No post of a client comes near it; a small body can unpack to more than the machine has."""


async def _body(request: Request) -> bytes:
    """The whole body, unpacked. Raises ValueError for one that is damaged, or larger than UNPACKED_BYTES."""
    body = await request.body()
    if not _packed(request):
        return body
    return await run_in_threadpool(_plain, body)


def _size(request: Request) -> int:
    """The post's size once it is unpacked, as far as its headers tell."""
    length = request.headers.get("content-length", "")
    size = int(length) if length.isascii() and length.isdecimal() else UNDECLARED_BYTES
    return size * PACKED if _packed(request) else size


def _packed(request: Request) -> bool:
    return request.headers.get("content-encoding") == "gzip"


def _plain(body: bytes) -> bytes:
    """Raises ValueError for a body that is damaged, or larger than UNPACKED_BYTES."""
    try:
        return _unpacked(body)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("the compressed body is damaged") from error


def _unpacked(body: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
        content = packed.read(UNPACKED_BYTES + 1)
    if len(content) > UNPACKED_BYTES:
        raise ValueError(f"the body is larger than {UNPACKED_BYTES} bytes when unpacked")
    return content


def _json(content: Any, status: int = 200) -> Response:
    text = tokens.dumps(content).encode("utf-8", "replace")
    return Response(text, status, media_type="application/json")


def _unavailable(error: Exception) -> Response:
    """Something that passes: the client waits and tries again, for as long as it takes."""
    log.warning("a W&B request was put off: %s", error)
    return _json({"errors": [{"message": str(error)}]}, 503)


def _graphql(service: Service, access: Access, base: str, body: dict[str, Any]) -> Response:
    variables = body.get("variables")
    try:
        answer = execute(
            str(body.get("query") or ""),
            variables if isinstance(variables, dict) else None,
            roots(service, access, base),
            service.tally,
            str(body.get("operationName") or ""),
        )
    except SweptError as error:
        return _unavailable(error)
    return _json(answer)


def _file_stream(
    service: Service, access: Access, place: tuple[str, str], body: bytes, packed: bool
) -> Response:
    project, name = place
    try:
        post = tokens.mapping_of(_plain(body) if packed else body)
    except ValueError:
        return _json({"error": "the post was cut off: send it again"}, 500)
    try:
        return _json(ingest.take(service, access, project, name, post))
    except SweptError as error:
        return _unavailable(error)
    except Exception as error:
        # Whatever it is, the client must keep the rows and try again: a 4xx would end its upload.
        log.exception("a file-stream post for run %s failed", name)
        return _unavailable(error)


async def _upload(service: Service, request: Request, place: tuple[str, str, str]) -> Response:
    project, run_name, name = place
    attempt = _attempt(request)
    await run_in_threadpool(_check, service, request, run_name, name)
    run = await run_in_threadpool(locate, service, OWNER, project, run_name)
    if run is None or not await run_in_threadpool(files.wanted, service, run.id, attempt):
        async for _ in request.stream():
            pass
        return _json({})
    file = await service.blobs.receive(run.id, name, request.stream(), now=service.now())
    await run_in_threadpool(files.keep, service, file)
    return _json({})


def _attempt(request: Request) -> int | None:
    text = request.query_params.get("attempt", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _check(service: Service, request: Request, run: str, name: str) -> None:
    """A signed URL, the API key, or the run's own key. Raises Unauthorized."""
    mark = request.query_params.get("signature", "")
    rights = (files.WRITE,) if request.method == "PUT" else (files.WRITE, files.READ)
    if mark and files.signed_for(service, rights, run, _attempt(request) or 0, name, mark):
        return
    if authorize(service.context, request).run not in (None, run):
        raise Unauthorized("this key belongs to another run")


def _download(service: Service, request: Request, run: str, name: str) -> Response:
    _check(service, request, run, name)
    path = service.blobs.path(run, name)
    if not path.is_file():
        raise NotFound(f"run {run} has no file `{name}`")
    # Never shown as a page of this origin: a run's file may be hostile HTML.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    active = str(mimetypes.guess_type(name)[0]).endswith(("html", "xml"))
    place = "attachment" if active else "inline"
    return FileResponse(path, headers=headers, filename=path.name, content_disposition_type=place)
