"""The table of `swept train` and `swept compare` as lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from swept.analysis.lineup import Entry, Lineup, tested_metrics
from swept.cli.render import table

_OPTIONAL: Sequence[tuple[str, Callable[[Entry], float | None]]] = (
    ("params (M)", lambda item: None if item.parameters is None else item.parameters / 1e6),
    ("GFLOPs", lambda item: item.gflops),
    ("ms/image", lambda item: item.speed),
)


def lineup_lines(metric: str, found: Lineup) -> list[str]:
    """A column only where a row has something for it; then the warnings."""
    optional = [
        (head, read)
        for head, read in _OPTIONAL
        if any(read(item) is not None for item in found.entries)
    ]
    tests = tested_metrics(found.entries)
    head = ["", "run", "state", "steps", metric or "value"]
    head += [f"test {name}" for name in tests] + [name for name, _ in optional]
    rows = [_row(item, tests, [read for _, read in optional]) for item in found.entries]
    return [*table(head, rows), *(f"note: {warning}" for warning in found.warnings)]


def _row(
    item: Entry, tests: Sequence[str], optional: Sequence[Callable[[Entry], float | None]]
) -> list[Any]:
    fixed = [item.label, item.run.number, str(item.run.state), item.steps, item.value]
    return [*fixed, *(item.test.get(name) for name in tests), *(read(item) for read in optional)]
