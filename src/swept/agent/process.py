"""Everything POSIX that the agent does: locks, signals, and finding the processes of a run."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeAlias

import psutil

from swept.clock import Clock
from swept.errors import UsageError

if sys.platform == "win32":
    raise UsageError(
        "the agent runs on Linux and macOS",
        hint="on Windows start it under WSL2; `import swept` and the other commands work here",
    )

import fcntl

Handler: TypeAlias = Callable[[int, FrameType | None], None]


class Lock:
    """An exclusive lock on a file, held while this process lives or until `release`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path, mode: int = 0o600) -> Lock | None:
        """The lock, or None when another process holds it. Raises OSError where the folder is missing."""
        descriptor = _open(path, mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return None
            raise
        return cls(path, descriptor)

    def write(self, text: str) -> None:
        """Say who holds it, for people."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)


def _open(path: Path, mode: int) -> int:
    # With O_CREAT the kernel refuses another user's file in a folder like /tmp (fs.protected_regular).
    try:
        return os.open(path, os.O_RDWR)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode)
        os.fchmod(descriptor, mode)
        return descriptor


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on that file."""
    try:
        lock = Lock.take(path)
    except FileNotFoundError:
        return False
    if lock is None:
        return True
    lock.release()
    return False


def boot_id() -> str:
    """Changes with each start of the machine; "" where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def with_variable(name: str, value: str) -> list[int]:
    """The living processes whose environment says so: a run's, wherever they have gone."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(name) == value:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def kill_run(lease: str, clock: Clock, seconds: float = 10.0) -> bool:
    """Kill every process that was started with this lease; False = something survives `seconds`.

    For runs without a supervisor: a pid alone may be another process's by now, the environment cannot be.
    """
    deadline = clock.monotonic() + seconds
    while members := with_variable("SWEPT_LEASE", lease):
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if clock.monotonic() > deadline:
            return False
        clock.sleep(0.05)
    return True


class Signals:
    """SIGINT, SIGTERM and SIGHUP go to `handler` inside the `with` block; the old handlers come back after it.

    Outside the main thread it does nothing: there the caller passes signals on.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self, handler: Handler, *, active: bool) -> None:
        self._handler = handler
        self._active = active
        self._before: dict[int, object] = {}

    def __enter__(self) -> Signals:
        if self._active:
            for number in self.NUMBERS:
                self._before[number] = signal.signal(number, self._handler)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
