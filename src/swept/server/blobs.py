"""Files of runs on the server's disk: `FILES/RUN/NAME`, whole or not there."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool

from swept.errors import Conflict, StoreError, UsageError
from swept.model import File

INCOMING = ".incoming"  # no run's folder: a leading dot is quoted there
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Blobs:
    """`folder` holds all runs' files; one of more than `limit` bytes is refused."""

    folder: Path
    limit: int

    def path(self, run: str, name: str) -> Path:
        """Where the file lies, inside the folder whatever the names are. Raises UsageError."""
        return self.folder / _safe(run) / clean(name)

    async def receive(
        self, run: str, name: str, chunks: AsyncIterator[bytes], *, now: float
    ) -> File:
        """Stream a file to disk, fsync it, then put it in place of the old one. Raises StoreError, UsageError."""
        target = self.path(run, name)
        try:
            return await self._receive(run, name, target, chunks, now)
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            raise Conflict(
                f"“{name}” is a file and a folder at once among the files of run {run}"
            ) from error
        except OSError as error:
            raise kept_not(name, error) from error

    async def _receive(
        self, run: str, name: str, target: Path, chunks: AsyncIterator[bytes], now: float
    ) -> File:
        digest = hashlib.sha256()
        size = await take_in(self.folder, chunks, self.limit, digest, lambda: target)
        return File(run, clean(name), size, digest.hexdigest(), now)


class Digest(Protocol):
    """What `hashlib` makes."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


async def take_in(
    folder: Path,
    chunks: AsyncIterator[bytes],
    limit: int,
    digest: Digest,
    target: Callable[[], Path],
) -> int:
    """Stream a file to disk below `folder`, fsync it, then put it where `target` says once all of it is there; its
    size. Raises OSError, UsageError and what `target` raises."""
    incoming = folder / INCOMING
    incoming.mkdir(parents=True, exist_ok=True)
    number, draft = tempfile.mkstemp(dir=incoming)
    try:
        with os.fdopen(number, "wb") as file:
            size = await _write(file, chunks, limit, digest)
        await run_in_threadpool(place, Path(draft), target())
    finally:
        Path(draft).unlink(missing_ok=True)
    return size


async def _write(file: IO[bytes], chunks: AsyncIterator[bytes], limit: int, digest: Digest) -> int:
    size, waiting = 0, bytearray()
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise UsageError(f"the file is larger than {limit} bytes")
        digest.update(chunk)
        waiting += chunk
        if len(waiting) >= _CHUNK:
            await asyncio.to_thread(file.write, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(finish, file, bytes(waiting))
    return size


def kept_not(name: str, error: OSError) -> StoreError:
    """The disk does not take it: the client may send it again."""
    return StoreError(
        f"the file “{name}” cannot be kept: {error.strerror}",
        hint="free space on the server's disk; `swept gc` removes what is not needed",
    )


def clean(name: str) -> str:
    """The name, if it is a relative path that stays below its folder on every system. Raises UsageError."""
    parts = name.split("/")
    bad = (
        not name
        or len(name.encode("utf-8", "replace")) > 1024
        or any(
            part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255 for part in parts
        )
        or any(ord(char) < 32 or char in "\\\x7f" or 0xD800 <= ord(char) < 0xE000 for char in name)
    )
    if bad:
        raise UsageError(
            f"{name!r} is no name for a file",
            hint="a relative path without “..”, backslash or control characters, at most 1024 bytes",
        )
    return name


def _safe(run: str) -> str:
    """A run id chosen by a client, as one folder name."""
    text = quote(run, safe="")
    return f"%2E{text[1:]}" if text.startswith(".") else text


def finish(file: IO[bytes], rest: bytes) -> None:
    """The rest of it; then all of it is on disk."""
    file.write(rest)
    file.flush()
    os.fsync(file.fileno())


def place(draft: Path, target: Path) -> None:
    """The finished draft becomes the file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(target)
    for folder in (target.parent, target.parent.parent):  # both may be new
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
