"""What crosses to another process arrives as it was."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import pytest

from swept.model import Attempt, History, Kind, Outcome, Point, Run, RunState
from swept.pipes import dumps

RUN = Run(
    id="r1",
    project="p",
    sweep="s",
    number=1,
    name="r",
    kind=Kind.SEARCH,
    state=RunState.FINISHED,
    config={"lr": 0.1, "layers": [1, {"odd": "\ud800"}]},
    why={"reason": "because"},
    attempts=(Attempt(1, "a", "h", 1.0, 2.0, Outcome.FINISHED),),
)
CURVES = [
    (),
    (Point(0, 0.5),),
    (Point(-(2**63), math.inf), Point(3, -math.inf), Point(2**63 - 1, 5e-324)),
]


@pytest.mark.parametrize("curve", CURVES)
def test_a_run_arrives_as_it_was(curve: tuple[Point, ...]) -> None:
    run = replace(RUN, curve=curve)
    history = History((run, RUN))
    arrived = pickle.loads(dumps(("suggest", [history])))
    assert arrived == ("suggest", [history])
    assert repr(arrived) == repr(("suggest", [history]))


def test_what_is_no_number_stays_none() -> None:
    run = replace(RUN, curve=(Point(1, math.nan),))
    (point,) = pickle.loads(dumps(run)).curve
    assert point.step == 1
    assert math.isnan(point.value)
