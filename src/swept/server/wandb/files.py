"""Run files by signed URLs: the client uploads and downloads without its key.

    {base}/files/{entity}/{project}/{run}/{name}?attempt=N&signature=HMAC

`CreateRunFiles` gives the URLs; they must be absolute, else the client silently uploads nothing. The signature is
over right, run, attempt and name under the server's key: one for reading writes nothing. What belongs to an attempt that is over is read and dropped.
"""

from __future__ import annotations

import hashlib
import hmac
import mimetypes
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from swept.errors import UsageError
from swept.model import File, Run
from swept.server.auth import Access
from swept.server.blobs import clean
from swept.server.wandb import tokens
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.reads import connection, moment
from swept.server.wandb.service import ENTITY, METADATA, Service, last_attempt, may_report

READ, WRITE = "read", "write"


def signature(service: Service, right: str, run: str, attempt: int, name: str) -> str:
    message = f"{right}\n{run}\n{attempt}\n{name}".encode()
    return hmac.new(service.context.key.encode(), message, hashlib.sha256).hexdigest()


def signed(
    service: Service, access: Access, base: str, run: Run, name: str, right: str = WRITE
) -> str:
    """The absolute URL for one file of the caller's attempt, or of the run's present one."""
    attempt = last_attempt(run)
    number = attempt.number if attempt else 0
    if access.run == run.id:
        number = access.attempt
    mark = signature(service, right, run.id, number, name)
    place = "/".join(quote(part, safe="") for part in (ENTITY, run.project, run.id))
    return f"{base}/files/{place}/{quote(name)}?attempt={number}&signature={mark}"


def create(service: Service, access: Access, base: str, run: Run, data: Arguments) -> Node:
    """`CreateRunFiles`: an upload URL for each name. A bad one is left out: the others come in the same request.
    Raises UsageError for another run's key."""
    names = data.get("files")
    if not may_report(access, run):
        raise UsageError("this key belongs to another run", hint="use the server's API key")
    return {
        "__typename": "CreateRunFilesPayload",
        "runID": run.id,
        "uploadHeaders": [],
        "files": [
            {
                "__typename": "File",
                "name": name,
                "uploadUrl": signed(service, access, base, run, name),
            }
            for name in _good(service, names if isinstance(names, list) else [])
        ],
    }


def _good(service: Service, names: Iterable[Any]) -> Iterator[str]:
    for name in names:
        try:
            yield clean(str(name))
        except UsageError:
            service.tally.add("createRunFiles(a bad name)")


def listed(service: Service, access: Access, base: str, run: Run, arguments: Arguments) -> Node:
    """The run's files, or those of `names`; a name that is not there yet is listed for its upload URL."""
    names = arguments.get("names")
    stored = {file.name: file for file in service.store.files(run.id)}
    wanted = [str(name) for name in names] if names else list(_like(stored, arguments))
    nodes = [_node(service, access, base, run, name, stored.get(name)) for name in wanted]
    return {**connection(nodes, arguments), "uploadHeaders": []}


_GLOB = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})


def _like(names: Iterable[str], arguments: Arguments) -> Iterator[str]:
    """The names that are like `pattern`, as SQL's LIKE has it: `%.json`."""
    pattern = arguments.text("pattern").translate(_GLOB)
    return (name for name in names if not pattern or fnmatchcase(name, pattern))


def _node(
    service: Service, access: Access, base: str, run: Run, name: str, file: File | None
) -> Node:
    read = signed(service, access, base, run, clean(name), READ)
    write = signed(service, access, base, run, name) if may_report(access, run) else None
    return {
        "__typename": "File",
        "id": f"{run.id}/{name}",
        "name": name,
        "url": lambda a: write if a.get("upload") else read if file else None,
        "directUrl": read if file else None,
        "uploadUrl": write,
        "sizeBytes": file.size if file else 0,
        "mimetype": mimetypes.guess_type(name)[0],
        "updatedAt": moment(file.time) if file else None,
        "md5": None,
    }


_METADATA_FILE = "wandb-metadata.json"
_METADATA_BYTES = 1 << 20


def keep(service: Service, file: File) -> None:
    """The file has arrived. What the client found out about machine, git and program becomes the run's details."""
    service.store.add_file(file)
    if file.name != _METADATA_FILE or file.size > _METADATA_BYTES:
        return
    text = service.blobs.path(file.run, file.name).read_text("utf-8", "replace")
    service.store.update_run(file.run, now=service.now(), details={METADATA: tokens.mapping(text)})


def wanted(service: Service, run: str, attempt: int | None) -> bool:
    """Whether an upload for that attempt still counts: nobody took the run over since."""
    last = last_attempt(service.store.run(run))
    return attempt is None or last is None or attempt == last.number


def signed_for(
    service: Service, rights: Iterable[str], run: str, attempt: int, name: str, mark: str
) -> bool:
    """Whether the signature is one that `signed` gave for this file, with one of these rights."""
    return any(
        hmac.compare_digest(mark.encode(), signature(service, right, run, attempt, name).encode())
        for right in rights
    )
