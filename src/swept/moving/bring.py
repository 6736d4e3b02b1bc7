"""One run, from there to here: half until all of it has come."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from swept.client import Client
from swept.errors import UsageError
from swept.moving.came import Came
from swept.moving.found import FoundRun, line_of, metadata_details
from swept.moving.source import FoundFile, Source, SourceError
from swept.wire import dumps
from swept.wire.imports import Brought, ImportRow
from swept.wire.reports import ConsoleLine
from swept.wire.runs import FileView

SMALL = 5_000_000
"""Bytes of a file that comes without being asked for."""
PART_ROWS = 1000
PART_BYTES = 4_000_000
METADATA = "wandb-metadata.json"
CONSOLE = "output.log"


class Interrupted(Exception):
    """A person wants it to end: what has come is kept."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that is here now. `id` None: it could not be read, its runs stand alone and keep `text`."""

    id: str | None
    stops_early: bool
    name: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Bringer:
    source: Source
    target: Client
    project: str
    came: Came
    files: str  # all | small | none
    interrupted: threading.Event

    def begin(self, found: FoundRun, sweep: Sweep | None, *, afresh: bool = False) -> Brought:
        """Make the run, or take it up again; it is half from now on. Raises Conflict for one that went on here."""
        details = {**found.details, "imported": self.source.url, "imported_state": found.state}
        if sweep is not None and sweep.id is None:
            details.setdefault("group", sweep.name)
        return self.target.import_run(
            {
                "origin": self.source.origin("runs", found.id),
                "source": self.source.url,
                "project": self.project,
                "sweep": sweep.id if sweep else None,
                "id": found.id,
                "name": found.name,
                "config": dict(found.config),
                "created": found.created,
                "started": found.started,
                "details": details,
                "afresh": afresh,
            }
        )

    def fill(self, run: Any, found: FoundRun, sweep: Sweep | None, brought: Brought) -> None:
        """All that the run has, then its end. Raises SweptError for what cannot come, Interrupted."""
        here = brought["id"]
        last = self.source.last_step(run)
        since = brought["last_step"]
        if since is not None and last < since:  # begun again there, under the same id
            self.begin(found, sweep, afresh=True)
            since = None
        self._send(here, "rows", self.source.rows(run, since or 0, last, found.rows))
        self._send(here, "events", self.source.events(run))
        files = self.source.files(run)
        with TemporaryDirectory(dir=self.source.folder) as name:
            folder = Path(name)
            metadata = self._metadata(files, folder)
            self._console(run, here, found, files, folder)
            self._bring_files(here, found, files, folder)
            self._keep_text(here, sweep, folder)
        state, reason = found.ending(self.source.url, stopping=bool(sweep and sweep.stops_early))
        self.target.end_import(
            here,
            {
                "state": state.value,
                "ended": found.seen,
                "reason": reason,
                "summary": dict(found.summary),
                "stamp": found.stamp,
                "exit_code": None,
                "host": str(metadata.get("host") or ""),
                "details": metadata,
                "drawn": self.source.drawn(run),
            },
        )

    # -- rows and console -------------------------------------------------------------------------

    def _send(self, here: str, what: str, rows: Iterable[ImportRow]) -> None:
        for part in _parts(rows):
            self._check()
            body = {"rows": [], "events": [], "lines": [], what: part}
            self.target.import_rows(here, body)  # type: ignore[arg-type]
            self.came.add(**{what: len(part)})

    def _check(self) -> None:
        if self.interrupted.is_set():
            raise Interrupted

    def _console(
        self, run: Any, here: str, found: FoundRun, files: Sequence[FoundFile], folder: Path
    ) -> None:
        lines = self.source.console(run, found.created)
        if lines is None:
            log = next((file for file in files if file.name == CONSOLE), None)
            lines = [] if log is None else list(self._logged(log, found, folder))
        for start in range(0, len(lines), PART_ROWS):
            part = lines[start : start + PART_ROWS]
            self.target.import_rows(here, {"rows": [], "events": [], "lines": part})

    def _logged(self, log: FoundFile, found: FoundRun, folder: Path) -> Iterator[ConsoleLine]:
        """The lines of `output.log`, which carry no times."""
        path = self.source.download(log, folder)
        with path.open(encoding="utf-8", errors="replace", newline="\n") as text:
            for number, line in enumerate(text):
                yield line_of(number, line, found.created)

    # -- files ------------------------------------------------------------------------------------

    def _metadata(self, files: Sequence[FoundFile], folder: Path) -> dict[str, Any]:
        file = next((file for file in files if file.name == METADATA), None)
        if file is None:
            return {}
        try:
            said = json.loads(self.source.download(file, folder).read_text())
        except (SourceError, ValueError, OSError):
            return {}
        return metadata_details(said) if isinstance(said, dict) else {}

    def _bring_files(
        self, here: str, found: FoundRun, files: Sequence[FoundFile], folder: Path
    ) -> None:
        if self.files == "none":
            return
        known = {file["name"]: file for file in self.target.files(here)}
        for file in files:
            self._check()
            if _same(file, known.get(file.name)):
                continue
            if self.files == "small" and file.size > SMALL:
                size = f"{file.size / 1e6:.1f} MB"
                self.came.leave_out(f"{found.id}/{file.name}", f"{size}: --files all brings it")
                continue
            self._bring_file(here, found, file, folder)

    def _bring_file(self, here: str, found: FoundRun, file: FoundFile, folder: Path) -> None:
        try:
            path = self.source.download(file, folder)
            self.target.put_file(here, file.name, path)
            path.unlink(missing_ok=True)
        except (SourceError, UsageError, OSError) as error:
            self.came.leave_out(f"{found.id}/{file.name}", str(getattr(error, "message", error)))
            return
        self.came.add(files=1, bytes=file.size)

    def _keep_text(self, here: str, sweep: Sweep | None, folder: Path) -> None:
        """The config of a sweep that cannot be read here stays with its runs."""
        if sweep is None or sweep.id is not None:
            return
        path = folder / "wandb-sweep.yaml"
        path.write_text(sweep.text)
        self.target.put_file(here, path.name, path)


def _same(file: FoundFile, here: FileView | None) -> bool:
    """Whether the file is here as it is there, by what both sides say of it."""
    if here is None or here["size"] != file.size:
        return False
    return file.updated is None or file.updated <= here["time"]


def _parts(rows: Iterable[ImportRow]) -> Iterator[list[ImportRow]]:
    """Parts that fit into a request, whatever is in a row."""
    part: list[ImportRow] = []
    size = 0
    for row in rows:
        part.append(row)
        size += len(dumps(row["metrics"]))
        if len(part) >= PART_ROWS or size >= PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
