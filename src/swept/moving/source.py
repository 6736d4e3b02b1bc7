"""The other server, read through the public API of the installed `wandb`, whichever version that is.

What fails is asked again, with growing pauses: W&B's hosted service limits how often one may ask. A server that is gone
ends the import, which goes on where it was; what is wrong with one run leaves out that run.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import httpx

from swept.clock import Clock
from swept.errors import NotFound, SourceUnreachable, SweptError, UsageError
from swept.moving.found import FoundRun, FoundSweep, line_of, mapping, moment, row_of
from swept.moving.refusals import CLIENTS_OWN, settled
from swept.wire.imports import ImportRow
from swept.wire.reports import ConsoleLine

T = TypeVar("T")
PAUSES = (1.0, 4.0, 15.0, 45.0)
"""Seconds before what failed is asked again."""
PAGE = 1000
NAMED = 20
"""Projects that are listed where one is not found."""
EVENTS = 10_000
"""Rows of system metrics of a run, at most: the API gives no more of them than a sample."""


class SourceError(SweptError):
    """The other server has answered, but not with what was asked for."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    name: str
    size: int
    updated: float | None
    file: Any


@dataclass(frozen=True, slots=True)
class Place:
    """ENTITY/PROJECT[/SWEEP], as typed or copied from a browser."""

    entity: str | None
    project: str
    sweep: str | None = None

    @property
    def path(self) -> str:
        return f"{self.entity}/{self.project}" if self.entity else self.project


def place_of(typed: str) -> Place:
    """Raises UsageError."""
    text = typed.split("?")[0]
    if "://" in text:
        text = text.split("://", 1)[1].partition("/")[2]
    parts = [part for part in text.strip("/").split("/") if part not in ("sweeps", "workspace")]
    if not 1 <= len(parts) <= 3 or not all(parts) or "runs" in parts[2:]:
        raise UsageError(
            f"`{typed}` names no project", hint="write ENTITY/PROJECT, or ENTITY/PROJECT/SWEEP_ID"
        )
    if len(parts) == 1:
        return Place(None, parts[0])
    return Place(parts[0], parts[1], parts[2] if len(parts) == 3 else None)


class Source:
    """Reads one project. `url` and `key`: by default what `WANDB_BASE_URL` and `wandb login` name."""

    def __init__(self, place: Place, url: str | None, key: str | None, clock: Clock) -> None:
        self._clock = clock
        self._folder = tempfile.TemporaryDirectory(prefix="swept-import-")
        self._api = _opened(url, key, Path(self._folder.name))
        self.url = str(self._api.settings["base_url"]).rstrip("/")
        entity = place.entity or self.ask(lambda: self._api.default_entity) or ""
        self.place = Place(entity, place.project, place.sweep)

    def close(self) -> None:
        self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """Where downloads may lie; it goes at the end."""
        return Path(self._folder.name)

    def origin(self, kind: str, name: str) -> str:
        """The address of a run or sweep there, the same at every import."""
        return f"{self.url}/{self.place.path}/{kind}/{name}"

    def ask(self, question: Callable[[], T]) -> T:
        """Raises SourceError for what cannot be had, SourceUnreachable where nobody answers any more."""
        pauses = list(PAUSES)
        while True:
            try:
                return question()
            except CLIENTS_OWN as error:
                raise SourceError(_first_line(error)) from error
            except Exception as error:  # the client's errors have no common base
                if not pauses or settled(error):
                    raise self._failure(error) from error
            self._clock.sleep(pauses.pop(0))

    def _failure(self, error: Exception) -> SweptError:
        try:
            alive = httpx.get(self.url, timeout=10, follow_redirects=True).status_code < 500
        except httpx.HTTPError:
            alive = False
        if alive:
            return SourceError(_first_line(error))
        return SourceUnreachable(
            f"the source at {self.url} does not answer any more ({_first_line(error)})",
            hint="the same command goes on where it was",
        )

    # -- sweeps and runs --------------------------------------------------------------------------

    def contents(self) -> tuple[list[FoundSweep], int, Iterator[Any]]:
        """The sweeps, how many runs there are, and the runs. Raises NotFound where there is nothing at all."""
        try:
            sweeps = list(self.sweeps())
            total, runs = self.runs()
        except SourceError as error:
            raise self._nothing(f" ({error.message})") from error
        if not sweeps and not total:
            raise self._nothing("")
        return sweeps, total, runs

    def _nothing(self, why: str) -> NotFound:
        known = self._projects()
        return NotFound(
            f"{self.url} has no project `{self.place.path}`, or nothing in it{why}",
            hint=f"there is: {', '.join(known)}" if known else "write ENTITY/PROJECT",
        )

    def _projects(self) -> list[str]:
        """Some of those that the entity has; none where that is not told."""
        try:
            listed = self.ask(lambda: list(islice(self._api.projects(self.place.entity), NAMED)))
        except SweptError:
            return []
        return [f"{self.place.entity}/{project.name}" for project in listed]

    def sweeps(self) -> Iterator[FoundSweep]:
        """The project's sweeps, or the one that was named. Raises NotFound for that one."""
        if self.place.sweep is not None:
            yield self._sweep(self.place.sweep)
            return
        project = self.ask(lambda: self._api.project(self.place.project, self.place.entity))
        for sweep in self.ask(lambda: list(project.sweeps())):
            yield self._sweep(sweep.id)

    def _sweep(self, name: str) -> FoundSweep:
        try:
            sweep = self.ask(lambda: self._api.sweep(f"{self.place.path}/{name}"))
        except SourceError as error:
            raise NotFound(
                f"there is no sweep `{name}` in {self.place.path} at {self.url} ({error.message})"
            ) from error
        try:
            config = mapping(sweep.config)
        except Exception:  # noqa: BLE001 - whatever the client's YAML reader raises
            config = None
        return FoundSweep(
            id=str(name),
            name=str(getattr(sweep, "displayName", None) or (config or {}).get("name") or name),
            state=str(getattr(sweep, "state", "") or ""),
            config=config,
            created=moment(getattr(sweep, "createdAt", None)),
        )

    def runs(self) -> tuple[int, Iterator[Any]]:
        """How many runs there are, and the client's own objects in order of creation."""
        filters = {"sweep": self.place.sweep} if self.place.sweep else {}
        wanted = {"include_sweeps": False, "lazy": False, "per_page": 50, "order": "+created_at"}
        runs = self.ask(
            lambda: self._api.runs(
                self.place.path, filters=filters, **_taken(self._api.runs, wanted)
            )
        )
        count = self.ask(lambda: len(runs))
        return count, self._listed(runs)

    def _listed(self, runs: Any) -> Iterator[Any]:
        pages = iter(runs)
        end = object()
        while (run := self.ask(lambda: next(pages, end))) is not end:
            yield run

    def found(self, run: Any) -> FoundRun:
        """What the list of runs says of this one."""
        created = moment(getattr(run, "createdAt", None)) or 0.0
        seen = moment(getattr(run, "heartbeatAt", None)) or created
        return FoundRun(
            id=str(run.id),
            name=str(run.name or run.id),
            sweep=getattr(run, "sweepName", None),
            state=str(run.state),
            config={key: value for key, value in mapping(run.config).items() if key != "_wandb"},
            summary=_summary(run),
            created=created,
            seen=max(seen, created),
            details=_details(run),
            rows=getattr(run, "historyLineCount", None),
        )

    # -- one run ----------------------------------------------------------------------------------

    def drawn(self, run: Any) -> dict[str, Any]:
        """How metrics are to be drawn (define_metric, custom charts). Newer clients lose it from lists of runs."""
        listed = _drawn(run)
        if listed is not None:
            return listed
        try:
            return _drawn(self.ask(lambda: self._api.run(f"{self.place.path}/{run.id}"))) or {}
        except SourceError:
            return {}

    def last_step(self, run: Any) -> int:
        """-1 without a row."""
        last = self.ask(lambda: run.lastHistoryStep)
        return int(last) if isinstance(last, int | float) else -1

    def rows(self, run: Any, since: int, last: int, count: int | None) -> Iterator[ImportRow]:
        """The rows from step `since` on. Pages are ranges of steps: wide ones where the steps lie far apart."""
        dense = count or PAGE * 50
        width = max(PAGE, (last + 1) // max(dense // PAGE, 1))
        wanted = {"page_size": width, "min_step": since, "use_cache": False}
        scan = self.ask(lambda: run.scan_history(**_taken(run.scan_history, wanted)))
        rows = iter(scan)
        end = object()
        while (said := self.ask(lambda: next(rows, end))) is not end:
            row = row_of(mapping(said))
            if row is not None:
                yield row

    def events(self, run: Any) -> list[ImportRow]:
        """System metrics, numbered in order."""
        said = self.ask(lambda: run.history(samples=EVENTS, pandas=False, stream="system"))
        rows = (row_of(mapping(one), step) for step, one in enumerate(said))
        return [row for row in rows if row is not None]

    def files(self, run: Any) -> list[FoundFile]:
        found = self.ask(lambda: list(run.files()))
        return [
            FoundFile(str(f.name), int(f.size or 0), moment(getattr(f, "updatedAt", None)), f)
            for f in found
        ]

    def download(self, found: FoundFile, folder: Path) -> Path:
        """The file below `folder`. Raises SourceError for a name that leads out of it."""
        target = (folder / found.name).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise SourceError(f"“{found.name}” is no name for a file")

        def load() -> None:
            with closing(found.file.download(root=str(folder), replace=True, api=self._api)):
                pass

        self.ask(load)
        return target

    def console(self, run: Any, time: float) -> list[ConsoleLine] | None:
        """The console by the newer clients' own call; None where client or server has none."""
        if not hasattr(run, "console_logs"):
            return None
        try:
            lines = list(run.console_logs())
        except Exception:  # noqa: BLE001 - an older server: `output.log` has the same
            return None
        return [
            line_of(
                one.number,
                one.content,
                one.timestamp.timestamp() if one.timestamp else time,
                error=one.level == "error",
            )
            for one in lines
        ] or None


def in_parts(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while part := list(islice(items, size)):
        yield part


def _opened(url: str | None, key: str | None, folder: Path) -> Any:
    """The client's Api. Raises UsageError without the package."""
    quiet = {
        "WANDB_SILENT": "true",
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_DIR": str(folder),
        "WANDB_CACHE_DIR": str(folder),
        "WANDB_DATA_DIR": str(folder),
    }
    os.environ.update(quiet)
    try:
        import wandb
    except ImportError as error:
        raise UsageError(
            "`swept import wandb` reads through W&B's own client, which is not installed",
            hint="pip install 'swept[wandb]'",
        ) from error
    wanted = {"overrides": {"base_url": url} if url else None, "timeout": 60, "api_key": key}
    try:
        return wandb.Api(**{name: value for name, value in wanted.items() if value})
    except Exception as error:  # its errors have no common base
        raise UsageError(
            f"W&B's client cannot log in at the source: {_first_line(error)}",
            hint="--key KEY, WANDB_API_KEY, or `wandb login --host URL`",
        ) from error


def _taken(function: Callable[..., Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the arguments that this version of the client has."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in wanted.items() if name in known or "kwargs" in known}


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]


def _drawn(run: Any) -> dict[str, Any] | None:
    """None without the client's own entry in the config."""
    entry = mapping(getattr(run, "rawconfig", {})).get("_wandb")
    if entry is None:
        return None
    inner = mapping(entry)
    inner = mapping(inner.get("value", inner))
    return {key: inner[key] for key in ("m", "viz", "visualize") if key in inner}


def _summary(run: Any) -> dict[str, Any]:
    found = mapping(getattr(run, "summaryMetrics", {}))
    found.pop("_wandb", None)
    return found


def _details(run: Any) -> dict[str, Any]:
    user = getattr(run, "user", None)
    said = {
        "group": getattr(run, "group", None),
        "job_type": getattr(run, "jobType", None) or getattr(run, "job_type", None),
        "notes": getattr(run, "notes", None),
        "description": getattr(run, "description", None),
        "tags": list(getattr(run, "tags", None) or ()),
        "commit": getattr(run, "commit", None),
        "user": getattr(user, "username", None) if user is not None else None,
    }
    return {key: value for key, value in said.items() if value}
