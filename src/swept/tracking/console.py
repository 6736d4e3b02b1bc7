"""What a program prints, from its file to the server, in numbered lines.

A carriage return starts the line again, as on a terminal: a progress bar is one line that changes.
"""

from __future__ import annotations

import codecs
import threading
from collections import deque
from pathlib import Path

from swept.wire.reports import ConsoleLine

LINE_LIMIT = 4_000
READ_BYTES = 1 << 20
BATCH_LINES = 1_000
TAIL_LINES = 50
KEPT_LINES = 20_000
"""Lines that wait for a server that is down; the file has them all."""


class Console:
    """Follows one console file. Safe for the thread that sends and the one that looks at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._number = 0
        self._open = ""  # the line that is not finished yet
        self._waiting: dict[int, ConsoleLine] = {}
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._lock = threading.Lock()

    def take(self, now: float) -> list[ConsoleLine]:
        """The lines to send next: new and changed ones. Give them back with `again` when sending failed."""
        with self._lock:
            self._read(now)
            numbers = sorted(self._waiting)[:BATCH_LINES]
            return [self._waiting.pop(number) for number in numbers]

    def again(self, lines: list[ConsoleLine]) -> None:
        with self._lock:
            for line in lines:
                self._waiting.setdefault(line["number"], line)

    def tail(self, now: float) -> list[str]:
        """The last lines, after reading to the end."""
        with self._lock:
            self._read(now)
            return [*self._tail, *([self._open] if self._open else [])]

    def _read(self, now: float) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                while data := file.read(READ_BYTES):
                    self._offset += len(data)
                    self._feed(self._decoder.decode(data), now)
        except FileNotFoundError:
            return

    def _feed(self, text: str, now: float) -> None:
        *whole, rest = (self._open + text.replace("\r\n", "\n")).split("\n")
        for line in whole:
            shown = _shown(line)
            self._keep(shown, now)
            self._tail.append(shown)
            self._number += 1
        changed = rest != self._open or bool(whole)
        self._open = _shown(rest) + ("\r" if rest.endswith("\r") else "")
        if changed and self._open:
            self._keep(_shown(self._open), now)

    def _keep(self, text: str, now: float) -> None:
        line: ConsoleLine = {"number": self._number, "text": text, "stream": "stdout", "time": now}
        self._waiting[self._number] = line
        if len(self._waiting) > KEPT_LINES:
            self._waiting.pop(next(iter(self._waiting)))


def _shown(line: str) -> str:
    """What a terminal would show of it: what follows the last carriage return that has text after it."""
    return line.rstrip("\r").rpartition("\r")[2][:LINE_LIMIT]
