"""The typed HTTP client of the native API: one method for each path of `swept.wire`.

It imports neither pydantic nor the store, so that a training process can use it. Answers are the TypedDicts of
`swept.wire`; metric values in them (curves, summaries, history rows, points) are floats again, so NaN is
`math.nan`: print them with `wire.dumps`. Errors of the server are raised as the `swept.errors` class that they
name; no answer at all is `ServerUnreachable`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote

import httpx

from swept import errors, wire
from swept.clock import Clock, SystemClock
from swept.wire.agents import (
    AgentAnswer,
    AgentStart,
    Beat,
    BeatAnswer,
    ClaimAnswer,
    Claimed,
    ClaimRequest,
    Join,
    ManualRun,
)
from swept.wire.board import BoardView
from swept.wire.imports import (
    Brought,
    ImportEnd,
    ImportLook,
    ImportNote,
    ImportRows,
    ImportRun,
    ImportSweep,
    ImportSweepEnd,
)
from swept.wire.insights import (
    ForecastView,
    HealthCard,
    ImportanceView,
    PairView,
    ProgressView,
    SliceView,
)
from swept.wire.reports import (
    Completion,
    CompletionAnswer,
    ConsoleLines,
    Reports,
    ReportsAnswer,
    SystemAnswer,
    SystemRows,
)
from swept.wire.runs import (
    ArtifactView,
    ConsolePage,
    DesiredChange,
    FileView,
    HistoryRow,
    NewRun,
    RunView,
)
from swept.wire.server import Garbage, GarbageView, Handshake, LoginLink, NewLoginLink, ServerStatus
from swept.wire.sweeps import NewSweep, SpecUpdate, StateChange, SweepAnswer, SweepView

T = TypeVar("T")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
MODEL_SECONDS = 300.0
"""What is answered by a model of many runs takes longer than the rest."""
SILENCE_SECONDS = 45.0
"""The server sends a keep-alive comment every 15 s: a longer silence of the event stream means it is gone."""
PAUSES = (0.1, 0.5, 1.0)
"""Seconds before the retries of a call that may be repeated."""

_TRANSIENT = frozenset({502, 503, 504})
_ERRORS: Mapping[str, type[errors.SweptError]] = {
    kind.__name__: kind
    for kind in (
        errors.SweptError,
        errors.UsageError,
        errors.NotFound,
        errors.Conflict,
        errors.LeaseLost,
        errors.Unauthorized,
        errors.ServerUnreachable,
        errors.StoreError,
    )
}
_BY_STATUS: Mapping[int, type[errors.SweptError]] = {
    401: errors.Unauthorized,
    403: errors.Unauthorized,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.LeaseLost,
    422: errors.UsageError,
}


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event. `type` is "hello", "event" (data: model.Event as dict) or "point" (data: run,
    attempt, step, value, cursor); `id` goes back as `after` to go on without a gap."""

    id: str
    type: str
    data: dict[str, Any]


class Client:
    """A server at `url`, spoken to with `key` (the server's API key, or an attempt's lease token).

    `transport` or `http` lead to something else than a socket: an app in memory. Safe for several threads.
    Calls that may be repeated are tried again a few times when the connection breaks; `retries=0` turns it off.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        transport: httpx.BaseTransport | None = None,
        *,
        http: httpx.Client | None = None,
        timeout: float = ANSWER_SECONDS,
        retries: int = len(PAUSES),
        clock: Clock | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self._timeout = timeout
        self._pauses = PAUSES[:retries]
        self._clock = clock or SystemClock()
        # Proxies of the environment are meant for the internet, not for a server beside the sweep file.
        self._http = http or httpx.Client(transport=transport, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- server -----------------------------------------------------------------------------------
    def handshake(self, timeout: float = CONNECT_SECONDS) -> Handshake:
        """Who is there; asks once, needs no key. Raises ServerUnreachable also for another program's answer."""
        answer = self._call("GET", "/api/handshake", retries=False, timeout=timeout)
        if not isinstance(answer, dict) or answer.get("app") != "swept":
            raise _no_swept(self.url)
        return cast(Handshake, answer)

    def status(self) -> ServerStatus:
        return cast(ServerStatus, self._get("/api/status"))

    def stop(self) -> None:
        """Ask the server to end; trainings go on and buffer their reports."""
        self._call("POST", "/api/stop", {}, retries=False)

    def login_link(self, after: str = "/") -> LoginLink:
        """A link that logs one browser in, once, and leads to the page at the path `after`."""
        body: NewLoginLink = {"next": after}
        return cast(LoginLink, self._call("POST", "/api/login-links", body, retries=False))

    # -- agents -----------------------------------------------------------------------------------
    def start_agent(self, start: AgentStart) -> AgentAnswer:
        return cast(AgentAnswer, self._call("POST", "/api/agents", start))

    def beat(self, agent: str, beat: Beat) -> BeatAnswer:
        timeout = self._timeout + beat.get("wait", 0.0)
        path = f"/api/agents/{_part(agent)}/heartbeat"
        return cast(BeatAnswer, self._call("POST", path, beat, timeout=timeout))

    def end_agent(self, agent: str) -> None:
        self._call("POST", f"/api/agents/{_part(agent)}/end", {})

    # -- sweeps -----------------------------------------------------------------------------------
    def create_sweep(self, new: NewSweep) -> SweepAnswer:
        """Raises SpecError with every problem of the file. Repeated after a broken connection only for "launch"."""
        again = new["mode"] == "launch"
        return cast(SweepAnswer, self._call("POST", "/api/sweeps", new, retries=again))

    def sweeps(self) -> list[SweepView]:
        """Newest first, without their runs."""
        return [_sweep(view) for view in self._get("/api/sweeps")]

    def sweep(self, sweep: str) -> SweepView:
        return _sweep(self._get(f"/api/sweeps/{_part(sweep)}"))

    def update_spec(self, sweep: str, update: SpecUpdate) -> SweepAnswer:
        path = f"/api/sweeps/{_part(sweep)}/spec"
        return cast(SweepAnswer, self._call("PUT", path, update))

    def set_state(self, sweep: str, state: str, reason: str = "") -> SweepView:
        """`state` is running, paused, finished or cancelled."""
        body: StateChange = {"state": state, "reason": reason}
        return _sweep(self._call("POST", f"/api/sweeps/{_part(sweep)}/state", body))

    def claim(self, sweep: str, request: ClaimRequest) -> ClaimAnswer:
        """Holds up to `request["wait"]` seconds; the same request id again gets the same run."""
        path = f"/api/sweeps/{_part(sweep)}/claim"
        timeout = self._timeout + request["wait"]
        return cast(ClaimAnswer, self._call("POST", path, request, timeout=timeout))

    def new_run(self, sweep: str, new: NewRun) -> RunView:
        again = new.get("reuse", True)
        return _run(self._call("POST", f"/api/sweeps/{_part(sweep)}/runs", new, retries=again))

    # -- what the dashboard shows of a sweep ------------------------------------------------------
    # As it stands on the wire, numbers by name too: for a page, or a report.
    def board(self, sweep: str) -> BoardView:
        return cast(BoardView, self._get(f"/api/sweeps/{_part(sweep)}/board"))

    def curve_metrics(self, sweep: str) -> list[str]:
        """What its runs have reported, the objective first."""
        return cast(list[str], self._get(f"/api/sweeps/{_part(sweep)}/metrics"))

    def curves(self, sweep: str, metric: str, coarse: int = 1) -> bytes:
        """One metric of all runs as a buffer, u16 (docs/design/dashboard.md), in the board's order; `coarse`: of its
        65534 levels only each so manieth, which gzip makes smaller."""
        params = {"metric": metric, "encoding": "u16", "coarse": str(coarse)}
        return self._bytes(f"/api/sweeps/{_part(sweep)}/curves", params)

    def importance(self, sweep: str) -> ImportanceView:
        path = f"/api/sweeps/{_part(sweep)}/importance"
        return cast(ImportanceView, self._call("GET", path, timeout=MODEL_SECONDS))

    def pair(self, sweep: str, x: str, y: str) -> PairView:
        path = f"/api/sweeps/{_part(sweep)}/pair"
        found = self._call("GET", path, params={"x": x, "y": y}, timeout=MODEL_SECONDS)
        return cast(PairView, found)

    def slice(self, sweep: str, parameter: str) -> SliceView:
        path = f"/api/sweeps/{_part(sweep)}/slice"
        found = self._call("GET", path, params={"parameter": parameter}, timeout=MODEL_SECONDS)
        return cast(SliceView, found)

    def health(self, sweep: str) -> list[HealthCard]:
        path = f"/api/sweeps/{_part(sweep)}/health"
        return cast(list[HealthCard], self._call("GET", path, timeout=MODEL_SECONDS))

    def progress(self, sweep: str) -> ProgressView:
        path = f"/api/sweeps/{_part(sweep)}/progress"
        return cast(ProgressView, self._call("GET", path, timeout=MODEL_SECONDS))

    def forecasts(self, sweep: str) -> list[ForecastView]:
        path = f"/api/sweeps/{_part(sweep)}/forecasts"
        return cast(list[ForecastView], self._call("GET", path, timeout=MODEL_SECONDS))

    # -- runs -------------------------------------------------------------------------------------
    def manual_run(self, new: ManualRun) -> Claimed:
        return cast(Claimed, self._call("POST", "/api/runs", new, retries=False))

    def manual_runs(self, project: str | None = None) -> list[RunView]:
        """Those outside of sweeps, newest first."""
        found = self._get("/api/runs", {} if project is None else {"project": project})
        return [_run(view) for view in found]

    def join(self, run: str, join: Join) -> Claimed:
        """For a program that the real `wandb agent` started. Repeated by one process: answered as the first time."""
        return cast(Claimed, self._call("POST", f"/api/runs/{_part(run)}/join", join))

    def run(self, run: str) -> RunView:
        return _run(self._get(f"/api/runs/{_part(run)}"))

    def history(
        self, run: str, *, keys: Sequence[str] = (), since: int | None = None
    ) -> list[HistoryRow]:
        """The visible rows in step order; with `keys` only those metrics and the rows that have one of them."""
        params: dict[str, str] = {"keys": ",".join(keys)} if keys else {}
        if since is not None:
            params["since"] = str(since)
        rows = cast(list[HistoryRow], self._get(f"/api/runs/{_part(run)}/history", params))
        for row in rows:
            row["metrics"] = wire.decode(row["metrics"])
        return rows

    def console(self, run: str, after: int = 0) -> ConsolePage:
        params = {"after": str(after)}
        return cast(ConsolePage, self._get(f"/api/runs/{_part(run)}/console", params))

    def reports(self, run: str, reports: Reports) -> ReportsAnswer:
        """Durable when it returns. Raises LeaseLost."""
        path = f"/api/runs/{_part(run)}/reports"
        return cast(ReportsAnswer, self._call("POST", path, reports))

    def add_console(self, run: str, lines: ConsoleLines) -> None:
        self._call("POST", f"/api/runs/{_part(run)}/console", lines)

    def add_system(self, run: str, rows: SystemRows) -> SystemAnswer:
        return cast(SystemAnswer, self._call("POST", f"/api/runs/{_part(run)}/system", rows))

    def complete(self, run: str, completion: Completion) -> CompletionAnswer:
        """Repeated with the same lease it is answered as the first time."""
        path = f"/api/runs/{_part(run)}/complete"
        return cast(CompletionAnswer, self._call("POST", path, completion))

    def desired(self, run: str, desired: str, reason: str = "") -> RunView:
        """What a person wants of the run: stop, pause or go."""
        body: DesiredChange = {"desired": desired, "reason": reason}
        return _run(self._call("POST", f"/api/runs/{_part(run)}/desired", body))

    def retry(self, run: str) -> RunView:
        """A new run of the same configuration, with `retry_of`."""
        return _run(self._call("POST", f"/api/runs/{_part(run)}/retry", {}, retries=False))

    # -- files ------------------------------------------------------------------------------------
    def put_file(self, run: str, name: str, path: Path) -> FileView:
        """Streams the file at `path`; the old one of that name is replaced when the new one is whole."""
        target = f"/api/runs/{_part(run)}/files/{quote(name)}"
        return cast(FileView, self._call("PUT", target, path, timeout=3600.0))

    def files(self, run: str) -> list[FileView]:
        return cast(list[FileView], self._get(f"/api/runs/{_part(run)}/files"))

    def artifacts(self, run: str) -> list[ArtifactView]:
        return cast(list[ArtifactView], self._get(f"/api/runs/{_part(run)}/artifacts"))

    def garbage(self, *, remove: bool) -> list[GarbageView]:
        """Files of artifacts that none needs any more; with `remove` they are gone."""
        body: Garbage = {"remove": remove}
        return cast(list[GarbageView], self._call("POST", "/api/artifacts/garbage", body))

    def get_file(self, run: str, name: str, path: Path) -> None:
        """Writes the file to `path` (in place of what is there, once it has arrived whole)."""
        url = f"{self.url}/api/runs/{_part(run)}/files/{quote(name)}"
        partial = path.with_name(path.name + ".part")
        try:
            with self._http.stream(
                "GET", url, headers=self._headers(), timeout=self._timeout
            ) as answer:
                if answer.is_error:
                    answer.read()
                    raise _error(answer, self.url)
                with partial.open("wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
        except httpx.HTTPError as error:
            partial.unlink(missing_ok=True)
            raise _unreachable(self.url, error) from error
        partial.replace(path)

    # -- moving house -----------------------------------------------------------------------------
    def imported(self, origins: Sequence[str]) -> dict[str, Brought]:
        """Origin → what is here of it."""
        body: ImportLook = {"origins": list(origins)}
        return cast(dict[str, Brought], self._call("POST", "/api/imports/look", body))

    def import_sweep(self, sweep: ImportSweep) -> Brought:
        """Raises SpecError."""
        return cast(Brought, self._call("POST", "/api/imports/sweeps", sweep))

    def end_import_sweep(self, sweep: str, state: str, reason: str) -> None:
        body: ImportSweepEnd = {"state": state, "reason": reason}
        self._call("POST", f"/api/imports/sweeps/{_part(sweep)}/end", body)

    def import_run(self, run: ImportRun) -> Brought:
        """Raises Conflict for one that went on here."""
        return cast(Brought, self._call("POST", "/api/imports/runs", run))

    def import_rows(self, run: str, rows: ImportRows) -> None:
        self._call("POST", f"/api/imports/runs/{_part(run)}/rows", rows, timeout=300.0)

    def end_import(self, run: str, end: ImportEnd) -> RunView:
        return _run(self._call("POST", f"/api/imports/runs/{_part(run)}/end", end))

    def note_import(self, note: ImportNote) -> RunView:
        return _run(self._call("POST", "/api/imports/notes", note))

    # -- events -----------------------------------------------------------------------------------
    def events(
        self, after: str = "", *, sweep: str | None = None, run: str | None = None
    ) -> Iterator[Message]:
        """What happens from now on (or after the message with id `after`; "0.0" = from the beginning).

        Starts with a "hello" that carries the position. Raises ServerUnreachable when the stream breaks:
        call again with the last message's id and nothing is missed.
        """
        params = {key: value for key, value in (("sweep", sweep), ("run", run)) if value}
        headers = self._headers() | ({"Last-Event-ID": after} if after else {})
        patience = httpx.Timeout(CONNECT_SECONDS, read=SILENCE_SECONDS)
        url = f"{self.url}/api/events"
        try:
            with self._http.stream(
                "GET", url, params=params, headers=headers, timeout=patience
            ) as answer:
                if answer.is_error:
                    answer.read()
                    raise _error(answer, self.url)
                yield from _messages(answer.iter_lines())
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error
        raise errors.ServerUnreachable(
            f"the server at {self.url} has ended the stream of events",
            hint="it stops when nobody needs it; any `swept` command starts it again",
        )

    # -- one call ---------------------------------------------------------------------------------
    def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self._call("GET", path, params=params)

    def _bytes(self, path: str, params: Mapping[str, str]) -> bytes:
        try:
            answer = self._send("GET", path, None, params, self._timeout)
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error
        if answer.is_error:
            raise _error(answer, self.url)
        return answer.content

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | Path | None = None,
        *,
        params: Mapping[str, str] | None = None,
        retries: bool = True,
        timeout: float | None = None,
    ) -> Any:
        """The decoded JSON answer; `body` is JSON, or the path of a file to stream."""
        pauses = list(self._pauses) if retries else []
        while True:
            try:
                answer = self._send(method, path, body, params, timeout or self._timeout)
            except httpx.HTTPError as error:
                if not pauses:
                    raise _unreachable(self.url, error) from error
            else:
                if answer.status_code not in _TRANSIENT or not pauses:
                    return _answer(answer, self.url)
            self._clock.sleep(pauses.pop(0))

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | Path | None,
        params: Mapping[str, str] | None,
        timeout: float,
    ) -> httpx.Response:
        url = f"{self.url}{path}"
        patience = httpx.Timeout(timeout, connect=CONNECT_SECONDS)
        headers = self._headers()
        if isinstance(body, Path):
            with body.open("rb") as file:
                headers["Content-Length"] = str(body.stat().st_size)
                return self._http.request(
                    method, url, content=file, headers=headers, timeout=patience
                )
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = wire.dumps(body).encode("utf-8", "replace")
        return self._http.request(
            method, url, content=content, params=params, headers=headers, timeout=patience
        )


def _part(name: str) -> str:
    return quote(name, safe="")


def _sweep(view: dict[str, Any]) -> SweepView:
    best = view["best"]
    runs = [_run(run) for run in view["runs"]]
    return cast(SweepView, {**view, "runs": runs, "best": _run(best) if best else None})


def _run(view: dict[str, Any]) -> RunView:
    """Only metric values are decoded: a parameter may well be the text "Infinity"."""
    numbers = {key: wire.decode(view[key]) for key in ("value", "best_value", "curve", "summary")}
    return cast(RunView, {**view, **numbers})


def _answer(answer: httpx.Response, url: str) -> Any:
    if answer.is_error:
        raise _error(answer, url)
    try:
        return answer.json()
    except ValueError as error:
        raise _no_swept(url) from error


def _error(answer: httpx.Response, url: str) -> errors.SweptError:
    """The error that the body names; for a body that is not ours, one by status."""
    try:
        body = answer.json()
        name, message, hint = str(body["error"]), str(body["message"]), str(body["hint"])
    except (ValueError, KeyError, TypeError):
        kind = _BY_STATUS.get(answer.status_code, errors.ServerUnreachable)
        return kind(f"{url} answered {answer.status_code} {answer.reason_phrase}")
    if name == "SpecError":
        return errors.SpecError([errors.Problem(**item) for item in body.get("problems", [])])
    return _ERRORS.get(name, errors.SweptError)(message, hint=hint)


def _unreachable(url: str, error: httpx.HTTPError) -> errors.ServerUnreachable:
    return errors.ServerUnreachable(
        f"no answer from the server at {url} ({error or type(error).__name__})",
        hint="`swept server status` says whether it runs; any `swept` command starts a local one",
    )


def _no_swept(url: str) -> errors.ServerUnreachable:
    return errors.ServerUnreachable(
        f"what answers at {url} is not a swept server",
        hint="check SWEPT_URL, or which program listens on that port",
    )


def _messages(lines: Iterator[str]) -> Iterator[Message]:
    """The messages of a server-sent event stream; comments are skipped.

    Source: the HTML standard, "Server-sent events", section 9.2.6.
    """
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield _message(fields)
            fields = {}


def _message(fields: Mapping[str, str]) -> Message:
    data = json.loads(fields.get("data", "{}"))
    if "value" in data:
        data["value"] = wire.decode(data["value"])
    return Message(fields.get("id", ""), fields.get("event", "message"), data)
