"""The `.swept/` folder: what one set of sweeps keeps on disk, found upwards as git finds `.git`.

id              names the folder; the server's handshake carries it
key             the API key, 0600
port            the server's port, chosen once
server.json     who serves now: host, boot id, pid + start time, version, url; 0600
server.lock     held (flock) by the one server
server.log      what the detached server said
keep-until      seconds since the epoch: `swept env` wants the server up until then
store           URL of the store, where it is not the folder's own; 0600
swept.db        the folder's own store (SQLite)
files/          files of runs, on the server's side
agents/ runs/ checkpoints/                                   on the agents' side
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from swept.errors import StoreError, UsageError

FOLDER = ".swept"
_FOLDERS = ("files", "agents", "runs", "checkpoints")


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """What `server.json` says of the server that serves, or served, this folder."""

    host: str
    boot: str
    pid: int
    started: float  # the process's start time: a reused pid has another one
    version: str
    url: str


@dataclass(frozen=True, slots=True)
class Home:
    """An existing `.swept/` folder; `find` and `make` give one."""

    path: Path

    @property
    def store_url(self) -> str:
        """What `swept server --store` named last, else the folder's own: whoever starts the server again finds the
        same sweeps."""
        try:
            return (self.path / "store").read_text().strip()
        except FileNotFoundError:
            return f"sqlite:///{self.path / 'swept.db'}"

    def keep_store(self, url: str) -> None:
        if url != self.store_url:
            _write(self.path / "store", f"{url}\n")

    @property
    def server_json(self) -> Path:
        return self.path / "server.json"

    @property
    def lock(self) -> Path:
        return self.path / "server.lock"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    @property
    def files(self) -> Path:
        return self.path / "files"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def agents(self) -> Path:
        return self.path / "agents"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def id(self) -> str:
        return _once(self.path / "id", lambda: secrets.token_hex(8))

    def key(self) -> str:
        """The API key. W&B's clients want 40 characters after a dash."""
        return _once(self.path / "key", lambda: f"local-{secrets.token_hex(20)}")

    def port(self) -> int | None:
        """The port of the last server, None before the first."""
        try:
            return int((self.path / "port").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def keep_port(self, port: int) -> None:
        _write(self.path / "port", f"{port}\n")

    def server(self) -> ServerRecord | None:
        """What `server.json` says; None where there is none, or half of one."""
        try:
            return ServerRecord(**json.loads(self.server_json.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def keep_server(self, record: ServerRecord) -> None:
        _write(self.server_json, json.dumps(asdict(record), indent=1))

    def forget_server(self, boot: str) -> None:
        """Remove `server.json`, if it is still that server's."""
        record = self.server()
        if record is not None and record.boot == boot:
            self.server_json.unlink(missing_ok=True)

    def keep_until(self) -> float:
        try:
            return float((self.path / "keep-until").read_text())
        except (FileNotFoundError, ValueError):
            return 0.0

    def keep_up(self, until: float) -> None:
        _write(self.path / "keep-until", f"{max(until, self.keep_until())}\n")


def find(start: Path) -> Home | None:
    """The nearest `.swept/` at or above `start`; `SWEPT_HOME` (the folder itself) beats the search.

    Raises StoreError for a folder that belongs to somebody else.
    """
    named = os.environ.get("SWEPT_HOME")
    if named:
        path = Path(named).expanduser().absolute()
        return _own(path) if path.is_dir() else None
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / FOLDER).is_dir():
            return _own(folder / FOLDER)
    return None


def make(folder: Path) -> Home:
    """The `.swept/` in `folder` (or `SWEPT_HOME`), made where it is missing. Raises StoreError."""
    named = os.environ.get("SWEPT_HOME")
    path = Path(named).expanduser().absolute() if named else folder.absolute() / FOLDER
    try:
        path.mkdir(mode=0o700, parents=bool(named), exist_ok=True)
        home = _own(path)
        for name in _FOLDERS:
            (path / name).mkdir(exist_ok=True)
        if not (path / ".gitignore").exists():
            _write(path / ".gitignore", "*\n")
        home.id()
        home.key()
    except OSError as error:
        raise unwritable(path, error) from error
    return home


def unwritable(path: Path, error: OSError) -> StoreError:
    """That `path`, a `.swept/` folder or a file in it, cannot be written, for a person."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "free some space" if full else "mend its permissions"
    return StoreError(
        f"cannot write {path}: {error.strerror or error}",
        hint=f"{what}, or set SWEPT_HOME to a folder that you may write",
    )


def start_folder(path: Path | None) -> Path:
    """Where the search begins: a sweep file's folder, the folder itself, or the working folder."""
    if path is None:
        return Path.cwd()
    return path if path.is_dir() else path.absolute().parent


def _own(path: Path) -> Home:
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder", hint="set SWEPT_HOME to a folder")
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise StoreError(
            f"{path} belongs to another user (uid {owner}, you are {os.geteuid()})",
            hint="work in a folder of your own, set SWEPT_HOME, or ask its owner for SWEPT_URL and SWEPT_API_KEY",
        )
    return Home(path)


def _once(path: Path, new: Callable[[], str]) -> str:
    """The content of `path`, which the first of several processes writes, whole, 0600."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    draft = _draft(path, new() + "\n")
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()


def _write(path: Path, text: str) -> None:
    """Replace `path` at once: a reader sees the old or the new text, 0600. Raises StoreError."""
    try:
        _draft(path, text).replace(path)
    except OSError as error:
        raise unwritable(path, error) from error


def _draft(path: Path, text: str) -> Path:
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(number, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
