"""Files of runs on the server's disk: `FILES/RUN/NAME`, whole or not there."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
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
            raise StoreError(
                f"the file “{name}” cannot be kept: {error.strerror}",
                hint="free space on the server's disk; `swept gc` removes what is not needed",
            ) from error

    async def _receive(
        self, run: str, name: str, target: Path, chunks: AsyncIterator[bytes], now: float
    ) -> File:
        incoming = self.folder / INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        number, draft = tempfile.mkstemp(dir=incoming)
        try:
            with os.fdopen(number, "wb") as file:
                digest, size = await self._write(file, chunks)
            await run_in_threadpool(_place, Path(draft), target)
        finally:
            Path(draft).unlink(missing_ok=True)
        return File(run, clean(name), size, digest, now)

    async def _write(self, file: IO[bytes], chunks: AsyncIterator[bytes]) -> tuple[str, int]:
        digest, size, waiting = hashlib.sha256(), 0, bytearray()
        async for chunk in chunks:
            size += len(chunk)
            if size > self.limit:
                raise UsageError(f"the file is larger than {self.limit} bytes")
            digest.update(chunk)
            waiting += chunk
            if len(waiting) >= _CHUNK:
                await asyncio.to_thread(file.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(_finish, file, bytes(waiting))
        return digest.hexdigest(), size


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


def _finish(file: IO[bytes], rest: bytes) -> None:
    file.write(rest)
    file.flush()
    os.fsync(file.fileno())


def _place(draft: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
