"""Answers are made once a stage, and nobody waits for a new one who can have the last."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from swept.server.apart import Unanswered
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


def test_at_rest_a_failure_is_not_kept() -> None:
    kept = Kept[int](8)
    for _ in range(2):
        with pytest.raises(ValueError, match="odd"):
            kept.get(("a",), (1,), _fail)
    assert kept.get(("a",), (1,), lambda: 3) == 3


def test_while_runs_are_at_work_what_failed_is_tried_again_after_its_rest() -> None:
    clock, tried = FakeClock(), list[float]()
    kept = Kept[int](8, clock.monotonic)

    def fail() -> int:
        tried.append(clock.monotonic())
        clock.advance(2.0)
        raise Unanswered("it took too long", hint="later")

    def ask(make: Callable[[], int] = fail) -> int:
        return kept.get(("a",), (clock.monotonic(),), make, pressing=False)

    for _ in range(3):
        with pytest.raises(Unanswered, match="took too long\nhint: later"):
            ask()
    assert tried == [0.0]
    clock.advance(2.0 / SHARE)
    assert ask(lambda: 3) == 3, "not kept for ever"
    clock.advance(1.0)
    with pytest.raises(Unanswered):
        ask()
    assert ask() == 3, "there is a last answer"
    assert len(tried) == 2


def test_what_failed_is_kept_in_words() -> None:
    clock = FakeClock()
    kept = Kept[int](8, clock.monotonic)

    def fail() -> int:
        clock.advance(2.0)
        return _fail()

    with pytest.raises(ValueError, match="odd"):
        kept.get(("a",), (1,), fail, pressing=False)
    with pytest.raises(Unanswered, match=r"the analysis failed: ValueError\('odd'\)"):
        kept.get(("a",), (1,), fail, pressing=False)


def test_who_waited_for_what_failed_does_not_try_it_again() -> None:
    kept, made, errors = Kept[int](8), list[str](), list[str]()
    begun, waiting = threading.Event(), threading.Event()

    def fail() -> int:
        made.append("first")
        begun.set()
        assert waiting.wait(30.0)
        raise Unanswered("it took too long")

    def ask(make: Callable[[], int]) -> None:
        try:
            kept.get(("a",), (1,), make)
        except Unanswered as error:
            errors.append(error.message)

    def again() -> int:
        made.append("again")
        return 1

    def wait() -> None:
        def call(_: object, event: str, called: object) -> None:
            if event == "c_call" and getattr(called, "__name__", "") == "acquire":
                waiting.set()

        sys.setprofile(call)  # of this thread
        ask(again)
        sys.setprofile(None)

    threads = [threading.Thread(target=ask, args=(fail,)), threading.Thread(target=wait)]
    threads[0].start()
    assert begun.wait(30.0)
    threads[1].start()
    for thread in threads:
        thread.join(30.0)
    assert (made, errors) == (["first"], ["it took too long"] * 2)
    assert kept.get(("a",), (1,), again) == 1


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


def _fail() -> int:
    raise ValueError("odd")
