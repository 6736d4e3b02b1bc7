"""What several kinds of tests share: a real PostgreSQL, started once for all of them."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

_SCHEMAS = itertools.count(1)


def _binaries() -> Path | None:
    """The folder of the newest `initdb` (Debian's layout), or of the one on PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _as_postgres(folder: Path) -> dict[str, Any]:
    """`postgres` refuses to run as root: then it runs as the user of Debian's package."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    engine = create_engine(url)
    try:
        while True:
            try:
                engine.connect().close()
                return
            except OperationalError:
                if server.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"PostgreSQL did not start:\n{log.read_text()}")
                time.sleep(0.05)
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of our own, on a Unix socket in a temporary folder."""
    binaries = _binaries()
    if binaries is None:
        reason = "PostgreSQL is not installed (no initdb): `apt install postgresql`"
        if os.environ.get("SWEPT_TEST_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="swept-pg-"))  # short: socket paths have a limit
    data, log = folder / "data", folder / "log"
    log.touch()
    who = _as_postgres(folder)
    try:
        initdb = f"-D {data} -U postgres -A trust -E UTF8 --locale=C --no-sync"
        subprocess.run(
            [binaries / "initdb", *initdb.split()],
            check=True,
            capture_output=True,
            cwd=folder,
            **who,
        )
        options = f"-D {data} -k {folder} -c listen_addresses= -c fsync=off -c max_connections=200"
        with log.open("wb") as output:
            server: subprocess.Popen[bytes] = subprocess.Popen(
                [binaries / "postgres", *options.split()],
                stdout=output,
                stderr=output,
                cwd=folder,
                **who,
            )
        try:
            url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
            _wait_until_ready(url, server, log)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """URL of an empty schema of its own on that server, dropped after the test."""
    schema = f"test_{os.getpid()}_{next(_SCHEMAS)}"
    engine = create_engine(postgres, pool_pre_ping=True)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        yield f"{postgres}&options=-csearch_path%3D{schema}"
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    finally:
        engine.dispose()
