"""The part of the store's contract that is about looking through many runs and long histories; see `base`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from swept.model import Kind
from swept.store.conditions import Condition, RunPage, Sort
from swept.store.read_board_base import BoardVerbs

RowText: TypeAlias = tuple[int, float | None, str]
"""A row's step, its time, and its metrics as JSON text, in which non-finite numbers stand by their names."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What a run's history is like, without its rows. `names` may include some of rows that are no longer visible.
    `lines` were printed, replaced ones counted again."""

    names: tuple[str, ...]
    last_step: int | None
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many visible rows, rows of system metrics and lines a run has."""

    rows: int
    system_rows: int
    lines: int


class ReadVerbs(BoardVerbs, Protocol):
    """Verbs that read a part of what may be much."""

    def select_runs(
        self,
        project: str,
        where: Condition,
        order: Sequence[Sort] = (),
        *,
        kinds: frozenset[Kind],
        limit: int,
        after: str = "",
    ) -> RunPage:
        """The runs that meet `where`, sorted, after the one with the cursor `after`; at most 500. A run that is created
        between two pages moves none of the others. Raises UsageError for a cursor of another order, and for a pattern
        that takes too long."""
        ...

    def count_runs(self, project: str, where: Condition, *, kinds: frozenset[Kind]) -> int: ...

    def projects(self) -> Mapping[str, float]:
        """Those that have a run or a sweep, and when their first one was made; the newest first."""
        ...

    def row_texts(
        self, run: str, *, since: int | None = None, before: int | None = None
    ) -> list[RowText]:
        """As `rows`, for those who pass them on: nothing is decoded."""
        ...

    def system_row_texts(self, run: str) -> list[RowText]:
        """As `system_rows`, undecoded."""
        ...

    def outlines(self, runs: Sequence[str]) -> Mapping[str, Outline]:
        """Run → what its history is like; runs that are not there are left out."""
        ...

    def newest_system_rows(self, runs: Sequence[str]) -> Mapping[str, RowText]:
        """Run → the last system metrics of its newest attempt that has any."""
        ...

    def amounts(self, run: str) -> Amounts:
        """Raises NotFound."""
        ...

    def console_page(
        self, run: str, *, after: int = 0, limit: int = 1000, last: bool = False
    ) -> list[Mapping[str, Any]]:
        """Lines in order (attempt, number), each with its `place` from 1 on; `after` a place, or the `last` ones."""
        ...

    def heartbeat_of(self, run: str) -> float:
        """When the run ended, else when it last showed life, else when it was created. Raises NotFound."""
        ...

    def delete_file(self, run: str, name: str, *, now: float) -> bool:
        """Forget a file of the run; False: there is none. Writes file.deleted."""
        ...
