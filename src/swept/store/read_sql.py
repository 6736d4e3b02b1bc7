"""The reading verbs of `SqlStore`; what they mean stands in `read_base`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from swept.model import Kind, Point, Run
from swept.store import console, files, history, packed, packing, read_board, read_series, select
from swept.store.conditions import Condition, RunPage, Sort
from swept.store.database import Database
from swept.store.read_base import Amounts, Outline, RowText
from swept.store.read_board_base import Changes, Drawn, Scope, Series


class SqlReads:
    """A part of `SqlStore`."""

    _database: Database

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
        wanted = select.Wanted(project, kinds, where, order)
        return self._database.read(lambda connection: select.page(connection, wanted, limit, after))

    def count_runs(self, project: str, where: Condition, *, kinds: frozenset[Kind]) -> int:
        wanted = select.Wanted(project, kinds, where)
        return self._database.read(lambda connection: select.count(connection, wanted))

    def projects(self) -> Mapping[str, float]:
        return self._database.read(select.projects)

    def row_texts(
        self, run: str, *, since: int | None = None, before: int | None = None
    ) -> list[RowText]:
        return self._database.read(
            lambda connection: history.row_texts(connection, run, since, before)
        )

    def system_row_texts(self, run: str) -> list[RowText]:
        return self._database.read(lambda connection: history.system_row_texts(connection, run))

    def outlines(self, runs: Sequence[str]) -> Mapping[str, Outline]:
        return self._database.read(lambda connection: history.outlines(connection, runs))

    def newest_system_rows(self, runs: Sequence[str]) -> Mapping[str, RowText]:
        return self._database.read(lambda connection: history.newest_system_rows(connection, runs))

    def amounts(self, run: str) -> Amounts:
        return self._database.read(lambda connection: history.amounts(connection, run))

    def console_page(
        self, run: str, *, after: int = 0, limit: int = 1000, last: bool = False
    ) -> list[Mapping[str, Any]]:
        return self._database.read(
            lambda connection: console.page(connection, run, after, limit, last=last)
        )

    def heartbeat_of(self, run: str) -> float:
        return self._database.read(lambda connection: select.heartbeat_of(connection, run))

    def delete_file(self, run: str, name: str, *, now: float) -> bool:
        return self._database.write(lambda work: files.remove(work, run, name), now=now)

    # -- many runs at once: `read_board_base` ---------------------------------------------------------

    def board_runs(self, scope: Scope, ids: Sequence[str] | None = None) -> list[Run]:
        return self._database.read(lambda connection: read_board.runs(connection, scope, ids))

    def board_drawn(
        self, scope: Scope, ids: Sequence[str] | None = None, *, times: bool = False
    ) -> Drawn:
        return self._database.read(
            lambda connection: read_board.drawn(connection, scope, ids, times=times)
        )

    def board_changes(self, scope: Scope, event: int, point: int) -> Changes:
        return self._database.read(
            lambda connection: read_board.changes(connection, scope, event, point)
        )

    def moved_sweeps(self, event: int, point: int) -> frozenset[str]:
        return self._database.read(
            lambda connection: read_board.moved_sweeps(connection, event, point)
        )

    def moved_runs(self, since: tuple[int, int] | None) -> list[str]:
        return self._database.read(lambda connection: read_board.moved_runs(connection, since))

    def pack_curves(self, runs: Sequence[str], *, points: int) -> list[str]:
        found = self._database.read(lambda connection: packing.look(connection, runs, points))
        if found.copies:
            self._database.write(lambda work: packed.write(work, found.copies))
        return list(found.left)

    def objective_series(self, runs: Sequence[str], *, times: bool = False) -> Mapping[str, Series]:
        return self._database.read(
            lambda connection: read_series.objective(connection, runs, times=times)
        )

    def metric_series(self, runs: Sequence[str], name: str) -> Mapping[str, Series]:
        return self._database.read(lambda connection: read_series.metric(connection, runs, name))

    def curve_ends(
        self, scope: Scope, ids: Sequence[str] | None = None
    ) -> Mapping[str, Sequence[Point]]:
        return self._database.read(lambda connection: read_board.ends(connection, scope, ids))

    def last_steps(self, scope: Scope) -> Mapping[str, int]:
        return self._database.read(lambda connection: read_board.last_steps(connection, scope))

    def metric_names(self, scope: Scope) -> Mapping[str, int]:
        return self._database.read(lambda connection: read_board.metrics(connection, scope))

    def has_project(self, project: str) -> bool:
        return self._database.read(lambda connection: read_board.in_project(connection, project))
