"""Everything POSIX that the agent does: locks, process groups, and whether a pid is still the process it was."""

from __future__ import annotations

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

START_TOLERANCE = 2.0
"""Seconds by which a process's start time, derived from the boot time, may move when the clock is set."""


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


def start_time(pid: int) -> float | None:
    """When that process started, seconds since the epoch; None where there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def same_process(pid: int, started: float | None) -> bool:
    """Whether `pid` is alive and still the process that started then, not a later one with its number."""
    now = start_time(pid)
    return now is not None and started is not None and abs(now - started) < START_TOLERANCE


def group_members(group: int) -> list[int]:
    """The living processes of a process group (zombies do not count)."""
    members = []
    for process in psutil.process_iter(["pid", "status"]):
        try:
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except ProcessLookupError:
            continue
    return members


def kill_group(group: int) -> None:
    """SIGKILL to a whole process group, if there is one."""
    if group > 1:
        signal_group(group, signal.SIGKILL)


def signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def kill_and_wait(group: int, clock: Clock, seconds: float = 5.0) -> bool:
    """Kill a group and wait until none of it is left; False = something survives `seconds`."""
    deadline = clock.monotonic() + seconds
    while group_members(group):
        kill_group(group)
        if clock.monotonic() > deadline:
            return False
        clock.sleep(0.02)
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
