"""How values look in a terminal: numbers, durations, sparklines, bars, tables. Pure: text in, text out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from swept.analysis.figures import figure

BLOCKS = "▁▂▃▄▅▆▇█"
_BAR = " ▏▎▍▌▋▊▉█"
_UNITS = ("B", "KB", "MB", "GB", "TB")


def duration(seconds: float | None) -> str:
    """`42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`; `–` for None."""
    if seconds is None:
        return "–"
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def moment(time: float | None) -> str:
    """Local date and time, to the minute."""
    return "–" if time is None else f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M}"


def size(count: float) -> str:
    unit = 0
    while count >= 1000 and unit < len(_UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 else f"{count:.1f} {_UNITS[unit]}"


def sparkline(values: Sequence[float], width: int, low: float, high: float) -> str:
    """A curve in at most `width` characters on the scale low … high; the last value is always shown.

    Points that are not finite are blanks, so that a diverged run does not look like a bad one.
    """
    if not values or width < 1:
        return ""
    if len(values) > width:
        stride = (len(values) - 1) / max(width - 1, 1)
        values = [values[len(values) - 1 - round(stride * i)] for i in reversed(range(width))]
    return "".join(_block(value, low, high) for value in values)


def bar(share: float, width: int) -> str:
    """A progress bar of exactly `width` characters; `share` is clipped to 0 … 1."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BAR[rest] if rest else "")).ljust(width, "░")[:width]


def pairs(config: Mapping[str, Any], names: Iterable[str] | None = None) -> str:
    """`lr0=0.01 mosaic=0.8`, in the order of `names` (default: the mapping's own)."""
    chosen = config if names is None else [name for name in names if name in config]
    return " ".join(f"{name}={figure(config[name])}" for name in chosen)


def clip(text: str, width: int) -> str:
    """`text` on one line of at most `width` characters, with … where something is missing."""
    text = printable(text)
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def printable(text: str) -> str:
    """Line breaks and control characters as spaces: names come from others and must not steer the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, right: bool = False) -> list[str]:
    """Aligned columns: numbers to the right, text to the left; two spaces between columns.

    `right`: every column but the first goes to the right (tables whose rows mix text and numbers).
    """
    body = list(rows)
    cells = [[printable(figure(cell)) for cell in row] for row in body]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    to_right = [
        (right and i > 0) or all(isinstance(row[i], int | float | None) for row in body)
        for i in range(len(head))
    ]
    return [
        "  ".join(_place(c, w, r) for c, w, r in zip(row, widths, to_right, strict=True)).rstrip()
        for row in [list(head), *cells]
    ]


def _place(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return " "
    if high <= low:
        return BLOCKS[0]
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return BLOCKS[round(share * (len(BLOCKS) - 1))]
