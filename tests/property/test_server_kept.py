"""What the server keeps from one look to the next is what it would read anew, after any sequence of changes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from swept.errors import Conflict
from swept.model import Run
from swept.server.gathered import Boards, Gathered
from swept.server.histories import Histories
from swept.server.overview import Overview
from swept.store.base import RunFilter
from swept.store.read_board_base import Scope, Series
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import in_memory
from swept.testing.store_world import HAPPENINGS, METRICS, World

LOOKS = st.sampled_from((True, True, True, False))
STEPS = st.lists(
    st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 200), LOOKS), min_size=10, max_size=25
)


@settings(max_examples=20, deadline=None)
@given(STEPS)
def test_what_is_kept_is_what_would_be_read_anew(
    steps: list[tuple[Callable[[World, int], None], int, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'swept.db'}")
        try:
            world = World(store)
            boards = Boards(store)
            keeper = boards.of(Scope(sweep=world.sweep))
            histories = Histories(store, boards)
            served = in_memory(store, FakeClock(), Path(folder) / "files")
            overview = Overview(served.context)
            asked_for_times = False
            for happens, at, look in steps:
                try:
                    happens(world, at)
                except Conflict:
                    continue  # not in this state
                if look:
                    fresh = Boards(store).of(Scope(sweep=world.sweep))
                    timed = at % 4 == 0
                    asked_for_times = asked_for_times or timed
                    _same(keeper.look(times=timed), fresh.look(times=asked_for_times))
                    for name in METRICS:
                        now, kept = keeper.metric(name)
                        anew = fresh.metric(name)[1]
                        _alike(kept, anew)
                        assert list(kept) == [run.id for run in now.runs]
                    listed = Overview(served.context)
                    assert repr(overview.entries()) == repr(listed.entries())
                    assert repr(overview.sweeps()) == repr(listed.sweeps())
                    whole = store.runs(RunFilter(sweep=world.sweep))
                    analysed = list(map(_analysed, histories.of(world.sweep)))
                    assert repr(analysed) == repr(list(map(_analysed, whole)))  # NaN is as NaN
        finally:
            store.close()


def _analysed(run: Run) -> Run:
    """Without what nobody analyses."""
    why = {"reason": run.why.get("reason", "")}
    attempts = tuple(replace(one, exit_code=None, signal=None) for one in run.attempts)
    bare = replace(run, checkpoint=None, details={}, overrides={}, desired_why="")
    return replace(bare, why=why, attempts=attempts)


def _same(kept: Gathered, anew: Gathered) -> None:
    assert repr([replace(run, curve=()) for run in kept.runs]) == repr(
        [replace(run, curve=()) for run in anew.runs]
    )
    assert [repr(run.curve) for run in kept.runs] == [repr(run.curve) for run in anew.runs]
    _alike(kept.series, anew.series)


def _alike(kept: Mapping[str, Series], anew: Mapping[str, Series]) -> None:
    assert kept.keys() == anew.keys()
    for run, one in kept.items():
        assert _listed(one) == _listed(anew[run])


def _listed(one: Series) -> str:
    """NaN is as NaN."""
    times = None if one.times is None else one.times.tolist()
    return repr((one.steps.tolist(), one.values.tolist(), times))
