"""Answers are made once a stage, and nobody waits for a new one who can have the last."""

from __future__ import annotations

import threading

from swept.server.insights import SHARE, Kept
from swept.testing.clock import FakeClock


def test_an_answer_is_made_once_a_stage() -> None:
    kept, made = Kept[int](8), list[int]()

    def make() -> int:
        made.append(len(made))
        return made[-1]

    assert [kept.get(("a",), stage, make) for stage in ((1,), (1,), (2,), (2,))] == [0, 0, 1, 1]
    assert kept.get(("b",), (2,), make) == 2


def test_those_asked_for_last_are_kept() -> None:
    kept, made = Kept[str](2), list[str]()

    def get(name: str) -> None:
        def make() -> str:
            made.append(name)
            return name

        kept.get((name,), (), make)

    for name in ("a", "b", "a", "c", "a", "b"):
        get(name)
    assert made == ["a", "b", "c", "b"]


def test_while_one_thread_makes_the_next_answer_others_get_the_last() -> None:
    kept = Kept[str](8)
    kept.get(("a",), (1,), lambda: "old")
    begun, go_on = threading.Event(), threading.Event()
    answers: list[str] = []

    def slow() -> str:
        begun.set()
        assert go_on.wait(30.0)
        return "new"

    thread = threading.Thread(target=lambda: answers.append(kept.get(("a",), (2,), slow)))
    thread.start()
    assert begun.wait(30.0)
    assert kept.get(("a",), (2,), lambda: "never made") == "old"
    go_on.set()
    thread.join(30.0)
    assert answers == ["new"]
    assert kept.get(("a",), (2,), lambda: "never made") == "new"


def test_a_failure_is_not_kept() -> None:
    kept = Kept[int](8)

    def fail() -> int:
        raise ValueError

    for _ in range(2):
        try:
            kept.get(("a",), (1,), fail)
        except ValueError:
            continue
        raise AssertionError
    assert kept.get(("a",), (1,), lambda: 3) == 3


def test_while_runs_are_at_work_making_answers_takes_no_more_than_its_share() -> None:
    clock, made = FakeClock(), list[float]()
    kept = Kept[int](8, clock.monotonic)

    def make() -> int:
        clock.advance(2.0)
        made.append(clock.monotonic())
        return len(made)

    def ask(*, pressing: bool = False) -> int:
        return kept.get(("a",), (clock.monotonic(),), make, pressing=pressing)

    assert ask() == 1
    assert ask() == 1, "soon after, the last one has to do"
    for _ in range(400):
        clock.advance(1.0)
        ask()
    assert 2.0 * (len(made) - 1) <= SHARE * clock.monotonic()
    assert len(made) > 5
    before = len(made)
    assert ask(pressing=True) == before + 1
    assert kept.get(("b",), (), make, pressing=False) == before + 2, "nobody waits for a first one"
