"""What people type, as values: settings, models, GPUs; and what is refused."""

from __future__ import annotations

from typing import cast

import pytest

from swept.analysis.results import Question
from swept.cli.compare import model_names
from swept.cli.control import parse_values
from swept.cli.live import LiveView, working_slots
from swept.cli.screen import Look
from swept.cli.train import epochs_parameter
from swept.cli.work import AgentFlags, places
from swept.client import Client
from swept.errors import UsageError
from swept.model import Goal
from swept.testing.clock import FakeClock
from swept.wire.sweeps import SweepView


def test_values_are_yaml_and_numbers_may_be_written_as_everywhere() -> None:
    words = [
        "lr0=1e-3",
        "n=5",
        "on=true",
        "opt=SGD",
        "name='1e-3'",
        "sizes=[1, 2]",
        "free=a=b",
        "e=",
    ]
    assert parse_values(words) == {
        "lr0": 0.001,
        "n": 5,
        "on": True,
        "opt": "SGD",
        "name": "1e-3",
        "sizes": [1, 2],
        "free": "a=b",
        "e": None,
    }


@pytest.mark.parametrize("words", [[], ["lr0"], ["=1"], ["a=1", "a=2"], ["a=[1"]])
def test_what_is_no_setting_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_values(words)


def test_models_are_taken_once_each_in_order() -> None:
    assert model_names(" yolo11s, yolo11n,,yolo11s ") == ["yolo11s", "yolo11n"]
    with pytest.raises(UsageError):
        model_names(" , ")


def test_a_sweep_that_does_not_name_its_epochs_is_refused_with_the_mend() -> None:
    view = cast(SweepView, {"id": "s1"})
    with pytest.raises(UsageError) as caught:
        epochs_parameter(Question("map", Goal.MAXIMIZE, epochs=9), view)
    assert "swept: {epochs: NAME}" in caught.value.hint
    named = Question("map", Goal.MAXIMIZE, epochs=9, epochs_parameter="steps")
    assert epochs_parameter(named, view) == "steps"


@pytest.mark.parametrize(
    ("slots", "gpus", "expected"),
    [
        (None, None, [None]),
        (2, None, [None, None]),
        (2, "none", ["none", "none"]),
        (None, "0,1", ["0", "1"]),
        (1, "0, 1", ["0"]),
    ],
)
def test_agents_side_by_side_share_what_the_flags_give(
    slots: int | None, gpus: str | None, expected: list[str | None]
) -> None:
    assert places(AgentFlags(None, slots, gpus, "local")) == expected


def test_only_agents_that_were_heard_of_count_as_slots() -> None:
    agents = [
        {"slots": 2, "ended": None, "last_seen": 95.0},
        {"slots": 4, "ended": None, "last_seen": 1.0},
        {"slots": 8, "ended": 90.0, "last_seen": 90.0},
    ]
    assert working_slots(cast(SweepView, {"agents": agents}), 100.0) == 2
    assert working_slots(cast(SweepView, {"agents": []}), 100.0) == 1


class Lines:
    """A display that keeps the events."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def open(self) -> None: ...

    def event(self, line: str) -> None:
        self.events.append(line)

    def show(self, look: Look) -> None: ...

    def close(self) -> None: ...


def test_that_a_budget_is_used_up_is_said_once_though_several_slots_hear_it() -> None:
    """Each end of a run makes the agent ask for another, and with a budget of hours the answer has other figures."""
    told = Lines()
    view = cast(SweepView, {"id": "s1", "runs": []})
    question = Question("map", Goal.MAXIMIZE)
    with Client("http://127.0.0.1:9") as client:
        live = LiveView(client, view, question, footer="", clock=FakeClock(), display=told)
        for line in (
            "the budget of 2 slot-hours is used up (2.0 so far); 1 under way",
            "run 7 finished: it ended by itself",
            "the budget of 2 slot-hours is used up (2.1 so far)",
            "the budget of 6 runs is used up; 1 under way",
            "the budget of 6 runs is used up",
        ):
            live.hear(line)
    assert told.events == [
        "the budget of 2 slot-hours is used up (2.0 so far); 1 under way",
        "the budget of 6 runs is used up; 1 under way",
    ]
