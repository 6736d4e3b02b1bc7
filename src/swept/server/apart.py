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
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from swept.errors import SweptError

LIMIT_SECONDS = 120.0
NICENESS = 10
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

P = ParamSpec("P")
T = TypeVar("T")


class Unanswered(SweptError):
    """What was to be computed failed, or took too long."""


def apart(task: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """`task(*arguments)`, a function of a module, of values that can be pickled. Raises Unanswered."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "swept.server.apart"],
            input=pickle.dumps((task, arguments, named)),
            stdout=subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(_THREADS, "1")},
            timeout=LIMIT_SECONDS,
            check=False,
            process_group=0,  # Ctrl+C in the server's terminal is the server's to handle
        )
    except subprocess.TimeoutExpired as error:
        raise Unanswered(
            f"the analysis took longer than {LIMIT_SECONDS:.0f} s",
            hint="the machine may be busy: try again later",
        ) from error
    if done.returncode:
        raise Unanswered(
            f"the analysis failed (exit code {done.returncode})",
            hint="the server's log (`.swept/server.log` for a detached one) has the details",
        )
    return cast(T, pickle.loads(done.stdout))


def _main() -> None:
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not into the answer
    os.nice(NICENESS)
    task, arguments, named = cast(
        tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]], pickle.load(sys.stdin.buffer)
    )
    with answer:
        answer.write(pickle.dumps(task(*arguments, **named)))


if __name__ == "__main__":
    _main()
