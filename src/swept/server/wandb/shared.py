"""W&B's shared mode: several processes write one run at once, each named by a header of its requests.

Each counts its lines from 0. So the server gives their rows steps, in the order in which they come, and knows by
writer and line what it has already; console and system metrics of each have numbers of their own. The process that
began the run ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from swept.model import Run
from swept.server.wandb.service import SHARED, mark
from swept.server.wandb.stream import Post
from swept.wire.reports import ConsoleLine

RANGE = 10_000_000


def joined(run: Run, writer: str) -> dict[str, Any]:
    """The details of a run that has this writer too."""
    lines = _lines(run)
    return _details(run, {**lines, writer: lines.get(writer, 0)})


def began(run: Run, writer: str) -> bool:
    """Whether this process began the run, and ends it."""
    return writer == next(iter(_lines(run)), writer)


def placed(run: Run, writer: str, post: Post) -> Post:
    """What is new of the post, with console and system metrics among those of the other writers."""
    lines = _lines(run)
    first = RANGE * ([*lines, writer].index(writer))
    known = max(0, lines.get(writer, 0) - post.first_row)
    return replace(
        post,
        rows=tuple(replace(row, step=None) for row in post.rows[known:]),
        events=tuple(replace(row, step=first + row.step) for row in post.events),
        console=tuple(_moved(line, first) for line in post.console),
    )


def taken(run: Run, writer: str, post: Post) -> dict[str, Any]:
    """The details of a run that has the post's rows too: stored with them, so that the same lines again are known."""
    lines = _lines(run)
    reached = max(lines.get(writer, 0), post.first_row + len(post.rows))
    return _details(run, {**lines, writer: reached})


def _lines(run: Run) -> Mapping[str, int]:
    """Writer → how many rows of it are stored, under the present attempt."""
    kept = run.details.get(SHARED)
    return kept["lines"] if isinstance(kept, Mapping) and kept["attempt"] == mark(run) else {}


def _details(run: Run, lines: Mapping[str, int]) -> dict[str, Any]:
    return {SHARED: {"attempt": mark(run), "lines": dict(lines)}}


def _moved(line: ConsoleLine, first: int) -> ConsoleLine:
    return {**line, "number": first + line["number"]}
