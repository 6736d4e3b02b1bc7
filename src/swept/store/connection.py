"""Opening a database by its URL, and saying plainly what is wrong with it.

SQLite: WAL, `synchronous=FULL` (an acknowledged row survives a power cut), foreign keys on, writing transactions are
`BEGIN IMMEDIATE` (deferred ones fail when two of them upgrade). PostgreSQL: psycopg 3; readers see one snapshot.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry

from swept.errors import StoreError, SweptError, UsageError
from swept.store import patterns

BUSY_SECONDS = 30.0
"""How long a writer waits for another process that holds SQLite's lock."""
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "fuse.sshfs", "fuse.glusterfs", "9p"}
    | {"ceph", "fuse.ceph", "lustre", "gpfs", "beegfs", "afs", "ncpfs", "fuse.s3fs", "fuse.rclone"}
)
_WAYS_OUT = (
    "put it on a local disk (set `SWEPT_HOME` to a folder there), or use PostgreSQL: "
    "`swept server --store postgresql://USER@HOST/DATABASE`"
)
_FORMS = "write `sqlite:////absolute/path/swept.db` or `postgresql://USER:PASSWORD@HOST/DATABASE`"


@dataclass(frozen=True)
class Engines:
    """The two ways into one database: one writer, many readers."""

    writer: Engine
    reader: Engine
    place: str  # for messages; holds no password

    @property
    def sqlite(self) -> bool:
        return self.writer.dialect.name == "sqlite"

    def dispose(self) -> None:
        self.writer.dispose()
        self.reader.dispose()


def connect(url: str) -> Engines:
    """Engines for `url`. Connects to nothing yet; raises UsageError (URL) or StoreError (place, driver)."""
    if url.startswith("sqlite:///"):
        return _sqlite(url.removeprefix("sqlite:///"))
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(f"`{url}` is no database URL", hint=_FORMS) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed.database or "")
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return _postgresql(parsed)
    raise UsageError(f"`{parsed.get_backend_name()}` is no database that swept knows", hint=_FORMS)


# -- SQLite ---------------------------------------------------------------------------------------


def _sqlite(database: str) -> Engines:
    """`database` is a path as it is: nothing in it is escaped."""
    if database in ("", ":memory:"):
        raise UsageError("a store in memory would lose everything at the end", hint=_FORMS)
    path = Path(database)
    _check_folder(path)
    _make_private(path)
    url = URL.create("sqlite+pysqlite", database=database)
    writer = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=1, max_overflow=0)
    reader = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=56
    )
    _prepare_sqlite(writer, begin="BEGIN IMMEDIATE", only_read=False)
    _prepare_sqlite(reader, begin="BEGIN", only_read=True)
    return Engines(writer, reader, str(path))


def _make_private(path: Path) -> None:
    """A new file is 0600, and SQLite's own beside it as that: the leases in it are keys."""
    with contextlib.suppress(OSError):  # there already; or SQLite says what is wrong
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise StoreError(
            f"`{path}` cannot be opened: there is no folder `{path.parent}`",
            hint=f"`mkdir -p {path.parent}`",
        )
    kind = file_system(path.parent)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreError(
            f"`{path}` is on a network file system ({kind}): SQLite's locks do not hold there, "
            "and runs would be lost",
            hint=_WAYS_OUT,
        )


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The type of the file system that holds `path`, as in `/proc/mounts`; "" where that cannot be read."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    target = os.fspath(path.resolve())
    best, kind = "", ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mount = _unescape(fields[1])
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[2]
    return kind


def _unescape(field: str) -> str:
    """`/proc/mounts` writes blanks and backslashes in octal."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field


def _prepare_sqlite(engine: Engine, *, begin: str, only_read: bool) -> None:
    def on_connect(connection: Any, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver would begin (deferred) by itself
        connection.create_function("regexp", 2, patterns.found, deterministic=True)
        cursor = connection.cursor()
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
            if only_read:
                cursor.execute("PRAGMA query_only=ON")
        finally:
            cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


# -- PostgreSQL -----------------------------------------------------------------------------------


def _postgresql(url: URL) -> Engines:
    url = url.set(drivername="postgresql+psycopg")
    place = url.render_as_string(hide_password=True)
    try:
        writer = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
        reader = create_engine(
            url,
            pool_size=8,
            max_overflow=24,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )
    except ModuleNotFoundError:
        raise StoreError(
            "PostgreSQL needs the driver psycopg 3, which is not installed",
            hint="`pip install 'swept[postgres]'`",
        ) from None
    return Engines(writer, reader, place)


# -- what is wrong --------------------------------------------------------------------------------

_MESSAGES = (
    ("is full", "the disk is full", "free some space; nothing that was acknowledged is lost"),
    ("no space left", "the disk is full", "free some space; nothing that was acknowledged is lost"),
    ("readonly", "it may not be written", "mend the permissions of the file and of its folder"),
    ("read-only", "it may not be written", "mend the permissions of the file and of its folder"),
    (
        "malformed",
        "the file is damaged",
        "restore a backup; `sqlite3 FILE .recover` saves the rest",
    ),
    ("not a database", "the file is not an SQLite database", "name another file, or move it away"),
    ("locked", "another process holds it", "end the other server; `swept server status` finds it"),
    ("unable to open", "the file cannot be opened", "mend the permissions of the folder"),
    (
        "disk i/o",
        "the disk reports an error",
        "look at the disk (`dmesg`), then restart the server",
    ),
    ("password", "the database refused the login", "mend user and password in the store's URL"),
    ("does not exist", "the database or role is missing", "`createdb`, or mend the store's URL"),
    ("connection", "the database does not answer", "start it, or mend host and port in the URL"),
)


def unfit(error: Exception) -> UsageError:
    """A value that no column takes: whoever sent it has to send another one, trying again is of no use."""
    return UsageError(
        f"a value cannot be kept: {' '.join(str(error).split())}",
        hint="whole numbers must fit into 64 bits",
    )


def explain(error: DBAPIError, place: str) -> SweptError:
    """What a driver's error means, for a person."""
    text = " ".join(str(error.orig).split())
    if isinstance(error, DataError):
        return unfit(error.orig or error)
    if isinstance(error, IntegrityError):
        return StoreError(f"the store `{place}` refused a change that breaks its rules: {text}")
    for sign, meaning, mend in _MESSAGES:
        if sign in text.lower():
            return StoreError(f"the store `{place}` cannot be used: {meaning} ({text})", hint=mend)
    return StoreError(f"the store `{place}` reported an error: {text}")
