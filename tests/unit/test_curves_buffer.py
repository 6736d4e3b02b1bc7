"""The buffer of many curves: what a page reads out of it is what was put in."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from swept.server.curves import Encoding, encode
from swept.store.read_board_base import Series

BOTH: tuple[Encoding, ...] = ("f32", "u16")


@dataclass
class Decoded:
    head: dict[str, Any]
    steps: list[list[float]]
    values: list[list[float]]
    times: list[list[float]]


def decode(buffer: bytes) -> Decoded:
    """As `CurvesHeader` in dashboard/src/types.ts says, in plain words."""
    size = int.from_bytes(buffer[:4], "little")
    assert (4 + size) % 8 == 0
    head = json.loads(buffer[4 : 4 + size])
    n, points, at = head["n"], head["points"], 4 + size

    def plane(kind: str, count: int) -> NDArray[Any]:
        nonlocal at
        found = np.frombuffer(buffer, np.dtype(kind), count, at)
        at += found.nbytes
        return found

    lengths = plane("<u4", n)
    assert lengths.sum() == points
    ends = np.cumsum(lengths)[:-1]
    times: NDArray[Any] = np.empty(points)
    if head["encoding"] == "f32":
        steps, values = plane("<f4", points), plane("<f4", points)
        if head["times"]:
            times = plane("<f4", points)
    else:
        steps, levels = (
            _summed(plane("u1", points), plane("u1", points), lengths) for _ in range(2)
        )
        low, high = head["low"], head["high"]
        values = np.array(
            [
                math.nan if q == 65535 else low * (1 - q / 65534) + high * (q / 65534)
                for q in levels.tolist()
            ]
        )
    assert at == len(buffer)
    apart = (
        [part.tolist() for part in np.split(all_, ends)[:n]] for all_ in (steps, values, times)
    )
    return Decoded(head, *apart)


def _summed(low: NDArray[Any], high: NDArray[Any], lengths: NDArray[Any]) -> NDArray[Any]:
    found: list[int] = []
    place = 0
    for length in lengths.tolist():
        last = 0
        for _ in range(length):
            last = (last + int(low[place]) + 256 * int(high[place])) % 65536
            found.append(last)
            place += 1
    return np.array(found)


def series(*points: tuple[int, float]) -> Series:
    return Series(
        np.array([step for step, _ in points], np.int64), np.array([value for _, value in points])
    )


def alike(found: list[float], wanted: list[float], tolerance: float) -> bool:
    return len(found) == len(wanted) and all(
        (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-6, abs_tol=tolerance)
        for a, b in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("encoding", BOTH)
def test_runs_without_a_curve_stand_between_those_with_one(encoding: Encoding) -> None:
    rows = [None, series((1, 0.5), (2, 0.25)), series(), series((7, -1.0)), None]
    found = decode(encode("loss", rows, encoding))
    assert found.head | {"low": 0, "high": 0} == {
        "schema": 1,
        "metric": "loss",
        "encoding": encoding,
        "n": 5,
        "points": 3,
        "low": 0,
        "high": 0,
        "times": False,
    }
    assert (found.head["low"], found.head["high"]) == (-1.0, 0.5)
    assert found.steps == [[], [1, 2], [], [7], []]
    for values, wanted in zip(found.values, ([], [0.5, 0.25], [], [-1.0], []), strict=True):
        assert alike(values, wanted, 1.5 / 65534)


@pytest.mark.parametrize("encoding", BOTH)
def test_nothing_at_all_is_a_buffer_too(encoding: Encoding) -> None:
    assert decode(encode("loss", [], encoding)).head["n"] == 0
    assert decode(encode("loss", [None, None], encoding)).steps == [[], []]


@pytest.mark.parametrize("name", ['a "quoted" \\ name', "Verlust µ\u2028", "\ud800", "</script>"])
def test_any_name_of_a_metric_comes_back(name: str) -> None:
    assert decode(encode(name, [series((1, 1.0))])).head["metric"] == name


def test_values_that_are_no_numbers() -> None:
    rows = [series((1, math.nan), (2, math.inf), (3, 1.0), (4, -math.inf), (5, 2.0))]
    assert alike(decode(encode("x", rows)).values[0][:1], [math.nan], 0)
    assert decode(encode("x", rows)).values[0][1:] == [math.inf, 1.0, -math.inf, 2.0]
    levels = decode(encode("x", rows, "u16"))
    assert alike(levels.values[0], [math.nan, math.nan, 1.0, math.nan, 2.0], 1e-9)
    assert (levels.head["low"], levels.head["high"]) == (1.0, 2.0)


@pytest.mark.parametrize("encoding", BOTH)
def test_curves_of_one_value_and_of_none(encoding: Encoding) -> None:
    flat = decode(encode("x", [series((1, 3.25), (2, 3.25))], encoding))
    assert flat.values == [[3.25, 3.25]]
    diverged = decode(encode("x", [series((1, math.nan))], encoding))
    assert alike(diverged.values[0], [math.nan], 0)
    assert (diverged.head["low"], diverged.head["high"]) == (0.0, 0.0)


def test_values_as_far_apart_as_floats_go() -> None:
    found = decode(encode("x", [series((1, -1.7e308), (2, 1.7e308))], "u16"))
    assert alike(found.values[0], [-1.7e308, 1.7e308], 0)
    wide = decode(encode("x", [series((1, -1.7e308), (2, 1.7e308))]))
    assert wide.values == [[-math.inf, math.inf]]


def test_steps_that_sixteen_bits_cannot_say_are_sent_as_floats() -> None:
    assert decode(encode("x", [series((0, 1.0), (65535, 2.0))], "u16")).steps == [[0, 65535]]
    for step in (65536, 10_000_000, -1):
        found = decode(encode("x", [series((step, 1.0))], "u16"))
        assert (found.head["encoding"], found.steps) == ("f32", [[step]])


def test_one_run_that_went_far_away_flattens_no_other() -> None:
    plain = series(*((step, 1.0 / step) for step in range(1, 40)))
    found = decode(encode("loss", [plain, series((1, 0.9), (2, 1e7))], "u16"))
    assert found.values[0] == pytest.approx(plain.values.tolist(), rel=1e-6)
    assert (
        decode(encode("loss", [plain, series((1, 0.9), (2, 2.0))], "u16")).head["encoding"] == "u16"
    )


def test_times_count_from_the_start_of_each_run() -> None:
    one = Series(np.array([1, 2]), np.array([0.5, 0.4]), np.array([1_700_000_030.0, math.nan]))
    found = decode(encode("x", [None, one, series((1, 1.0))], "f32", [0.0, 1_700_000_000.0, 5.0]))
    assert found.head["times"] is True
    assert alike(found.times[1], [30.0, math.nan], 0)
    assert alike(found.times[2], [math.nan], 0)


_VALUES = st.floats(-1e6, 1e6) | st.just(math.nan)
_CURVE = st.dictionaries(st.integers(0, 65535), _VALUES, max_size=12).map(
    lambda points: series(*sorted(points.items()))
)


@given(st.lists(st.none() | _CURVE, max_size=8), st.sampled_from(BOTH))
def test_what_is_put_in_comes_out(rows: list[Series | None], encoding: Encoding) -> None:
    found = decode(encode("x", rows, encoding))
    low, high = found.head["low"], found.head["high"]
    half_a_level = (high - low) / 65534 / 2 + 1e-6
    for row, steps, values in zip(rows, found.steps, found.values, strict=True):
        assert steps == (row.steps.tolist() if row else [])
        wanted = row.values.tolist() if row else []
        assert alike(values, wanted, 0.1 if found.head["encoding"] == "f32" else half_a_level)
