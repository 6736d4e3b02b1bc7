"""The folder of one attempt at a run, as agent, supervisor and training see it; and where its checkpoints lie.

.swept/runs/RUN/attempt-N/
    run.json         what the agent claimed (`Brief`)
    config.json      the configuration alone, for programs that read it themselves
    reports.jsonl    the ordered queue (swept.tracking.reporting)
    order.json       what the training was told to do, and whether it has looked (`Told`)
    files/           files on their way to the server
    train/           where an adapter's training writes
    console.log      what the program printed
    exit.json        how it ended, written by the supervisor
.swept/checkpoints/host-id
.swept/checkpoints/RUN/step-00000012-2-345.pt      step, attempt, number
.swept/checkpoints/RUN/.step-00000012-2-345.pt     copied, but its step's report is not durable yet
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from swept.errors import UsageError
from swept.wire import dumps
from swept.wire.reports import Report


@dataclass(frozen=True, slots=True)
class Brief:
    """What a training is told about its run. `checkpoint` has `place` and `step` when there is one to go on from."""

    run: str
    attempt: int
    name: str = ""
    number: int = 0
    kind: str = "search"
    project: str = ""
    sweep: str | None = None
    seed: int | None = None
    metric: str | None = None
    epochs: int | None = None
    checkpoint: Mapping[str, Any] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What the training was told (go, pause, stop), after which report, and whether it has looked at it since."""

    desired: str
    reason: str
    after: int
    read: bool = False


@dataclass(frozen=True, slots=True)
class Manual:
    """A run without swept's agent, that is not completed yet. `home` is its server's; `exit_code` None: it was
    killed; `obeyed`: the order (go, pause, stop) after which it left, `why` that order's reason."""

    run: str
    lease: str
    home: str
    exit_code: int | None = None
    obeyed: str = "go"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Workspace:
    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def journal(self) -> Path:
        return self.path / "reports.jsonl"

    @property
    def files(self) -> Path:
        return self.path / "files"

    @property
    def console(self) -> Path:
        return self.path / "console.log"

    @property
    def training(self) -> Path:
        return self.path / "train"

    @property
    def exit(self) -> Path:
        return self.path / "exit.json"

    def keep_brief(self, brief: Brief) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.config, brief.config)
        write_json(self.path / "run.json", asdict(brief))

    def brief(self) -> Brief | None:
        content = read_json(self.path / "run.json")
        return Brief(**content) if content else None

    def keep_told(self, told: Told) -> None:
        write_json(self.path / "order.json", asdict(told))

    def told(self) -> Told | None:
        content = read_json(self.path / "order.json")
        return Told(**content) if content else None

    def keep_manual(self, manual: Manual) -> None:
        write_json(self.path / "manual.json", asdict(manual))

    def manual(self) -> Manual | None:
        content = read_json(self.path / "manual.json")
        return Manual(**content) if content else None

    def drop_manual(self) -> None:
        (self.path / "manual.json").unlink(missing_ok=True)

    def keep_file(self, source: Path, name: str) -> None:
        """A copy on its way to the server. Raises UsageError for a name that leaves the folder, OSError."""
        parts = Path(name).parts
        if not parts or Path(name).is_absolute() or ".." in parts:
            raise UsageError(f"'{name}' is not a file name inside the run's files")
        target = self.files / name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{uuid.uuid4().hex}.part")  # _DRAFT
        shutil.copyfile(source, draft)
        draft.replace(target)

    def waiting_files(self) -> Iterator[tuple[str, Path]]:
        """Name and path of each file that the server does not have yet."""
        for path in sorted(self.files.rglob("*")):
            if path.is_file() and not _DRAFT.fullmatch(path.name):
                yield path.relative_to(self.files).as_posix(), path


_DRAFT = re.compile(r"\.[0-9a-f]{32}\.part")


def read_json(path: Path) -> Any:
    """The content of a JSON file; None where there is none, or half of one."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def write_json(path: Path, content: Any) -> None:
    """Replace `path` at once: a reader sees the old or the new content. 0600: a lease in it is a key."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(dumps(content))
    draft.replace(path)


# -- checkpoints ----------------------------------------------------------------------------------

_NAME = re.compile(r"^\.?step-(\d+)-(\d+)-(\d+)")


def host_id(checkpoints: Path) -> str:
    """The id kept beside the checkpoints: whoever reads the same id can read the same checkpoints."""
    path = checkpoints / "host-id"
    checkpoints.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = checkpoints / f".host-id.{uuid.uuid4().hex}"
        draft.write_text(uuid.uuid4().hex)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def place_for(folder: Path, source: Path, *, step: int, attempt: int, number: int) -> Path:
    """Where a checkpoint will lie: one file (or folder) for each; `number` grows within the attempt."""
    return folder / f"step-{step:08d}-{attempt}-{number}{source.suffix}"


def copy_in(source: Path, place: Path) -> None:
    """Copy to the hidden name beside `place`, durable when it returns. Raises OSError."""
    hidden = _hidden(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    _remove(hidden)  # of a process that was killed before it could report it
    try:
        if source.is_dir():
            shutil.copytree(source, hidden)
        else:
            shutil.copyfile(source, hidden)
        for path in [*hidden.rglob("*"), hidden]:
            _sync(path)
    except OSError:
        _remove(hidden)
        raise


def publish(report: Report) -> None:
    """Give a checkpoint's copy its final name. Repeated: does nothing the second time."""
    place = Path(report["place"])
    if _hidden(place).exists():
        _hidden(place).replace(place)
        _sync(place.parent)


def remove_older(report: Report) -> None:
    """The row of this checkpoint is durable: those before it are not needed any more. What cannot be removed stays:
    the reports behind this one must not wait for it."""
    place = Path(report["place"])
    mine = _order(place)
    with contextlib.suppress(OSError):
        for path in place.parent.iterdir():
            order = _order(path)
            if mine and order and order < mine:
                _remove(path)


def remove_checkpoints(checkpoints: Path, run: str) -> None:
    """Nothing can take up that run again."""
    _remove(checkpoints / run)


def _order(path: Path) -> tuple[int, int] | None:
    name = _NAME.match(path.name)
    return (int(name[2]), int(name[3])) if name else None


def _hidden(place: Path) -> Path:
    return place.with_name(f".{place.name}")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    if path.is_dir() and os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
