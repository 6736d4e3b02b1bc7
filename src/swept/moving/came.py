"""What came, what did not, and why: counted from several threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COUNTED = ("new", "updated", "unchanged", "left_out", "rows", "files", "bytes")


@dataclass(slots=True)
class Came:
    """The account of one import."""

    counts: Counter[str] = field(default_factory=Counter)
    sweeps: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **counts: int) -> None:
        with self._lock:
            self.counts.update(counts)

    def leave_out(self, what: str, why: str) -> None:
        """`what` names it as the source does."""
        with self._lock:
            self.left_out.append({"what": what, "why": why})

    def view(self) -> Mapping[str, Any]:
        counted = {name: self.counts[name] for name in COUNTED}
        missing = sorted(self.left_out, key=lambda item: (item["what"], item["why"]))
        return {**counted, "sweeps": self.sweeps, "missing": missing}
