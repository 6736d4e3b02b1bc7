"""What a program prints, where no agent of swept's keeps it: copied into the attempt's `console.log`, sent from there.

Seen is what this process and its forks write to `sys.stdout` and `sys.stderr`; not what programs print that it starts, nor
what C code does. A copy is one write to a file: no lock that a fork or a signal's handler could find held, no memory that
grows while the server is away. Nothing that goes wrong here reaches the program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, TypeAlias

from swept.clock import Clock
from swept.errors import Conflict, LeaseLost, SweptError, UsageError
from swept.tracking.console import BATCH_LINES, Console
from swept.wire.reports import ConsoleLine

Add: TypeAlias = Callable[[list[ConsoleLine]], None]
"""Sends lines to the server. Raises SweptError."""

OFF = ("SWEPT_CONSOLE", "WANDB_CONSOLE")
"""Variables; with the value `off` a program's output stays where it is."""
SEND_SECONDS = 2.0
"""So long lines are gathered: most of them come with a report, and a progress bar changes often."""


def wanted() -> bool:
    return not any(os.environ.get(name, "").lower() == "off" for name in OFF)


class Printed:
    """Copies until `end`. `send` is called by the thread that reports, and after it has ended by the main one."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Raises OSError."""
        self._console, self._clock = Console(path), clock
        self._next = 0.0
        self._over = False
        self._file = FileIO(path, "ab")
        streams = {id(stream): stream for stream in (sys.stdout, sys.stderr)}
        self._copied = [_copy(stream, self._file) for stream in streams.values()]

    def end(self) -> None:
        """The streams are as they were, unless somebody has wrapped them since; then that stays, and copies nothing."""
        self._over = True
        for stream, before, copying in filter(None, self._copied):
            if stream.write is copying:
                stream.write = before
        self._file.close()

    def send(self, add: Add) -> bool:
        """One request, if it is time for one; True = there is more to send now.

        Raises LeaseLost, and what may pass: the lines are kept then. Lines that the server refuses are left out.
        """
        if not self._over and self._clock.monotonic() < self._next:
            return False
        try:
            lines = self._console.take(self._clock.now())
        except OSError:
            return False
        try:
            if lines:
                add(lines)
        except LeaseLost:
            raise
        except (Conflict, UsageError):
            pass
        except SweptError:
            self._console.again(lines)
            raise
        more = len(lines) == BATCH_LINES
        self._next = 0.0 if more else self._clock.monotonic() + SEND_SECONDS
        return more


def _copy(stream: Any, file: FileIO) -> tuple[Any, Any, Any] | None:
    """The stream, its `write` as it was, and as it is now; None for one that cannot be changed."""
    try:
        write = stream.write

        def copying(text: Any) -> Any:
            written = write(text)
            with suppress(Exception):
                file.write(text.encode("utf-8", "backslashreplace"))
            return written

        stream.write = copying
    except Exception:  # noqa: BLE001 no stream at all (pythonw), one with slots, one that guards itself
        return None
    return stream, write, copying
