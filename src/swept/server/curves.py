"""The curves of many runs as one buffer, from the server and in a report alike. Pure.

`CurvesHeader` in `dashboard/src/types.ts` is the layout:

    uint32 H · JSON of H bytes (ending in spaces, so that 4 + H is a multiple of 8) · planes, all little-endian

    f32   uint32 lengths[n] · float32 steps · float32 values (· float32 times)
    u16   uint32 lengths[n] · low bytes of the steps · their high bytes · low bytes of the values · their high bytes

Of u16 each number is the difference to the one before it in its run (the first: to 0), modulo 65536; a value is
low + (high - low) · q / 65534, and q = 65535 is NaN. Slowly changing curves so become bytes that gzip well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.server.along import Along
from swept.store.read_board_base import Series

SCHEMA = 1
LEVELS = 65534
NOT_A_NUMBER = 65535
FEWEST_LEVELS = 512
"""Of the middle half of all values: a chart is about so high."""
Encoding: TypeAlias = Literal["f32", "u16"]
_Floats: TypeAlias = NDArray[np.float64]


def encode(
    metric: str,
    rows: Sequence[Series | Along | None],
    encoding: Encoding = "f32",
    starts: Sequence[float] | None = None,
    coarse: int = 1,
    over: str | None = None,
    lacking: int = 0,
) -> bytes:
    """The buffer of one curve a row; `over`: the metric that its steps are of, which so many runs are `lacking`. `starts`
    (when each run began) asks for times, seconds since then. `coarse`: only each so manieth level of u16 is used, as noise
    of the last bits is what no gzip makes smaller.

    What u16 cannot say (steps beyond 65535 or below 0, a loss that went to 1e6 in one run and is about 1 in all others) is
    given as f32: the header tells.
    """
    lengths = np.array([len(one.steps) if one else 0 for one in rows], dtype="<u4")
    kept = [one for one in rows if one is not None]
    steps = np.concatenate([one.steps for one in kept]) if kept else np.empty(0, np.int64)
    values = np.concatenate([one.values for one in kept]) if kept else np.empty(0)
    if encoding == "u16" and len(steps) and (steps.max() > NOT_A_NUMBER or steps.min() < 0):
        encoding = "f32"
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    if encoding == "u16" and _crowded(finite, low, high):
        encoding = "f32"
    timed = starts is not None and encoding == "f32"
    head = {
        "schema": SCHEMA,
        "metric": metric,
        "encoding": encoding,
        "n": len(rows),
        "points": len(steps),
        "low": low,
        "high": high,
        "times": timed,
        **({"over": over, "lacking": lacking} if over is not None else {}),
    }
    planes = [lengths.tobytes()]
    if encoding == "u16":
        first = _firsts(lengths)
        planes += _planes(steps.astype(np.int64), first)
        planes += _planes(_levels(values, low, high, coarse), first)
    else:
        with np.errstate(over="ignore"):  # beyond float32 is infinite
            planes += [steps.astype("<f4").tobytes(), values.astype("<f4").tobytes()]
            if timed:
                planes.append(_times(rows, starts or ()).astype("<f4").tobytes())
    return _header(head) + b"".join(planes)


def _crowded(finite: _Floats, low: float, high: float) -> bool:
    """Whether the middle half of the values shares few levels, because others are far away."""
    if not len(finite) or max(-low, high) > float(np.finfo(np.float32).max):
        return False
    first, third = np.quantile(finite, (0.25, 0.75))
    return bool(0.0 < third - first < (high - low) * (FEWEST_LEVELS / LEVELS))


def _header(head: dict[str, Any]) -> bytes:
    text = json.dumps(head, separators=(",", ":")).encode()  # ASCII, whatever the metric is called
    text += b" " * (-(len(text) + 4) % 8)
    return len(text).to_bytes(4, "little") + text


def _times(rows: Sequence[Series | Along | None], starts: Sequence[float]) -> _Floats:
    found = [
        (one.times if one.times is not None else np.full(len(one.steps), np.nan)) - start
        for one, start in zip(rows, starts, strict=True)
        if one is not None
    ]
    return np.concatenate(found) if found else np.empty(0)


def _levels(values: _Floats, low: float, high: float, coarse: int) -> NDArray[np.int64]:
    """Infinite ones have no level: they are NaN here."""
    levels = np.full(len(values), NOT_A_NUMBER, dtype=np.int64)
    finite = np.isfinite(values)
    half = high / 2 - low / 2  # their difference may be too large for a float
    if half > 0:
        share = (values[finite] / 2 - low / 2) / half
        rounded = np.rint(share * (LEVELS / coarse)) * coarse
        levels[finite] = np.minimum(rounded, LEVELS).astype(np.int64)
    else:
        levels[finite] = 0
    return levels


def _firsts(lengths: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The places at which runs begin."""
    ends = np.cumsum(lengths.astype(np.int64))
    starts: NDArray[np.int64] = (ends - lengths)[lengths > 0]
    return starts


def _planes(numbers: NDArray[np.int64], firsts: NDArray[np.int64]) -> list[bytes]:
    before = np.zeros(len(numbers), dtype=np.int64)
    before[1:] = numbers[:-1]
    before[firsts] = 0
    coded = ((numbers - before) % (NOT_A_NUMBER + 1)).astype(np.uint16)
    return [(coded & 0xFF).astype(np.uint8).tobytes(), (coded >> 8).astype(np.uint8).tobytes()]
