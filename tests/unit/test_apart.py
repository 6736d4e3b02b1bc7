"""A pure function in a process of its own."""

from __future__ import annotations

import operator
import os
import threading
import time
from fractions import Fraction

import pytest

from swept.server.apart import Apart, Unanswered


def test_the_answer_comes_from_another_process() -> None:
    apart = Apart(threading.Event())
    assert apart(os.getpid) != os.getpid()
    assert apart(Fraction, 6, 4) == Fraction(3, 2)


class ReadSlowly:
    """A value that takes a second to read."""

    def __reduce__(self) -> tuple[object, ...]:
        return time.sleep, (1.0,)


def test_a_large_question_read_slowly_arrives_whole() -> None:
    apart = Apart(threading.Event(), limit=200.0)
    assert apart(operator.is_, ReadSlowly(), bytes(4_000_000)) is False


def test_a_failure_is_told_and_the_next_question_answered() -> None:
    apart = Apart(threading.Event())
    with pytest.raises(Unanswered, match="exit code 1"):
        apart(int, "no number")
    assert apart(int, "7") == 7


def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(Unanswered, match="took longer"):
        Apart(threading.Event(), limit=0.5)(time.sleep, 3600.0)


def test_the_servers_end_ends_it() -> None:
    stopping = threading.Event()
    told: list[str] = []

    def ask() -> None:
        try:
            Apart(stopping)(time.sleep, 3600.0)
        except Unanswered as error:
            told.append(error.message)

    thread = threading.Thread(target=ask)
    thread.start()
    stopping.set()
    thread.join(200.0)
    assert told == ["the server is ending"]
