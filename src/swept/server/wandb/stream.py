"""The body of a file-stream post, read into rows, console lines and marks. Pure: nothing is stored here.

Every part may be missing; `{}` is a sign of life. History, system metrics and summary are lines of JSON text with
bare NaN tokens. A line that cannot be read is left out and counted, never an error: the client takes one 4xx
answer as the end of the run's upload, and would repeat a 5xx for ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from swept.model import Row
from swept.server.wandb import tokens
from swept.store import visible
from swept.wire.reports import ConsoleLine

HISTORY = "wandb-history.jsonl"
EVENTS = "wandb-events.jsonl"
SUMMARY = "wandb-summary.json"


@dataclass(frozen=True, slots=True)
class Loose:
    """One history row; `step` is None in the client's shared mode, where the server numbers the rows."""

    step: int | None
    metrics: Mapping[str, Any]
    time: float | None


@dataclass(frozen=True, slots=True)
class Post:
    """What one post says."""

    rows: tuple[Loose, ...] = ()
    first_row: int = 0  # the number of the first one's line
    events: tuple[Row, ...] = ()
    summary: Mapping[str, Any] | None = None  # replaces the one before
    console: tuple[ConsoleLine, ...] = ()
    complete: bool = False
    exit_code: int | None = None
    preempting: bool = False
    unreadable: int = 0  # lines that were left out


def read(body: Mapping[str, Any], now: float) -> Post:
    """Sort the post's files. `now` is given to console lines that carry no time."""
    files = body.get("files")
    named: Mapping[str, Any] = files if isinstance(files, Mapping) else {}
    history, bad_rows = _objects(_content(named.get(HISTORY)))
    events, bad_events = _objects(_content(named.get(EVENTS)))
    summaries, bad_summaries = _objects(_content(named.get(SUMMARY))[-1:])
    console = [
        line
        for name, part in named.items()
        if name.startswith("output") and name.endswith(".log")
        for line in _console(part, now)
    ]
    code = body.get("exitcode")
    return Post(
        rows=tuple(_loose(row) for row in history),
        first_row=_offset(named.get(HISTORY)),
        events=_events(events, _offset(named.get(EVENTS))),
        summary=_without_bookkeeping(summaries[-1]) if summaries else None,
        console=tuple(console),
        complete=body.get("complete") is True,
        exit_code=code if isinstance(code, int) else None,
        preempting=body.get("preempting") is True,
        unreadable=bad_rows + bad_events + bad_summaries,
    )


def numbered(rows: Sequence[Loose], following: int) -> list[Row]:
    """The rows with their steps; those that came without one are numbered on from `following`."""
    placed: list[Row] = []
    for row in rows:
        step = following if row.step is None else row.step
        placed.append(Row(step, row.metrics, time=row.time))
        following = max(following, step + 1)
    return placed


def line_of(row: Row) -> dict[str, Any]:
    """A stored row as the client wrote it."""
    time = {} if row.time is None else {"_timestamp": row.time}
    return {**row.metrics, **time, "_step": row.step}


def _content(part: Any) -> list[Any]:
    content = part.get("content") if isinstance(part, Mapping) else None
    if isinstance(content, list):
        return content
    return [content] if isinstance(content, str) else []


def _offset(part: Any) -> int:
    offset = part.get("offset") if isinstance(part, Mapping) else None
    return offset if isinstance(offset, int) and offset >= 0 else 0


def _objects(lines: Sequence[Any]) -> tuple[list[dict[str, Any]], int]:
    """The lines that are JSON objects, and how many were not."""
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            value = tokens.loads(line) if isinstance(line, str) else line
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found, len(lines) - len(found)


def _number(value: Any) -> float | None:
    """A finite one: no step and no time is anything else."""
    found = None if isinstance(value, bool) else visible.number(value)
    return found if found is not None and math.isfinite(found) else None


def _loose(row: dict[str, Any]) -> Loose:
    step = _number(row.pop("_step", None))
    time = _number(row.pop("_timestamp", None))
    whole = step is not None and abs(step) < 2**53
    return Loose(int(step) if step is not None and whole else None, _without_bookkeeping(row), time)


def _without_bookkeeping(values: dict[str, Any]) -> dict[str, Any]:
    values.pop("_wandb", None)
    return values


def _events(rows: Sequence[dict[str, Any]], offset: int) -> tuple[Row, ...]:
    """System metrics have no step: the line number, which repeats when the client repeats the post."""
    return tuple(
        Row(offset + index, loose.metrics, time=loose.time)
        for index, loose in enumerate(_loose(row) for row in rows)
    )


def _console(part: Any, now: float) -> list[ConsoleLine]:
    offset = _offset(part)
    return [
        _console_line(str(line), offset + index, now) for index, line in enumerate(_content(part))
    ]


def _console_line(text: str, number: int, now: float) -> ConsoleLine:
    """`[ERROR ]ISO-TIME text`, or an object with `ts`, `level`, `content` from newer clients."""
    structured = tokens.mapping(text) if text.startswith('{"') else {}
    if "content" in structured and "ts" in structured:
        time = _moment(str(structured["ts"]))
        stream = "stderr" if structured.get("level") == "error" else "stdout"
        content = str(structured["content"])
    else:
        stream, rest = ("stderr", text[6:]) if text.startswith("ERROR ") else ("stdout", text)
        stamp, _, content = rest.partition(" ")
        time = _moment(stamp)
        if time is None:
            content = rest
    return ConsoleLine(
        number=number,
        text=content.removesuffix("\n"),
        stream=stream,
        time=now if time is None else time,
    )


def _moment(stamp: str) -> float | None:
    """An ISO time without zone is UTC, as the client writes it."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
