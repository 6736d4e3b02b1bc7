"""Time that passes only when it is told to."""

from __future__ import annotations

import threading


class FakeClock:
    """A `swept.clock.Clock`: starts at `start`, moves by `advance` and by `sleep`, which never waits."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._monotonic = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds since this clock was made, as far as they were let pass."""
        with self._lock:
            return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self.advance(seconds)

    def advance(self, seconds: float) -> float:
        """Let `seconds` pass; the new time. Raises ValueError for a negative number."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds}")
        with self._lock:
            self._now += seconds
            self._monotonic += seconds
            return self._now
