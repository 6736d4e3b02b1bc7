"""The table of `swept train` and `swept compare` as lines: a column a training, a row a quantity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from swept.analysis.lineup import Entry, Lineup, tested_metrics
from swept.cli.render import table

MODEL = "model"
_SIZES: Sequence[tuple[str, Callable[[Entry], float | None]]] = (
    ("parameters (M)", lambda item: None if item.parameters is None else item.parameters / 1e6),
    ("GFLOPs", lambda item: item.gflops),
    ("ms an image", lambda item: item.speed),
)


def lineup_lines(metric: str, found: Lineup) -> list[str]:
    """A row only where an entry has something for it; then the warnings."""
    rows: list[tuple[str, Callable[[Entry], Any]]] = [
        ("run", lambda item: item.run.number),
        ("state", lambda item: str(item.run.state)),
        ("model", lambda item: item.run.config.get(MODEL)),
        ("steps", lambda item: item.steps),
        (metric or "value", lambda item: item.value),
        *((f"test {name}", _tested(name)) for name in tested_metrics(found.entries)),
        *_SIZES,
    ]
    body = [[name, *(read(item) for item in found.entries)] for name, read in rows]
    body = [row for row in body if any(cell is not None for cell in row[1:])]
    head = ["", *(item.label for item in found.entries)]
    return [*table(head, body, right=True), *(f"note: {line}" for line in found.warnings)]


def _tested(name: str) -> Callable[[Entry], float | None]:
    return lambda item: item.test.get(name)
