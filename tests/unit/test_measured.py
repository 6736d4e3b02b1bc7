"""What is kept of an agent's figures of the machine."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from swept.store.measured import MOST_INTERVALS, WHOLE_SECONDS, superfluous


def kept(seconds: list[int], newest: int) -> list[int]:
    gone = set(superfluous(seconds, newest))
    return [second for second in seconds if second not in gone]


def test_the_last_hour_is_whole_and_before_it_there_is_a_row_a_minute() -> None:
    seconds = list(range(10_007, 30_000, 15))
    found = kept(seconds, seconds[-1])
    begins = seconds[-1] - WHOLE_SECONDS
    assert [one for one in found if one >= begins] == [one for one in seconds if one >= begins]
    earlier = [one for one in found if one < begins]
    assert earlier[0] == seconds[0]
    assert [one // 60 for one in earlier] == list(range(10_007 // 60, (begins - 1) // 60 + 1))


def test_however_long_a_run_trains_its_rows_are_bounded_and_evenly_spread() -> None:
    seconds: list[int] = []
    for second in range(0, 40 * 86_400, 60):
        seconds = kept([*seconds, second], second) if second % 3600 == 0 else [*seconds, second]
    assert len(seconds) <= MOST_INTERVALS + 2 * WHOLE_SECONDS // 60
    assert seconds[0] == 0
    earlier = [one for one in seconds if one < seconds[-1] - 2 * WHOLE_SECONDS]
    assert len({after - before for before, after in pairwise(earlier)}) == 1


def test_a_pause_counts_little() -> None:
    trained = [*range(0, 36_000, 15), *range(900_000, 904_000, 15)]
    found = [one for one in kept(trained, trained[-1]) if one < 36_000]
    assert found == list(range(0, 36_000, 60))


def test_a_clock_that_was_wrong_for_a_row_costs_no_other_row() -> None:
    seconds = [5, *range(1_700_000_040, 1_700_040_000, 15)]
    found = kept(seconds, seconds[-1])
    assert found == [5, *kept(seconds[1:], seconds[-1])]


def test_a_second_that_two_attempts_measured_stays_where_one_of_them_would() -> None:
    assert superfluous([60, 60, 75, 90, 8000], 8000) == [75, 90]


@given(st.sets(st.integers(0, 10**6)), st.lists(st.integers(0, 10**6), max_size=4))
def test_it_makes_no_difference_how_often_it_was_thinned_out(
    seconds: set[int], between: list[int]
) -> None:
    newest = max(seconds, default=0)
    left = sorted(seconds)
    for at in sorted(between):
        earlier = max((one for one in seconds if one <= at), default=0)
        left = sorted(
            {
                *kept([one for one in left if one <= earlier], earlier),
                *(one for one in left if one > earlier),
            }
        )
    assert kept(left, newest) == kept(sorted(seconds), newest)
