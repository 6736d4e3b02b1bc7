"""Folders of runs that were logged on a disk, sent by the installed client's own `wandb sync`.

The client's file format is its own affair: its newest version reads the folders of all the older ones. `wandb sync` leaves
marks beside what it has sent; they are taken away again, so that the folders can still be sent elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from swept.client import Client
from swept.errors import NotFound, SweptError, UsageError
from swept.model import Kind, RunState
from swept.moving.came import Came

SYNC_SECONDS = 3600.0
_NAME = re.compile(r"run-\d{8}_\d{6}-(.+)$")
_LINK = re.compile(r"/runs/([^/\s]+)")
_MARKS = (".synced", ".syncstate")


@dataclass(frozen=True, slots=True)
class Folder:
    """One run's folder; `file` holds what was logged."""

    path: Path
    file: Path

    @property
    def run(self) -> str:
        named = _NAME.search(self.path.name)
        return named[1] if named else self.file.stem.removeprefix("run-")

    @property
    def offline(self) -> bool:
        """Whether nothing of it went to a server while it was logged."""
        return self.path.name.startswith("offline-")

    def stamp(self) -> str:
        with self.file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()


def folders(top: Path) -> list[Folder]:
    """The run folders in `top`, or `top` itself, oldest first. Raises UsageError where there is none."""
    if not top.is_dir():
        raise UsageError(
            f"there is no folder `{top}`", hint="name a run's folder, or one with many"
        )
    files = {file.resolve() for file in top.rglob("run-*.wandb") if file.is_file()}
    found = sorted((Folder(file.parent, file) for file in files), key=lambda one: one.path.name)
    found.sort(key=lambda one: one.path.name.removeprefix("offline-"))
    if not found:
        raise UsageError(
            f"`{top}` holds no runs of W&B's client",
            hint="their folders are called wandb/offline-run-DATE-ID and wandb/run-DATE-ID",
        )
    return found


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends folders to `target`. `project`: instead of the one that they name."""

    target: Client
    came: Came
    project: str | None = None

    def send(self, found: list[Folder], tell: Callable[[int, int], None]) -> None:
        for done, folder in enumerate(found, start=1):
            try:
                self._send(folder)
            except NotFound:
                self._leave_out(folder, "nothing of it can be read")
            tell(done, len(found))

    def _send(self, folder: Folder) -> None:
        stamp = folder.stamp()
        origin = f"wandb-file:{folder.run}:{stamp}"
        if self.target.imported([origin]):
            self.came.add(unchanged=1)
            return
        here = self._here(folder)
        if here:
            self._leave_out(folder, here)
            return
        code, said = self._synced(folder)
        linked = _LINK.findall(said)
        run = linked[-1] if linked else folder.run
        view = self.target.run(run)  # NotFound: not even its beginning could be read
        rows = len(self.target.history(run))
        if code:
            self.came.leave_out(str(folder.path), f"a part of it only: {_last_line(said)}")
        view = self.target.note_import({"origin": origin, "run": run, "stamp": stamp})
        self.came.add(new=1, rows=rows)
        if view["state"] == "crashed":
            self.came.leave_out(str(folder.path), f"{view['ended_because']}, after {rows} rows")

    def _here(self, folder: Folder) -> str:
        """Why it is not to be sent again, or "": the client's sync would begin the run anew, and end it."""
        try:
            view = self.target.run(folder.run)
        except NotFound:
            return ""
        if view["kind"] != Kind.MANUAL:
            return "a run of a sweep of this server: it is here"
        if view["state"] == RunState.RUNNING and not folder.offline:
            return "it is running on this server: import it once it is over"
        return ""

    def _synced(self, folder: Folder) -> tuple[int, str]:
        """`wandb sync` as a process of its own: its exit code and what it said."""
        command = [sys.executable, "-m", "wandb", "sync", "--include-online", "--include-synced"]
        if self.project:
            command += ["--project", self.project]
        with _marks_kept(folder), TemporaryDirectory(prefix="swept-import-") as scratch:
            try:
                done = subprocess.run(
                    [*command, str(folder.path)],
                    cwd=scratch,
                    env=self._environment(scratch),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    timeout=SYNC_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise SweptError(f"`wandb sync {folder.path}` has not ended") from error
        return done.returncode, done.stdout

    def _environment(self, scratch: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
        return {
            **kept,
            "WANDB_BASE_URL": self.target.url,
            "WANDB_API_KEY": self.target.key,
            "WANDB_DIR": scratch,
            "WANDB_ERROR_REPORTING": "false",
        }

    def _leave_out(self, folder: Folder, why: str) -> None:
        self.came.add(left_out=1)
        self.came.leave_out(str(folder.path), why)


def check_client() -> None:
    """Raises UsageError where the client is not installed."""
    if importlib.util.find_spec("wandb") is None:
        raise UsageError(
            "`swept import` reads through W&B's own client, which is not installed",
            hint="pip install 'swept[wandb]'",
        )


@contextlib.contextmanager
def _marks_kept(folder: Folder) -> Iterator[None]:
    """The marks of `wandb sync` beside the file are afterwards as before."""
    marks = [folder.file.with_name(folder.file.name + mark) for mark in _MARKS]
    before = {mark: mark.read_bytes() for mark in marks if mark.exists()}
    try:
        yield
    finally:
        for mark in marks:
            if mark in before:
                mark.write_bytes(before[mark])
            else:
                mark.unlink(missing_ok=True)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1].removeprefix("wandb: ")[:200] if lines else "the client said nothing"
