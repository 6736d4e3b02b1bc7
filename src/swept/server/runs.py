"""The native JSON API: runs, their reports, console and files."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from swept import wire
from swept.errors import LeaseLost, NotFound, UsageError
from swept.model import Event, Goal, Row, Run
from swept.server import media, reproduce
from swept.server.answers import Answer, documented
from swept.server.auth import authorize, context_of, reading, reporting, writing
from swept.server.blobs import Blobs
from swept.server.context import Context
from swept.server.views import (
    alert_view,
    claimed_view,
    file_view,
    order_view,
    program_config,
    row_view,
    run_view,
)
from swept.server.wandb import joins
from swept.server.wandb.service import METADATA
from swept.store.base import MEASURED, RunFilter
from swept.wire.agents import Claimed, Join, ManualRun
from swept.wire.reports import (
    Completion,
    CompletionAnswer,
    ConsoleLines,
    Report,
    Reports,
    ReportsAnswer,
    SystemAnswer,
    SystemRow,
    SystemRows,
)
from swept.wire.runs import (
    ConsolePage,
    DesiredChange,
    FileView,
    HistoryRow,
    RelatedRun,
    RunView,
    Way,
)

MOST_LINES = 20_000

router = APIRouter(prefix="/api/runs")


@router.post("", dependencies=[Depends(writing)], responses=documented(Claimed))
def manual_run(body: ManualRun, request: Request) -> Answer:
    """A run outside any sweep, with its lease."""
    lease = context_of(request).engine.manual_run(body)
    return Answer(claimed_view(lease, None, None))


@router.get("", dependencies=[Depends(reading)], responses=documented(list[RunView]))
def manual_runs(request: Request, project: str | None = None) -> Answer:
    """The runs outside of sweeps, newest first."""
    context = context_of(request)
    runs = context.store.runs(RunFilter(project=project, manual_only=True))
    return Answer([_view(context, run) for run in reversed(runs)])


@router.post("/{run}/join", dependencies=[Depends(writing)], responses=documented(Claimed))
def join(run: str, body: Join, request: Request) -> Answer:
    """The lease of a run that a real `wandb agent` has started, for the program that it started."""
    context = context_of(request)
    seconds = context.engine.wandb_lease_seconds
    lease = joins.join(context.store, run, body, now=context.clock.now(), lease_seconds=seconds)
    sweep = context.store.sweep(lease.run.sweep) if lease.run.sweep else None
    return Answer(claimed_view(lease, sweep, context.engine.spec_of(lease.run)))


@router.get("/{run}", dependencies=[Depends(reading)], responses=documented(RunView))
def one_run(run: str, request: Request, curve: bool = True) -> Answer:
    """`curve=false`: of its curve the ends alone, for who follows the history and looks again at each report."""
    context = context_of(request)
    alerts = [alert_view(event) for event in context.store.alerts(run)]
    orders = [order_view(event) for event in context.store.orders(run) if _wanted(event)]
    known = context.store.run(run)
    found = _view(context, known, whole=True)
    points = found["curve"]
    return Answer(
        {
            **found,
            "curve": points if curve else [*points[:1], *points[1:][-1:]],
            "alerts": alerts,
            "orders": orders,
            "chosen": dict(known.why),
            "program": program_config(known),
        }
    )


def _wanted(event: Event) -> bool:
    """Not the resumption that a person's order was already told as."""
    return event.type != "run.resumed" or event.data.get("by") == "search"


@router.get(
    "/{run}/history", dependencies=[Depends(reading)], responses=documented(list[HistoryRow])
)
def history(
    run: str,
    request: Request,
    keys: str = "",
    since: int | None = None,
    stream: str = "",
    limit: int | None = None,
) -> Answer:
    """Visible rows in step order. `keys` (comma-separated): only these metrics, and the rows with one of them.
    `stream=system`: what the machine did (CPU, GPU, memory), as W&B's client or the agent measured it. `limit`: the first so many
    from `since` on; who gets fewer has got all."""
    context = context_of(request)
    wanted = frozenset(key for key in keys.split(",") if key)
    context.store.run(run)
    most = None if limit is None else max(1, limit)
    found = (
        context.store.system_rows(run, since=since, limit=most)
        if stream == "system"
        else context.store.rows(run, since=since, limit=most)
    )
    rows = (_timed(row, wanted) for row in found)
    return Answer([row for row in rows if row["metrics"] or not wanted])


def _timed(row: Row, wanted: frozenset[str]) -> HistoryRow:
    return {**row_view(row, wanted), "time": row.time}


@router.get("/{run}/console", dependencies=[Depends(reading)], responses=documented(ConsolePage))
def console(run: str, request: Request, after: int = 0, limit: int = 1000) -> Answer:
    context = context_of(request)
    context.store.run(run)
    most = min(max(1, limit), MOST_LINES)
    lines = [dict(line) for line in context.store.console(run, after=after, limit=most)]
    return Answer({"lines": lines, "next": lines[-1]["cursor"] if lines else after})


@router.get(
    "/{run}/related", dependencies=[Depends(reading)], responses=documented(list[RelatedRun])
)
def related(run: str, request: Request) -> Answer:
    """What the run came from, then what came from it."""
    store = context_of(request).store
    known = store.run(run)
    above = (("parent", known.parent), ("retry_of", known.retry_of))
    found = [_related(store.run(other), relation) for relation, other in above if other]
    found += [_related(one, "child") for one in store.runs(RunFilter(parent=run))]
    found += [_related(one, "retry") for one in store.runs(RunFilter(retry_of=run))]
    return Answer(found)


def _related(run: Run, relation: str) -> RelatedRun:
    return {
        "relation": relation,
        "id": run.id,
        "number": run.number,
        "name": run.name,
        "kind": run.kind.value,
        "state": run.state.value,
        "value": run.value,
        "steps": run.steps,
    }


@router.get("/{run}/reproduce", dependencies=[Depends(reading)], responses=documented(list[Way]))
def reproduced(run: str, request: Request) -> Answer:
    """How its configuration is trained again; the nearest to what really ran first."""
    context = context_of(request)
    known = context.store.run(run)
    spec = context.engine.spec_of(known) if known.sweep else None
    folder = context.store.sweep(known.sweep).folder if known.sweep else ""
    return Answer(reproduce.ways(known, spec, folder, known.details.get(METADATA) or {}))


@router.post(
    "/{run}/reports", dependencies=[Depends(reporting)], responses=documented(ReportsAnswer)
)
def reports(run: str, body: Reports, request: Request) -> Answer:
    """Durable when answered, with what is wanted of the run."""
    decoded = [_decoded(report) for report in body["reports"]]
    order = context_of(request).engine.report(run, body["lease"], decoded)
    answer: ReportsAnswer = {
        "acknowledged": order.acknowledged,
        "lease": "ok",
        "desired": order.desired.value,
        "reason": order.reason,
    }
    return Answer(answer)


@router.post("/{run}/console", dependencies=[Depends(reporting)])
def add_console(run: str, body: ConsoleLines, request: Request) -> Answer:
    context = context_of(request)
    attempt = _attempt(context, run, body["lease"])
    context.store.add_console(run, attempt, body["lines"], now=context.clock.now())
    return Answer({})


@router.post("/{run}/system", dependencies=[Depends(reporting)], responses=documented(SystemAnswer))
def add_system(run: str, body: SystemRows, request: Request) -> Answer:
    """What the agent has measured of the run's processes and devices. Not `wanted`: W&B's client in the program sends
    such figures itself, and the agent's are left out."""
    context = context_of(request)
    attempt = _attempt(context, run, body["lease"])
    rows = [_measured(row, attempt) for row in body["rows"]]
    wanted = context.store.add_measured(run, attempt, rows, now=context.clock.now())
    return Answer({"wanted": wanted})


def _measured(row: SystemRow, attempt: int) -> Row:
    """Raises UsageError for a time that no clock shows."""
    if not 0 <= row["time"] < MEASURED:
        raise UsageError(f"{row['time']} is no time of a measurement")
    return Row(MEASURED + int(row["time"]), wire.decode(row["metrics"]), attempt, row["time"])


@router.post(
    "/{run}/complete",
    dependencies=[Depends(reporting)],
    responses=documented(CompletionAnswer),
)
def complete(run: str, body: Completion, request: Request) -> Answer:
    """The attempt is over. Repeated with the same lease: answered as the first time."""
    ended = context_of(request).engine.complete(run, body["lease"], body)
    return Answer({"state": ended.state.value, "retried": ended.retried})


@router.post("/{run}/desired", dependencies=[Depends(writing)], responses=documented(RunView))
def set_desired(run: str, body: DesiredChange, request: Request) -> Answer:
    """What a person wants of the run: stop, pause or go."""
    context = context_of(request)
    changed = context.engine.order(run, body["desired"], body.get("reason", ""))
    return Answer(_view(context, changed))


@router.post("/{run}/retry", dependencies=[Depends(writing)], responses=documented(RunView))
def retry(run: str, request: Request) -> Answer:
    """A new run of the same configuration."""
    context = context_of(request)
    return Answer(_view(context, context.engine.retry(run)))


# -- files ----------------------------------------------------------------------------------------


@router.put(
    "/{run}/files/{name:path}",
    dependencies=[Depends(reporting)],
    responses=documented(FileView),
)
async def put_file(run: str, name: str, request: Request) -> Answer:
    """The request's body becomes the run's file of that name, once it has arrived whole."""
    context = context_of(request)
    await run_in_threadpool(_check_current, context, run, request)
    blobs = Blobs(context.files, context.settings.max_file)
    file = await blobs.receive(run, name, request.stream(), now=context.clock.now())
    await run_in_threadpool(context.store.add_file, file)
    return Answer(file_view(file))


@router.get("/{run}/files", dependencies=[Depends(reading)], responses=documented(list[FileView]))
def files(run: str, request: Request) -> Answer:
    context = context_of(request)
    context.store.run(run)
    return Answer([file_view(file) for file in context.store.files(run)])


@router.get("/{run}/files/{name:path}", dependencies=[Depends(reading)])
def get_file(run: str, name: str, request: Request) -> Response:
    context = context_of(request)
    path = Blobs(context.files, context.settings.max_file).path(run, name)
    if not path.is_file():
        raise NotFound(
            f"run {run} has no file “{name}”", hint=f"GET /api/runs/{run}/files lists them"
        )
    # Never shown as a page of this origin: a run's file may be hostile HTML.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    with path.open("rb") as file:
        kind = media.type_of(file.read(media.HEAD_BYTES))
    return FileResponse(path, media_type=kind, headers=headers)


def _view(context: Context, run: Run, *, whole: bool = False) -> RunView:
    goal = Goal.MINIMIZE
    if run.sweep is not None:
        spec = context.engine.spec(context.store.sweep(run.sweep))
        goal = spec.metric.goal if spec.metric else goal
    return run_view(run, goal, whole=whole)


def _check_current(context: Context, run: str, request: Request) -> None:
    """Raises LeaseLost for the key of an attempt that was overtaken: its files are not the run's any more."""
    attempts = context.store.run(run).attempts
    access = authorize(context, request)
    if access.run is not None and attempts and access.attempt != attempts[-1].number:
        raise LeaseLost(f"run {run} was given to another agent: this file is of an earlier attempt")


def _attempt(context: Context, run: str, token: str) -> int:
    """The attempt of this token; console lines of one that was overtaken are still worth keeping."""
    found = context.store.lease_of(token)
    if found is None or found[0] != run:
        raise LeaseLost(f"that lease is not of run {run}")
    return found[1]


def _decoded(report: Report) -> Report:
    """NaN and infinities as floats again; a config's texts stay texts."""
    for key in ("metrics", "values"):
        if key in report:
            report[key] = wire.decode(report[key])
    return report
