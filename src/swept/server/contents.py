"""What artifacts are made of: bytes by their md5, each once, as `FILES/.artifacts/ab/abcd…`.

md5 is the client's choice: its manifests name files by it. Whoever sends bytes says their md5 first, and others are
refused; bytes that are there are never replaced by other ones.

Garbage is removed by whoever holds the context's lock `collecting` alone, a part at a time. Who relies on bytes that lie
here already says so and looks (`announce_files`, then `has`) while sharing it, so that nothing vanishes in between.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from swept.errors import NotFound, UsageError
from swept.server.blobs import INCOMING, finish, kept_not, place, take_in
from swept.server.context import Context

FOLDER = ".artifacts"  # no run's folder: a leading dot is quoted there
ABANDONED_SECONDS = 7 * 86_400.0
"""An artifact that has not become whole by then never will."""
_SPARED_SECONDS = 3600.0
_REMOVED_AT_ONCE = 200
READ_BYTES = 256 * 1024 * 1024
"""The list of a million files has fewer."""
_DIGEST = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that no artifact needs."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Contents:
    """`folder` holds all runs' files; more than `limit` bytes are refused."""

    folder: Path
    limit: int

    def path(self, digest: str) -> Path:
        """Where these bytes lie. Raises NotFound for what is no md5."""
        if not _DIGEST.fullmatch(digest):
            raise NotFound(f"`{digest[:64]}` is no md5 of a file")
        return self.folder / FOLDER / digest[:2] / digest

    def has(self, digest: str) -> bool:
        return bool(_DIGEST.fullmatch(digest)) and self.path(digest).is_file()

    async def receive(self, digest: str, chunks: AsyncIterator[bytes]) -> int:
        """Stream bytes to disk; they are there, whole and synced, or not at all. Raises StoreError, UsageError."""
        target, real = self.path(digest), hashlib.md5(usedforsecurity=False)

        def checked() -> Path:
            if real.hexdigest() != digest:
                raise UsageError(
                    f"what arrived has the md5 {real.hexdigest()}, not {digest}",
                    hint="the file was changed while it was sent: log the artifact again",
                )
            return target

        try:
            return await take_in(self.folder, chunks, self.limit, real, checked)
        except OSError as error:
            raise kept_not(digest, error) from error

    def keep(self, content: bytes) -> str:
        """Bytes of the server's own; their md5. Raises StoreError."""
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        incoming = self.folder / INCOMING
        try:
            incoming.mkdir(parents=True, exist_ok=True)
            number, draft = tempfile.mkstemp(dir=incoming)
            with os.fdopen(number, "wb") as file:
                finish(file, content)
            place(Path(draft), self.path(digest))
        except OSError as error:
            raise kept_not(digest, error) from error
        return digest

    def read(self, digest: str) -> bytes:
        """All of it, into memory. Raises NotFound, and UsageError for more than READ_BYTES."""
        try:
            with self.path(digest).open("rb") as file:
                content = file.read(READ_BYTES + 1)
        except FileNotFoundError as error:
            raise NotFound(f"the file with the md5 {digest} is not here") from error
        if len(content) > READ_BYTES:
            raise UsageError(f"a list of files has more than {READ_BYTES} bytes")
        return content

    def older(self, moment: float) -> Iterator[Garbage]:
        """The files that came before then, whether they are needed or not."""
        for path in sorted((self.folder / FOLDER).glob("??/*")):
            with suppress(FileNotFoundError):  # somebody else collects
                about = path.stat()
                if _DIGEST.fullmatch(path.name) and about.st_mtime < moment:
                    yield Garbage(path, about.st_size)


def contents_of(context: Context) -> Contents:
    return Contents(context.files, context.settings.max_file)


def collect(context: Context, *, remove: bool) -> list[Garbage]:
    """The bytes that no artifact needs; with `remove` they are gone."""
    now, contents = context.clock.now(), contents_of(context)
    if remove:
        context.store.forget_pending(before=now - ABANDONED_SECONDS, now=now)
    old = {one.path.name: one for one in contents.older(now - _SPARED_SECONDS)}
    needless = sorted(context.store.needless(old))
    if not remove:
        return [old[name] for name in needless]
    gone: list[Garbage] = []
    for some in _batches(needless, _REMOVED_AT_ONCE):
        with context.collecting.alone():
            still = context.store.needless(some)  # they may be needed by now
            found = [old[name] for name in some if name in still]
            for one in found:
                one.path.unlink(missing_ok=True)
        gone += found
    return gone


def _batches(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
