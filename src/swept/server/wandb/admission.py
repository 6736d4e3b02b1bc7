"""How many large posts of the file stream are taken at once: a post of 10 MB is 100 MB while it is being stored.

What comes beyond is put off with a 503, which the client repeats. Small posts always pass, and the large ones take
turns, so that a small one never waits for more than two of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

from swept.errors import SweptError

LARGE_BYTES = 1 << 20
UNDER_WAY_BYTES = 128 << 20
"""Of all large posts that are being received or stored."""
UNDECLARED_BYTES = 16 << 20
"""What a post counts that does not say how large it is."""
PACKED = 8
"""How many times larger a compressed post is: rows of metrics."""
TURNS = 2


class Busy(SweptError):
    """It passes: the client sends the post again."""


class Posts:
    """The posts under way. For one event loop."""

    def __init__(self) -> None:
        self._bytes = 0
        self._turns = asyncio.Semaphore(TURNS)

    @contextlib.contextmanager
    def admitted(self, size: int) -> Iterator[bool]:
        """Whether a post of that size may be received; a single one always may."""
        large = size if size >= LARGE_BYTES else 0
        if large and self._bytes and self._bytes + large > UNDER_WAY_BYTES:
            yield False
            return
        self._bytes += large
        try:
            yield True
        finally:
            self._bytes -= large

    def turn(self, size: int) -> AbstractAsyncContextManager[None]:
        """Held while the post is unpacked, read and stored."""
        return self._turns if size >= LARGE_BYTES else contextlib.nullcontext()
