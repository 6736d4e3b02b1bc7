"""The objective's values in their narrow table: what search, stopping and charts read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select

from swept.model import Kind, RunState
from swept.store import schema, visible
from swept.store.work import Work

_COLUMNS = ("run", "attempt", "step", "number", "sweep", "value")
_COMPLETE = (RunState.FINISHED.value, RunState.STOPPED.value)


def keep(
    work: Work,
    run: str,
    sweep: str,
    attempt: int,
    metrics: Mapping[int, Mapping[str, Any]],
    objective: str,
) -> bool:
    """Record the objective found in `metrics` (step → row); whether anything is new. A changed value gets a new
    number, so that readers of `after` see it again."""
    values = {step: visible.lookup(row, objective) for step, row in metrics.items()}
    found = {step: value for step, value in values.items() if value is not None}
    if not found:
        return False
    known = _known(work.connection, run, attempt, min(found), max(found))
    fresh = [
        (run, attempt, step, work.point(), sweep, None if math.isnan(value) else value)
        for step, value in sorted(found.items())
        if step not in known or not _same(known[step], value)
    ]
    work.upsert_text(schema.points, _COLUMNS, fresh)
    return bool(fresh)


def of_summary(
    work: Work, run: Row[Any], attempt: int, summary: Mapping[str, Any], objective: str
) -> None:
    """Some programs write their objective into the summary alone: it is the one point of the curve."""
    if not objective or run.sweep is None or _any(work.connection, run.id):
        return
    value = visible.summarized(summary, objective)
    if value is not None:
        row = {run.last_step or 0: {objective: value}}
        keep(work, run.id, run.sweep, attempt, row, objective)


def _any(connection: Connection, run: str) -> bool:
    table = schema.points
    return (
        connection.execute(select(table.c.run).where(table.c.run == run).limit(1)).first()
        is not None
    )


def _known(
    connection: Connection, run: str, attempt: int, low: int, high: int
) -> dict[int, float | None]:
    table = schema.points
    statement = select(table.c.step, table.c.value).where(
        table.c.run == run, table.c.attempt == attempt, table.c.step.between(low, high)
    )
    return {row.step: row.value for row in connection.execute(statement)}


def _same(stored: float | None, value: float) -> bool:
    return math.isnan(value) if stored is None else stored == value


def rebuild(work: Work, sweep: str, objective: str) -> None:
    """Read the objective of all the sweep's runs from their rows and summaries again: its name has changed."""
    table = schema.points
    work.connection.execute(delete(table).where(table.c.sweep == sweep))
    own = select(schema.runs.c.id).where(schema.runs.c.sweep == sweep)
    work.connection.execute(delete(schema.packed_curves).where(schema.packed_curves.c.run.in_(own)))
    if not objective:
        return
    runs, rows = schema.runs, schema.rows
    statement = (
        select(rows.c.run, rows.c.attempt, rows.c.step, rows.c.metrics)
        .join(runs, runs.c.id == rows.c.run)
        .where(runs.c.sweep == sweep)
        .order_by(rows.c.run, rows.c.attempt, rows.c.step)
    )
    for row in work.connection.execute(statement).all():
        keep(work, row.run, sweep, row.attempt, {row.step: row.metrics}, objective)
    for run in _without(work.connection, sweep):
        of_summary(work, run, run.attempts, run.summary, objective)


def _without(connection: Connection, sweep: str) -> list[Row[Any]]:
    """The runs without a point whose summary counts: complete ones, copies of earlier trainings, imported ones."""
    runs, imports, points = schema.runs, schema.imports, schema.points
    imported = select(imports.c.run).where(imports.c.run.is_not(None), imports.c.whole == 1)
    statement = (
        select(runs)
        .where(runs.c.sweep == sweep, runs.c.attempts > 0, runs.c.ended.is_not(None))
        .where(
            or_(
                runs.c.state.in_(_COMPLETE),
                runs.c.kind == Kind.PRIOR.value,
                and_(runs.c.id.in_(imported), runs.c.attempts == 1),  # more: it went on here
            )
        )
        .where(runs.c.id.not_in(select(points.c.run).where(points.c.sweep == sweep)))
        .order_by(runs.c.ordinal)
    )
    return list(connection.execute(statement))


def after(
    connection: Connection, cursor: int, *, sweep: str | None, run: str | None, limit: int
) -> list[Mapping[str, Any]]:
    """Points with number > `cursor` in order of their numbers."""
    table, tried = schema.points, schema.attempts
    own = and_(tried.c.run == table.c.run, tried.c.number == table.c.attempt)
    statement = (
        select(table, tried.c.first_step)
        .join(tried, own)
        .where(table.c.number > cursor)
        .order_by(table.c.number)
        .limit(limit)
    )
    if sweep is not None:
        statement = statement.where(table.c.sweep == sweep)
    if run is not None:
        statement = statement.where(table.c.run == run)
    return [_point(row) for row in connection.execute(statement)]


def _point(row: Any) -> Mapping[str, Any]:
    return {
        "run": row.run,
        "sweep": row.sweep,
        "attempt": row.attempt,
        "first_step": row.first_step or 0,
        "step": row.step,
        "value": math.nan if row.value is None else row.value,
        "cursor": row.number,
    }
