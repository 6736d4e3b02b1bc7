"""All runs of a sweep at once, for pages: as columns, and their curves as one buffer.

Answers are made once for each state of the runs; an `ETag` names it. Best, baseline and agents are looked at each time.
The model's advice is worked out behind an answer that does not wait for it.
"""

from __future__ import annotations

import gzip
import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic_core import to_json
from starlette.background import BackgroundTask
from starlette.responses import Response

from swept import wire
from swept.analysis.best import Advice, Best, advised, baseline, best, same_training
from swept.errors import NotFound, UsageError
from swept.model import Goal, Run, Sweep
from swept.server import columns
from swept.server.advising import Advising, stage_of
from swept.server.along import Along, along, axis_of, lacking
from swept.server.answers import documented
from swept.server.auth import LOOPBACK, reading
from swept.server.columns import Get
from swept.server.context import Context
from swept.server.curves import Encoding, encode
from swept.server.gathered import Boards, Gathered, chosen
from swept.server.views import advice_view
from swept.server.wandb import defined
from swept.server.wandb.service import DEFINED
from swept.spec import Spec
from swept.stopping.decide import rule, rungs_of
from swept.stopping.ladder import ladder
from swept.stopping.track import longest
from swept.store.read_board_base import Scope, Series
from swept.wire.board import BoardAgent, BoardHead, BoardParameter, BoardView
from swept.wire.runs import DefinedMetric

Coarse = Annotated[int, Query(ge=1, le=256)]
Names = Annotated[list[str] | None, Query()]
_BINARY: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


def router(board: Board) -> APIRouter:
    made = APIRouter(prefix="/api", dependencies=[Depends(reading)])

    # -- a sweep ----------------------------------------------------------------------------------

    @made.get("/sweeps/{sweep}/board", responses=documented(BoardView))
    def sweep_board(sweep: str, request: Request, runs: Names = None) -> Response:
        """`runs`: only those (ids, between commas); "" is none: the head alone."""
        return board.view(board.of_sweep(sweep), request, runs)

    @made.get("/sweeps/{sweep}/curves", responses=_BINARY)
    def sweep_curves(
        sweep: str,
        request: Request,
        metric: str = "",
        runs: Names = None,
        times: bool = False,
        encoding: Encoding = "f32",
        coarse: Coarse = 1,
    ) -> Response:
        """One metric of all runs, in the board's order; without `metric` the objective. `coarse`: of u16 only each so
        manieth level."""
        subject = board.of_sweep(sweep, times)
        return board.curves(subject, request, metric, runs, times, encoding, coarse)

    @made.get("/sweeps/{sweep}/metrics", responses=documented(list[str]))
    def sweep_metrics(sweep: str, request: Request) -> Response:
        """What the runs report over their steps, the objective first."""
        return board.metrics(board.of_sweep(sweep), request)

    # -- a project's runs outside of sweeps -------------------------------------------------------

    @made.get("/projects/{project:path}/board", responses=documented(BoardView))
    def project_board(project: str, request: Request, runs: Names = None) -> Response:
        return board.view(board.of_project(project), request, runs)

    @made.get("/projects/{project:path}/curves", responses=_BINARY)
    def project_curves(
        project: str, request: Request, metric: str = "", runs: Names = None, times: bool = False
    ) -> Response:
        """Without `metric`, the one that the runs seem to be for."""
        return board.curves(board.of_project(project), request, metric, runs, times)

    @made.get("/projects/{project:path}/metrics", responses=documented(list[str]))
    def project_metrics(project: str, request: Request) -> Response:
        return board.metrics(board.of_project(project), request)

    return made


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: a scope's runs now, and the sweep that they are of."""

    now: Gathered
    sweep: Sweep | None
    spec: Spec | None

    @property
    def goal(self) -> Goal:
        return self.spec.metric.goal if self.spec and self.spec.metric else Goal.MINIMIZE

    @property
    def objective(self) -> str:
        return self.spec.metric.name if self.spec and self.spec.metric else ""

    @property
    def at(self) -> str:
        return self.spec.options.at if self.spec else "last"

    @property
    def spec_version(self) -> int:
        return self.sweep.spec_version if self.sweep else 0

    def parameters(self) -> list[BoardParameter]:
        def make() -> list[BoardParameter]:
            if self.spec is None or self.sweep is None:
                return columns.guessed(self.now.runs)
            return columns.parameters(self.spec, self.sweep.text, self.now.runs)

        return self.now.once(f"parameters {self.spec_version}", make)

    def getters(self) -> Mapping[str, Get]:
        space = self.spec.space if self.spec else ()
        paths = {one.name: one.path for one in space}
        return {
            name: columns.getter(name, paths.get(name, tuple(name.split("."))))
            for name in (one["name"] for one in self.parameters())
        }

    def same_training(self) -> list[Run]:
        if self.spec is None:
            return list(self.now.runs)
        fixed = self.spec.space.fixed
        return self.now.once(
            f"same {self.spec_version}", lambda: same_training(self.now.runs, fixed)
        )

    def best(self, advice: Advice | None) -> Best | None:
        ours = self.same_training()
        named = advised(advice, ours, self.goal, self.at) if advice else None
        return named or self.now.once(
            f"best {self.spec_version}", lambda: best(ours, self.goal, self.at)
        )

    def baseline(self) -> Run | None:
        ours = self.same_training()
        return self.now.once(f"baseline {self.spec_version}", lambda: baseline(ours))

    def stage(self) -> int | None:
        """Of what the model advises."""
        spec, version, runs = self.spec, self.spec_version, self.now.runs
        if spec is None:
            return None
        return self.now.once(f"stage {version}", lambda: stage_of(spec, version, runs))


class Board:
    """Makes the answers."""

    def __init__(self, context: Context, boards: Boards, advising: Advising) -> None:
        self._context = context
        self._boards = boards
        self._advising = advising

    def of_sweep(self, sweep: str, times: bool = False) -> Subject:
        """Raises NotFound."""
        self._context.store.sweep(sweep)
        now = self._boards.of(Scope(sweep=sweep)).look(times=times)
        found = self._context.store.sweep(sweep)  # not older than the position
        return Subject(now, found, self._context.engine.spec(found))

    def of_project(self, project: str) -> Subject:
        """Raises NotFound."""
        if not self._context.store.has_project(project):
            raise NotFound(f"there is no project “{project}”", hint="`swept ls` lists them")
        return Subject(self._boards.of(Scope(project=project)).look(), None, None)

    def ahead(self) -> None:
        """Make what a page asks for first, of the sweep that changed last: who starts a server mostly wants to see that
        one, and reading ten thousand runs takes as long as a browser does to start."""
        last = max(self._context.store.sweeps(), key=lambda sweep: sweep.updated, default=None)
        if last is None:
            return
        subject = self.of_sweep(last.id)
        self._columns(subject, None)
        if subject.objective:
            _objective(subject, times=False)

    # -- answers ----------------------------------------------------------------------------------

    def view(self, subject: Subject, request: Request, runs: Sequence[str] | None) -> Response:
        sweep = subject.sweep
        advice, work = self._advising.known(sweep, subject.stage()) if sweep else (None, None)
        head = self._head(subject, advice, work is not None)
        opening = wire.dumps({"head": head})
        task = BackgroundTask(work) if work else None
        etag = self._etag(subject, opening, str(runs))
        if etag in _known(request):
            return Response(status_code=304, headers=_headers(etag), background=task)
        event, point = subject.now.position
        start = f'{opening[:-1]},"position":"{event}.{point}",'
        body = start.encode("utf-8", "replace") + self._columns(subject, runs)[1:]
        return _answer(request, body, "application/json", etag, task)

    def curves(
        self,
        subject: Subject,
        request: Request,
        metric: str,
        runs: Sequence[str] | None,
        times: bool,
        encoding: Encoding = "f32",
        coarse: int = 1,
    ) -> Response:
        metric = metric or next(iter(self._names(subject)), "")
        if not metric:
            raise UsageError("there is no metric yet", hint="`?metric=NAME` asks for a certain one")
        keeper = self._boards.of(subject.now.scope)
        now, series = subject.now, subject.now.series
        own = metric == subject.objective
        if not own:
            now, series = keeper.metric(metric)
        # Those of a sweep are all over the steps that early stopping counts.
        over = None if subject.sweep else axis_of(metric, self._defined(subject))
        axis = keeper.metric(over)[1] if over is not None else {}
        without = None
        if over is not None:
            without = now.once(f"lacking {over} {metric}", lambda: lacking(now.runs, series, axis))
            over = over if without is not None else None
        form = f"{times} {encoding} {coarse} {over} {without}"
        etag = self._etag(Subject(now, subject.sweep, subject.spec), metric, form, str(runs))
        if etag in _known(request):
            return Response(status_code=304, headers=_headers(etag))
        shown = _shown(now, runs)

        if own and runs is None and encoding == "f32":
            body = _objective(subject, times)
        else:
            starts = _starts(shown) if times else None
            drawn: list[Series | Along | None] = [series.get(run.id) for run in shown]
            if over is not None:
                drawn = [along(series.get(run.id), axis.get(run.id), times) for run in shown]
            body = encode(metric, drawn, encoding, starts, coarse, over, without or 0)
        return _answer(request, body, "application/octet-stream", etag)

    def metrics(self, subject: Subject, request: Request) -> Response:
        body = wire.dumps(self._names(subject)).encode("utf-8", "replace")
        return _answer(request, body, "application/json", self._etag(subject, "metrics"))

    # -- their parts ------------------------------------------------------------------------------

    def _names(self, subject: Subject) -> list[str]:
        def make() -> list[str]:
            counts = self._context.store.metric_names(subject.now.scope)
            said = {} if subject.objective else self._defined(subject)
            return columns.history_names(counts, subject.now.runs, subject.objective, said)

        return subject.now.once(f"metrics {subject.spec_version}", make)

    def _defined(self, subject: Subject) -> Mapping[str, DefinedMetric]:
        """What the newest run that began says of its metrics: the programs of a project say the same, or change their
        mind."""
        return subject.now.once("defined", lambda: self._said(subject))

    def _said(self, subject: Subject) -> Mapping[str, DefinedMetric]:
        for run in reversed(subject.now.runs):
            if run.attempts:
                with suppress(NotFound):  # deleted since
                    return defined.metrics(self._context.store.run(run.id).details.get(DEFINED))
        return {}

    def _columns(self, subject: Subject, runs: Sequence[str] | None) -> bytes:
        def make() -> bytes:
            shown, listed = _shown(subject.now, runs), subject.parameters()
            # Only points of an objective are in the runs' curves.
            reached = (
                self._context.store.last_steps(subject.now.scope) if not subject.objective else {}
            )
            get, ours = subject.getters(), {run.id for run in subject.same_training()}
            return _json(
                {
                    "version": subject.now.version,
                    "parameters": listed,
                    "runs": columns.run_columns(shown, subject.goal, subject.at, reached),
                    "config": columns.config_columns(listed, get, shown),
                    "effective": columns.effective_cells(listed, get, shown),
                    "summary": columns.summary_columns(shown, subject.objective),
                    "incomparable": [row for row, run in enumerate(shown) if run.id not in ours],
                }
            )

        if runs is not None:
            return make()
        return subject.now.once(f"columns {subject.spec_version}", make)

    def _head(self, subject: Subject, advice: Advice | None, advising: bool) -> BoardHead:
        sweep, spec, now = subject.sweep, subject.spec, subject.now
        if sweep is None or spec is None:
            return _project_head(now)
        found, start = subject.best(advice), subject.baseline()
        agents = self._context.store.agents(sweep.id)
        at_work = self._context.engine.at_work
        ordered = sorted(agents, key=lambda agent: (agent.ended is not None, -agent.last_seen))
        return {
            "id": sweep.id,
            "name": sweep.name,
            "project": sweep.project,
            "state": sweep.state.value,
            "method": spec.method,
            "early_stopping": rule(spec),
            "metric": {"name": subject.objective, "goal": subject.goal.value}
            if spec.metric
            else None,
            "full": longest(spec),
            "rungs": _rungs(spec, max((run.steps for run in now.runs), default=0)),
            "targets": dict(spec.options.targets),
            "run_cap": spec.max_runs,
            "hours": spec.options.budget_hours,
            "created": sweep.created,
            "updated": sweep.updated,
            "ended_because": sweep.ended_because,
            "best": found.run.id if found else None,
            "baseline": start.id if start else None,
            "advice": advice_view(found.advice) if found and found.advice else None,
            "advising": advising,
            "agents": [_agent(asdict(agent), at_work(agent)) for agent in ordered],
            "text": sweep.text,
            "path": sweep.path,
            "spec_version": sweep.spec_version,
        }

    def _etag(self, subject: Subject, *parts: str) -> str:
        """Weak: what is compressed is the same answer."""
        told = (self._context.settings.boot, str(subject.now.version), str(subject.spec_version))
        text = "\n".join((*told, *parts)).encode("utf-8", "replace")
        return f'W/"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'


# -- small parts ----------------------------------------------------------------------------------


def _shown(now: Gathered, runs: Sequence[str] | None) -> Sequence[Run]:
    """Of `runs` each may be one id, also one with commas in it, or several between commas."""
    if runs is None:
        return now.runs
    return chosen(now.runs, [*runs, *(one for some in runs for one in some.split(","))])


def _objective(subject: Subject, times: bool) -> bytes:
    """The buffer of all runs' curves."""
    now = subject.now

    def make() -> bytes:
        curves = [now.series.get(run.id) for run in now.runs]
        return encode(subject.objective, curves, "f32", _starts(now.runs) if times else None)

    return now.once(f"curves {times}", make)


def _starts(runs: Sequence[Run]) -> list[float]:
    return [run.started or run.created for run in runs]


def _json(value: Mapping[str, object]) -> bytes:
    """What `wire.dumps` says, four times as fast: a large board is megabytes of it."""
    try:
        return to_json(value, inf_nan_mode="strings")
    except ValueError:  # a lone surrogate
        return wire.dumps(value).encode("utf-8", "replace")


def _rungs(spec: Spec, reached: int) -> list[int]:
    """Those before the end; where that is not known, up to the first that no run has `reached`."""
    full = longest(spec)
    if rule(spec) == "auto":
        return [] if full is None or full < 1 else list(ladder(full)[:-1])
    rungs = rungs_of(spec)
    if full is not None:
        return [rung for rung in rungs if rung < full]
    return list(rungs[: bisect_right(rungs, reached) + 1])


def _agent(agent: Mapping[str, Any], live: bool) -> BoardAgent:
    return {
        "id": agent["id"],
        "host": agent["host"],
        "kind": agent["kind"],
        "slots": agent["slots"],
        "started": agent["started"],
        "last_seen": agent["last_seen"],
        "ended": agent["ended"],
        "live": live,
    }


def _project_head(now: Gathered) -> BoardHead:
    running = any(not run.state.ended for run in now.runs)
    return {
        "id": "",
        "name": now.scope.project,
        "project": now.scope.project,
        "state": "running" if running else "finished",
        "method": "",
        "early_stopping": "off",
        "metric": None,
        "full": None,
        "rungs": [],
        "targets": {},
        "run_cap": None,
        "hours": None,
        "created": min((run.created for run in now.runs), default=0.0),
        "updated": max((run.ended or run.created for run in now.runs), default=0.0),
        "ended_because": "",
        "best": None,
        "baseline": None,
        "advice": None,
        "advising": False,
        "agents": [],
        "text": "",
        "path": "",
        "spec_version": 0,
    }


def _known(request: Request) -> list[str]:
    return [one.strip() for one in request.headers.get("If-None-Match", "").split(",")]


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}


def _answer(
    request: Request, body: bytes, media: str, etag: str, task: BackgroundTask | None = None
) -> Response:
    """Compressed where it goes over a network."""
    headers = _headers(etag)
    near = request.client is None or request.client.host in LOOPBACK
    if not near and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 1)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=media, headers=headers, background=task)
