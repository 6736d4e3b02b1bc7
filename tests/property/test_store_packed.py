"""Curves that were written down once more say what the points say, after any sequence of changes, also late ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swept.errors import Conflict
from swept.store import packed, packing
from swept.store.base import Store
from swept.store.connection import connect
from swept.store.database import Database
from swept.store.identity import SystemIdentities
from swept.store.read_board_base import Series
from swept.store.sql import open_store
from swept.testing.store_world import HAPPENINGS, World

Step: TypeAlias = tuple[Callable[[World, int], None], int, str]


class Elsewhere:
    """Another process at the same store: what it read may be old by the time it writes."""

    def __init__(self, url: str) -> None:
        self._database = Database(connect(url), SystemIdentities())
        self._found: packing.Found | None = None

    def look(self, runs: list[str], most: int) -> None:
        self._found = self._database.read(lambda connection: packing.look(connection, runs, most))

    def write(self) -> None:
        found = self._found
        if found is not None:
            self._database.write(lambda work: packed.write(work, found.copies))

    def close(self) -> None:
        self._database.close()


def given_back(world: World, at: int) -> None:
    """What was held waits, and is at rest."""
    if world.held:
        world.now = max(lease.expires for lease in world.held) + 1.0
        world.store.expire(now=world.now)
        world.held.clear()


def begun_again(world: World, at: int) -> None:
    """Attempts that hide what earlier ones said, without a point of their own."""
    world.take(at)
    for each in range(len(world.held)):
        world.beside_it(each)


def packed_and_hidden(world: World, at: int) -> None:
    """A copy is made of what is hidden right after it."""
    given_back(world, at)
    world.store.pack_curves(world.store.moved_runs(None), points=10**9)
    begun_again(world, at)


_OFTEN = 3 * (World.objective, given_back, begun_again, packed_and_hidden)
STEPS = st.lists(
    st.tuples(
        st.sampled_from((*HAPPENINGS, *_OFTEN)),
        st.integers(0, 200),
        st.sampled_from(("pack", "pack", "look elsewhere", "write elsewhere", "", "")),
    ),
    min_size=10,
    max_size=30,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_packed_curves_are_those_of_the_points(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _play(f"sqlite:///{Path(folder) / 'swept.db'}", steps)


@pytest.mark.postgres
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_packed_curves_are_those_of_the_points_on_postgresql(
    postgres_url: str, steps: list[Step]
) -> None:
    _play(postgres_url, steps)


def _play(url: str, steps: list[Step]) -> None:
    store = open_store(url)
    elsewhere = Elsewhere(url)
    try:
        world = World(store)
        for happens, at, then in steps:
            try:
                happens(world, at)
            except Conflict:
                continue  # not in this state
            runs = store.moved_runs(None)
            if then == "pack":
                while runs:
                    runs = store.pack_curves(runs, points=1 + at)
            elif then == "look elsewhere":
                elsewhere.look(runs, 1 + at)
            elif then == "write elsewhere":
                elsewhere.write()
            _agree(store)
        runs = store.moved_runs(None)
        assert store.pack_curves(runs, points=10**9) == []
        _agree(store)
    finally:
        elsewhere.close()
        store.close()


def _agree(store: Store) -> None:
    """Times are in no copy: with them every point is read."""
    runs = store.moved_runs(None)
    found, points = store.objective_series(runs), store.objective_series(runs, times=True)
    assert _listed(found) == _listed(points)
    assert _listed(found) == {
        run.id: repr([(point.step, point.value) for point in run.curve])
        for run in store.runs()
        if run.curve
    }


def _listed(found: Mapping[str, Series]) -> dict[str, str]:
    """NaN is as NaN."""
    return {
        run: repr(list(zip(one.steps.tolist(), one.values.tolist(), strict=True)))
        for run, one in found.items()
    }
