"""The native JSON API: sweeps and runs brought over from another server (`swept import`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request

from swept import wire
from swept.asked import member, new_sweep
from swept.errors import Conflict, UsageError
from swept.model import Goal, Kind, Outcome, Row, Run, RunState, SweepState
from swept.server.answers import Answer, documented
from swept.server.auth import context_of, writing
from swept.server.context import Context
from swept.server.views import run_view
from swept.server.wandb import defined
from swept.server.wandb.service import CHARTS, CONFIG, DEFINED
from swept.spec import Spec, parse
from swept.store.base import Brought, ImportedEnd, ImportedRun
from swept.wire.imports import Brought as BroughtView
from swept.wire.imports import (
    ImportEnd,
    ImportLook,
    ImportNote,
    ImportRow,
    ImportRows,
    ImportRun,
    ImportSweep,
    ImportSweepEnd,
)
from swept.wire.reports import Completion
from swept.wire.runs import RunView

router = APIRouter(prefix="/api/imports", dependencies=[Depends(writing)])


@router.post("/look", responses=documented(dict[str, BroughtView]))
def look(body: ImportLook, request: Request) -> Answer:
    """What is here of these origins."""
    found = context_of(request).store.imported(body["origins"])
    return Answer({origin: _view(brought) for origin, brought in found.items()})


@router.post("/sweeps", responses=documented(BroughtView))
def import_sweep(body: ImportSweep, request: Request) -> Answer:
    """The sweep of that origin; a new one is paused until its runs are here."""
    context = context_of(request)
    spec = parse(body["text"], body["path"])
    new = new_sweep(spec, body["text"], body["path"], body["project"], body["name"], "local")
    brought = context.store.import_sweep(
        new,
        origin=body["origin"],
        sweep_id=body["id"],
        created=body["created"],
        now=context.clock.now(),
    )
    return Answer(_view(brought))


@router.post("/sweeps/{sweep}/end")
def end_sweep(sweep: str, body: ImportSweepEnd, request: Request) -> Answer:
    context = context_of(request)
    state = member(SweepState, body["state"], "state of a sweep")
    context.store.end_import_sweep(sweep, state, reason=body["reason"], now=context.clock.now())
    return Answer({})


@router.post("/runs", responses=documented(BroughtView))
def import_run(body: ImportRun, request: Request) -> Answer:
    """The run of that origin, half until `end`."""
    context = context_of(request)
    kind, config = _placed(context, body["sweep"], body["config"])
    new = ImportedRun(
        origin=body["origin"],
        source=body["source"],
        project=body["project"],
        sweep=body["sweep"],
        kind=kind,
        run_id=body["id"],
        name=body["name"],
        config=config,
        created=body["created"],
        started=body["started"],
        details={**body["details"], CONFIG: body["config"]},
    )
    brought = context.store.begin_import(
        new, now=context.clock.now(), afresh=body.get("afresh", False)
    )
    return Answer({**_view(brought), "kind": kind.value})


@router.post("/runs/{run}/rows")
def import_rows(run: str, body: ImportRows, request: Request) -> Answer:
    """A part of the run's history, system metrics and console."""
    context = context_of(request)
    _check_filling(context.store.run(run))
    now = context.clock.now()
    rows, events = _rows(body["rows"]), _rows(body["events"])
    if rows or events:
        context.store.log_rows(run, 1, rows, now=now, events=events)
    if body["lines"]:
        context.store.add_console(run, 1, body["lines"], now=now)
    return Answer({})


@router.post("/runs/{run}/end", responses=documented(RunView))
def end_run(run: str, body: ImportEnd, request: Request) -> Answer:
    """All of the run is here."""
    context = context_of(request)
    state = member(RunState, body["state"], "state of a run")
    if not state.ended:
        raise UsageError(f"an imported run cannot be {state}", hint="it has no program here")
    ended = ImportedEnd(
        state=state,
        ended=body["ended"],
        reason=body["reason"],
        summary=wire.decode(body["summary"]),
        stamp=body["stamp"],
        exit_code=body["exit_code"],
        host=body["host"],
        details={**body["details"], **_drawn(body["drawn"])},
    )
    found = context.store.end_import(run, ended, now=context.clock.now())
    return Answer(run_view(found, Goal.MINIMIZE))


@router.post("/notes", responses=documented(RunView))
def note(body: ImportNote, request: Request) -> Answer:
    """A folder was synced to its end: whatever it does not say about the run's end will never be said."""
    context = context_of(request)
    run = context.store.run(body["run"])
    lease = context.store.lease(run.id)
    if run.state is RunState.RUNNING and lease is not None:
        context.engine.complete(run.id, lease.token, _lost(lease.token))
    now = context.clock.now()
    context.store.note_import(body["origin"], run.id, body["stamp"], now=now)
    return Answer(run_view(context.store.run(run.id), Goal.MINIMIZE))


def _check_filling(run: Run) -> None:
    """Raises Conflict for a run whose rows are its own program's affair."""
    if not run.why.get("imported"):
        raise Conflict(f"run {run.id} was not imported")
    if len(run.attempts) != 1 or not run.state.ended:
        raise Conflict(f"run {run.id} went on here: what is new at its source is left out")


def _lost(token: str) -> Completion:
    return {
        "lease": token,
        "outcome": Outcome.LOST.value,
        "exit_code": None,
        "signal": None,
        "reason": "what was logged ends in mid-run",
        "tail": [],
    }


def _view(brought: Brought) -> BroughtView:
    return {
        "id": brought.id,
        "whole": brought.whole,
        "stamp": brought.stamp,
        "last_step": brought.last_step,
    }


def _rows(rows: Sequence[ImportRow]) -> list[Row]:
    return [Row(row["step"], wire.decode(row["metrics"]), time=row["time"]) for row in rows]


def _drawn(entry: Mapping[str, Any]) -> dict[str, Any]:
    config = {"_wandb": {"value": dict(entry)}}
    return {
        DEFINED: defined.metrics(defined.records_of(config)),
        CHARTS: defined.charts_of(config),
    }


def _placed(
    context: Context, sweep: str | None, config: Mapping[str, Any]
) -> tuple[Kind, dict[str, Any]]:
    """What the search sees of the config: the sweep's own parameters. A run that has no place in the space (started
    by hand with the sweep's id, or before the sweep was edited) stands beside the search, with all it has."""
    if sweep is None:
        return Kind.MANUAL, dict(config)
    spec = context.engine.spec(context.store.sweep(sweep))
    own = _own(spec, config)
    return (Kind.MANUAL, dict(config)) if own is None else (Kind.SEARCH, own)


def _own(spec: Spec, config: Mapping[str, Any]) -> dict[str, Any] | None:
    space = spec.space
    typed = space.typed(config)
    if not space.contains(typed):
        return None
    own = {parameter.name: space.get(typed, parameter.name) for parameter in space}
    fixed = {name: space.get(typed, name, value) for name, value in space.fixed.items()}
    return space.config({**own, **fixed})
