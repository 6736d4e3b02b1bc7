"""A real PostgreSQL of our own for tests: on a Unix socket in a temporary folder; it can be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError


def binaries() -> Path | None:
    """The folder of the newest `initdb` (Debian's layout), or of the one on PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def wanted_binaries() -> Path:
    """As `binaries`; skips the test without one, or fails it where all tests are asked for."""
    found = binaries()
    if found is None:
        reason = "PostgreSQL is not installed (no initdb): `apt install postgresql`"
        if os.environ.get("SWEPT_TEST_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class Postgres:
    """One server with its data; `url` is its database as superuser."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="swept-pg-"))  # socket paths have a limit
        self._log = self._folder / "log"
        self._log.touch()
        self._who = _as_postgres(self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql+psycopg://postgres@/postgres?host={self._folder}"
        options = f"-D {self._folder / 'data'} -U postgres -A trust -E UTF8 --locale=C --no-sync"
        subprocess.run(
            [programs / "initdb", *options.split()],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **self._who,
        )

    def start(self) -> None:
        options = (
            f"-D {self._folder / 'data'} -k {self._folder} "
            "-c listen_addresses= -c fsync=off -c max_connections=200"
        )
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._programs / "postgres", *options.split()],
                stdout=output,
                stderr=output,
                cwd=self._folder,
                **self._who,
            )
        self._wait_until_ready(self._process)

    def kill(self) -> None:
        """SIGQUIT: all connections are cut and nothing is written, as after a crash."""
        assert self._process is not None
        self._process.send_signal(3)
        self._process.wait(timeout=200)

    def remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=200)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 200
        engine = create_engine(self.url)
        try:
            while True:
                try:
                    engine.connect().close()
                    return
                except OperationalError:
                    if server.poll() is not None or time.monotonic() > deadline:
                        pytest.fail(f"PostgreSQL did not start:\n{self._log.read_text()}")
                    time.sleep(0.05)
        finally:
            engine.dispose()


def _as_postgres(folder: Path) -> dict[str, Any]:
    """`postgres` refuses to run as root: then it runs as the user of Debian's package."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
