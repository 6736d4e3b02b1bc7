"""A pure function computed in a process of its own, which ends with it.

A model fit neither holds the server's interpreter lock nor takes the cores of the trainings (one BLAS thread), and one
that hangs is killed. The search's worker (`swept.think`) is not asked: claims and decisions would wait. Only values of
this very code cross the pipe; nothing pickled is stored.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from swept.errors import SweptError
from swept.pipes import dump

LIMIT_SECONDS = 240.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

LOOK_AGAIN_SECONDS = 0.25
GIVES_WAY = 5
"""So much nicer than the server: trainings, and the page that is drawn meanwhile, come first."""

T = TypeVar("T")


class Unanswered(SweptError):
    """What was to be computed failed, took too long, or the server is ending."""


class Apart:
    """Starts such processes, one at a time, until `stopping` is set; then it ends the one that is at work."""

    def __init__(self, stopping: threading.Event, *, limit: float = LIMIT_SECONDS) -> None:
        self._stopping = stopping
        self._limit = limit
        self._turn = threading.Lock()

    def __call__(self, task: Callable[..., T], *arguments: Any) -> T:
        """`task(*arguments)`: a module's function, of values that can be pickled. Raises Unanswered."""
        with self._turn, tempfile.TemporaryFile() as request:
            # a pipe would not be filled to its end: CPython 3.11 forgets the rest once `communicate` has timed out
            dump((task, arguments), request)
            request.seek(0)
            self._go_on()
            with subprocess.Popen(
                [sys.executable, "-m", "swept.server.apart"],
                stdin=request,
                stdout=subprocess.PIPE,
                env={**os.environ, **dict.fromkeys(_THREADS, "1")},
                process_group=0,  # Ctrl+C in the server's terminal is the server's to handle
            ) as process:
                try:
                    answer = self._answer(process)
                finally:
                    process.kill()
        if process.returncode:
            raise Unanswered(
                f"the analysis failed (exit code {process.returncode})",
                hint="the server's log (`.swept/server.log` for a detached one) has the details",
            )
        return cast(T, pickle.loads(answer))

    def _answer(self, process: subprocess.Popen[bytes]) -> bytes:
        waited = 0.0
        while True:
            try:
                answer, _ = process.communicate(timeout=LOOK_AGAIN_SECONDS)
            except subprocess.TimeoutExpired:
                waited += LOOK_AGAIN_SECONDS
            else:
                return answer
            self._go_on()
            if waited >= self._limit:
                raise Unanswered(
                    f"the analysis took longer than {self._limit:.0f} s",
                    hint="the machine may be busy: try again later",
                )

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise Unanswered("the server is ending", hint="ask again: the next command starts it")


def _main() -> None:
    os.nice(GIVES_WAY)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not into the answer
    task, arguments = pickle.load(sys.stdin.buffer)
    with answer:
        answer.write(pickle.dumps(task(*arguments)))


if __name__ == "__main__":
    _main()
