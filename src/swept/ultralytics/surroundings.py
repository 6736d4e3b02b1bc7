"""What a training may not be disturbed by: signals, other loggers, a neighbour building the same cache."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ultralytics.utils import SETTINGS, downloads

# Ultralytics' own loggers, each of which would write the same run a second time elsewhere.
LOGGERS = ("clearml", "comet", "dvc", "mlflow", "neptune", "raytune", "tensorboard", "wandb")


@contextmanager
def other_loggers_off() -> Iterator[None]:
    """For this process only: Ultralytics' settings object would write each change to its file."""
    before = {name: SETTINGS[name] for name in LOGGERS if name in SETTINGS}
    dict.update(SETTINGS, dict.fromkeys(before, False))
    try:
        yield
    finally:
        dict.update(SETTINGS, before)


@contextmanager
def quoted_folders() -> Iterator[None]:
    """Ultralytics takes every `'` out of a weight file's path, and then looks for it elsewhere."""
    before = downloads.attempt_download_asset

    def found(file: str | Path, *args: object, **kwargs: object) -> str:
        return str(file) if Path(file).is_file() else str(before(file, *args, **kwargs))

    downloads.attempt_download_asset = found
    try:
        yield
    finally:
        downloads.attempt_download_asset = before


@contextmanager
def signals_unwind() -> Iterator[None]:
    """SIGINT and SIGTERM end a training by an exception, so that files and workers are closed.

    SIGINT is set too: a process started in the background by a shell ignores it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, _terminate),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Waits until no other process of this user on this host is inside for the same `what`."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    key = hashlib.sha256(what.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"swept-{os.getuid()}-{key}.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
