"""swept's server over a study, as `swept server` runs it: a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.dashboard.study import Study

from swept.clock import SystemClock
from swept.connect import running

PATIENCE_SECONDS = 60.0


@contextmanager
def serving(study: Study) -> Iterator[str]:
    """Its URL. It listens, and has answered nothing about the study yet."""
    process = subprocess.Popen(
        [sys.executable, "-m", "swept", "server"],
        cwd=study.home.path.parent,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    clock = SystemClock()
    until = clock.monotonic() + PATIENCE_SECONDS
    try:
        while (client := running(study.home)) is None:
            if process.poll() is not None or clock.monotonic() > until:
                raise SystemExit(f"the server of {study.home.path} did not start")
            clock.sleep(0.05)
        with client:
            url = client.url
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
