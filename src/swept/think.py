"""Where the search is thought: in a worker process of its own, with a time limit, or inline.

The worker is one long-lived process with one BLAS thread: a model fit neither holds the server's interpreter lock
nor takes the cores of the trainings, and a fit that hangs is killed and started anew. It ends when its input ends,
so it never outlives a killed server. Only this module's own values cross the pipe, between two processes of the
same code; nothing pickled is ever stored.
"""

from __future__ import annotations

import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

from swept.analysis.best import Advice
from swept.clock import Clock, SystemClock
from swept.model import Decision, History, Run, Suggestions
from swept.pipes import dumps

LIMIT_SECONDS = 30.0
START_SECONDS = 120.0
"""The first answer also waits for the imports of numpy and scipy, which may come from a cold disk."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_LENGTH = struct.Struct(">Q")


class ThinkError(Exception):
    """The search failed or took too long; the text is a clause that fits after "the search"."""


class Closed(ThinkError):
    """It was asked after its end, by a request that the server's own end overtook."""


class Thinker(Protocol):
    """Runs the pure functions on a sweep's canonical spec. All may raise ThinkError."""

    def suggest(
        self, spec: Mapping[str, Any], history: History, n: int, *, seed: int, now: float
    ) -> Suggestions: ...

    def decide(self, spec: Mapping[str, Any], history: History) -> list[Decision]: ...

    def advise(self, spec: Mapping[str, Any], runs: Sequence[Run]) -> Advice | None: ...

    def close(self) -> None: ...


class InlineThinker:
    """Thinks in the calling thread: for tests and simulations, which want no second process."""

    def suggest(
        self, spec: Mapping[str, Any], history: History, n: int, *, seed: int, now: float
    ) -> Suggestions:
        return cast(Suggestions, _guarded(_suggest, spec, history, n, seed, now))

    def decide(self, spec: Mapping[str, Any], history: History) -> list[Decision]:
        return cast(list[Decision], _guarded(_decide, spec, history))

    def advise(self, spec: Mapping[str, Any], runs: Sequence[Run]) -> Advice | None:
        return cast("Advice | None", _guarded(_advise, spec, runs))

    def close(self) -> None:
        """Nothing is held."""


class WorkerThinker:
    """Thinks in the worker process; calls from several threads take turns."""

    def __init__(self, *, limit: float = LIMIT_SECONDS, clock: Clock | None = None) -> None:
        self._limit = limit
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._closed = False

    def warm(self) -> None:
        """Start the worker now, so that the first claim does not wait for its imports."""
        with self._lock:
            if not self._closed:
                self._start()

    def suggest(
        self, spec: Mapping[str, Any], history: History, n: int, *, seed: int, now: float
    ) -> Suggestions:
        return cast(Suggestions, self._ask("suggest", (spec, history, n, seed, now)))

    def decide(self, spec: Mapping[str, Any], history: History) -> list[Decision]:
        """What fits a model is done by the worker; the rest is arithmetic, and is done here in less time than the
        history takes to cross the pipe."""
        if _fits_a_model(spec):
            return cast(list[Decision], self._ask("decide", (spec, history)))
        return InlineThinker().decide(spec, history)

    def advise(self, spec: Mapping[str, Any], runs: Sequence[Run]) -> Advice | None:
        return cast("Advice | None", self._ask("advise", (spec, runs)))

    def close(self) -> None:
        """End the worker. From now on asking raises Closed: a worker started for it would be nobody's."""
        with self._lock:
            self._closed = True
            self._end()

    def _ask(self, task: str, arguments: tuple[Any, ...]) -> Any:
        with self._lock:
            if self._closed:
                raise Closed("is not asked any more: the server is ending")
            try:
                limit = self._limit + (START_SECONDS if self._start() else 0.0)
                answer = self._exchange(dumps((task, arguments)), limit)
            except TimeoutError as error:
                self._end()
                raise ThinkError(f"took longer than {self._limit:.0f} s") from error
            except (OSError, EOFError) as error:
                self._end()
                raise ThinkError("failed: its process died") from error
        if answer.failure:
            raise ThinkError(answer.failure)
        return answer.value

    def _start(self) -> bool:
        """Whether a worker had to be started."""
        if self._worker is not None and self._worker.poll() is None:
            return False
        self._end()
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "swept.think"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(_THREADS, "1")},
            bufsize=0,
            process_group=0,  # Ctrl+C in the server's terminal is the server's to handle
        )
        return True

    def _exchange(self, request: bytes, limit: float) -> _Answer:
        assert self._worker is not None
        deadline = self._clock.monotonic() + limit
        to, back = self._worker.stdin, self._worker.stdout
        assert to is not None
        assert back is not None
        self._write(to, _LENGTH.pack(len(request)) + request, deadline)
        (length,) = _LENGTH.unpack(self._read(back, _LENGTH.size, deadline))
        return cast(_Answer, pickle.loads(self._read(back, length, deadline)))

    def _write(self, sink: IO[bytes], data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            patience = deadline - self._clock.monotonic()
            if patience <= 0 or not select.select([], [sink], [], patience)[1]:
                raise TimeoutError
            # A pipe that is ready takes this much without blocking, whatever the worker does.
            view = view[sink.write(view[: select.PIPE_BUF]) :]

    def _read(self, source: IO[bytes], size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            patience = deadline - self._clock.monotonic()
            if patience <= 0 or not select.select([source], [], [], patience)[0]:
                raise TimeoutError
            part = source.read(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def _end(self) -> None:
        if self._worker is None:
            return
        self._worker.kill()
        self._worker.wait()
        for pipe in (self._worker.stdin, self._worker.stdout):
            if pipe is not None:
                pipe.close()
        self._worker = None


@dataclass(frozen=True, slots=True)
class _Answer:
    value: Any = None
    failure: str = ""


def _suggest(
    spec: Mapping[str, Any], history: History, n: int, seed: int, now: float
) -> Suggestions:
    from swept.search.suggest import suggest  # numpy and scipy: only where it is thought
    from swept.spec import from_canonical

    answer: Suggestions = suggest(from_canonical(spec), history, n, seed=seed, now=now)
    return answer


def _decide(spec: Mapping[str, Any], history: History) -> list[Decision]:
    from swept.spec import from_canonical
    from swept.stopping.decide import decide

    return list(decide(from_canonical(spec), history))


def _advise(spec: Mapping[str, Any], runs: Sequence[Run]) -> Advice | None:
    from swept.analysis.recommend import advise
    from swept.spec import from_canonical

    return advise(from_canonical(spec), runs)


def _fits_a_model(spec: Mapping[str, Any]) -> bool:
    """Whether deciding takes more than arithmetic."""
    options = spec.get("swept", {})
    return "early_terminate" not in spec and options.get("early_stopping") == "auto"


def _guarded(task: Any, *arguments: Any) -> Any:
    try:
        return task(*arguments)
    except Exception as error:
        raise ThinkError(_failure(error)) from error


def _failure(error: Exception) -> str:
    return f"failed: {type(error).__name__}: {error}"


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """The worker's loop: a task in, an answer out, until the input ends."""
    tasks: Mapping[str, Callable[..., Any]] = {
        "suggest": _suggest,
        "decide": _decide,
        "advise": _advise,
    }
    while head := source.read(_LENGTH.size):
        (length,) = _LENGTH.unpack(head)
        name, arguments = pickle.loads(source.read(length))
        try:
            answer = _Answer(value=tasks[name](*arguments))
        except Exception as error:  # noqa: BLE001 told to the server, which draws at random instead
            traceback.print_exc()  # into the server's log: the stored reason is one line
            answer = _Answer(failure=_failure(error))
        body = pickle.dumps(answer)
        try:
            sink.write(_LENGTH.pack(len(body)) + body)
            sink.flush()
        except BrokenPipeError:
            os._exit(0)  # the server was killed: at a usual exit the sink would try to write again


def _main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not between the answers
    import swept.search.suggest  # noqa: F401 the imports' time is not the first task's

    _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    from swept.think import _main as main  # so that the classes pickled are swept.think's

    main()
