"""An attempt's ordered queue of reports: on disk first, then to the server, each exactly once.

`Journal` is the file (`reports.jsonl`, one `wire.Report` a line, `seq` from 1 without gaps), `Reporter` the
thread that sends it, `deliver` the sending itself. The agent calls `deliver` too, for what a training that was
killed, or a server that was down, left behind.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from swept.clock import Clock
from swept.errors import Conflict, LeaseLost, ServerUnreachable, SweptError, UsageError
from swept.wire import dumps
from swept.wire.reports import Report, ReportsAnswer

if sys.platform != "win32":
    import fcntl

Post: TypeAlias = Callable[[Sequence[Report]], ReportsAnswer]
"""Sends reports; the answer says what is durable and what is wanted. Raises LeaseLost, ServerUnreachable."""
Publish: TypeAlias = Callable[[Report], None]
"""Called for a checkpoint's report when all before it is durable, and before it is sent."""

BATCH_ITEMS = 500
BATCH_BYTES = 500_000
LINGER_SECONDS = 0.25
"""How long reports that nobody waits for are gathered into one request."""
POLL_SECONDS = 5.0
"""An idle training asks this often what is wanted of it; this also renews the lease of a manual run."""
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class JournalBusy(Conflict):
    """Another process of this run is reporting already."""


class Journal:
    """The file of an attempt's reports. One process writes it; `JournalBusy` is raised in a second one.

    `reports` holds what was there already (an earlier process of the same attempt). A last line that a kill
    cut off was never acknowledged to anybody: it is removed.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("ab+", buffering=0)
        try:
            _lock(self._file.fileno())
        except OSError:
            self._file.close()
            raise JournalBusy(f"another process writes {path}") from None
        self.reports, self._size = _whole_lines(path)
        self._file.truncate(self._size)
        self._seq = len(self.reports)

    def append(self, kind: str, time: float, *, durable: bool, **fields: Any) -> Report:
        """The next report, written; `durable`: also through a crash of the machine.

        Raises OSError (disk full); the file is as it was then.
        """
        fields = {key: value for key, value in fields.items() if value is not None}
        report = {"seq": self._seq + 1, "type": kind, "time": time, **fields}
        line = (dumps(report) + "\n").encode("utf-8", "backslashreplace")
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) :]
            if durable:
                os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self._size)
            raise
        self._size += len(line)
        self._seq += 1
        return cast(Report, json.loads(line))

    @property
    def last(self) -> int:
        """The seq of the last report, 0 before the first."""
        return self._seq

    def close(self) -> None:
        self._file.close()


def read_journal(path: Path) -> list[Report]:
    """The whole lines of a journal; an empty list where there is no file."""
    return _whole_lines(path)[0]


def _whole_lines(path: Path) -> tuple[list[Report], int]:
    """The reports up to the first line that is not whole, and how many bytes they are."""
    reports: list[Report] = []
    size = 0
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return [], 0
    for line in lines:
        try:
            report = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            report = None
        if report is None or report.get("seq") != len(reports) + 1:
            break
        reports.append(report)
        size += len(line)
    return reports, size


def _lock(descriptor: int) -> None:
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def batches(reports: Iterable[Report]) -> Iterator[list[Report]]:
    """Requests of a sensible size, in order; a checkpoint's report always begins one."""
    batch: list[Report] = []
    size = 0
    for report in reports:
        length = len(dumps(report))
        full = len(batch) >= BATCH_ITEMS or size + length > BATCH_BYTES
        if batch and (full or report["type"] == "checkpoint"):
            yield batch
            batch, size = [], 0
        batch.append(report)
        size += length
    if batch:
        yield batch


def deliver(batch: Sequence[Report], post: Post, publish: Publish) -> ReportsAnswer:
    """Send one batch. A report that the server refuses is replaced by an empty one, so that those after it go on.

    Raises LeaseLost, and whatever else kept the server from taking it (no answer, disk full): send it again later.
    """
    if batch and batch[0]["type"] == "checkpoint":
        publish(batch[0])
    try:
        return _checked(post(batch))
    except UsageError as error:
        if not batch:
            raise
        if len(batch) > 1:
            return [deliver([report], post, publish) for report in batch][-1]
        complain(f"the server refused a report of step {batch[0].get('step')}: {error.message}")
        empty = cast(Report, {**_identity(batch[0]), "type": "summary", "values": {}})
        return _checked(post([empty]))


def _checked(answer: ReportsAnswer) -> ReportsAnswer:
    if answer["lease"] == "lost":
        raise LeaseLost("the run was given to another agent, or ended by somebody")
    return answer


def _identity(report: Report) -> dict[str, Any]:
    return {"seq": report["seq"], "time": report["time"]}


def deliver_rest(path: Path, post: Post, publish: Publish) -> int:
    """Send what of a journal the server has not acknowledged yet; how many reports that were."""
    reports = read_journal(path)
    if not reports:
        return 0
    acknowledged = _checked(post([]))["acknowledged"]
    rest = [report for report in reports if report["seq"] > acknowledged]
    for batch in batches(rest):
        deliver(batch, post, publish)
    return len(rest)


def has_metric(metrics: Mapping[str, Any], name: str) -> bool:
    """Whether a metric of that name is there; nested ones are dotted."""
    if name in metrics:
        return True
    return any(
        isinstance(value, dict)
        and name.startswith(f"{key}.")
        and has_metric(value, name[len(key) + 1 :])
        for key, value in metrics.items()
    )


def complain(message: str) -> None:
    """One line for the person at the terminal: a training is never ended by its reporting."""
    sys.stderr.write(f"swept: {message}\n")
    sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the server last said it wants of this run, and up to which report it had seen then."""

    desired: str = "go"  # go | pause | stop
    reason: str = ""
    acknowledged: int = 0


class Reporter:
    """The daemon thread that sends the journal's reports in order, and keeps what the server wants.

    `wanted` is replaced whole, `heard` is called with it when it changes; `lost` says why the lease is, once it is.
    `idle` is called when everything is sent (files are uploaded then): True = there is more to do.
    """

    def __init__(
        self,
        pending: Sequence[Report],
        post: Post,
        publish: Publish,
        clock: Clock,
        *,
        heard: Callable[[Wanted], None] = lambda wanted: None,
        idle: Callable[[], bool] = lambda: False,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.wanted = Wanted()
        self.lost = ""
        self._queue: deque[Report] = deque(pending)
        self._post, self._publish, self._clock = post, publish, clock
        self._heard, self._idle, self._poll = heard, idle, poll_seconds
        self._changed = threading.Condition()
        self._urgent = self._closing = self._nudged = False
        self._failures = 0  # in a row
        self._attempts = 0  # that failed, ever: whoever waits sees that there was one
        self._thread = threading.Thread(target=self._work, name="swept-reporter", daemon=True)
        self._thread.start()

    def queue(self, report: Report, *, urgent: bool = False) -> None:
        """The next report; an urgent one is sent at once."""
        with self._changed:
            self._queue.append(report)
            self._urgent = self._urgent or urgent
            self._changed.notify_all()

    def wait(self, seq: int, seconds: float) -> bool:
        """Wait for the answer to that report. True = durable at the server; False also when the server is down."""
        with self._changed:
            failed = self._attempts

            def settled() -> bool:
                return self.wanted.acknowledged >= seq or bool(self.lost) or self._attempts > failed

            if not self._failures:
                self._changed.wait_for(settled, timeout=seconds)
            return self.wanted.acknowledged >= seq

    def nudge(self) -> None:
        """There is something for `idle` to do."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def close(self, seconds: float) -> bool:
        """Send what is left for up to `seconds`; True = everything was. An unreachable server is asked once."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(seconds)
        return not self._queue and not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs (a request that hangs outlives `close`)."""
        return self._thread.is_alive()

    # -- the thread -------------------------------------------------------------------------------
    def _work(self) -> None:
        while (batch := self._next()) is not None:
            try:
                self._answered(batch, deliver(batch, self._post, self._publish))
                if not self._queue and self._idle():
                    self.nudge()
            except LeaseLost as error:
                with self._changed:
                    self.lost = error.message
                    self._changed.notify_all()
                return
            except (SweptError, OSError) as error:
                self._failed(error)

    def _next(self) -> list[Report] | None:
        """What to send now: [] asks what is wanted, None ends the thread."""
        with self._changed:
            if self._failures and not self._closing:
                pause = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS)) - 1]
                self._changed.wait_for(lambda: self._closing, timeout=pause)
            self._changed.wait_for(self._busy, timeout=self._poll)
            if self._queue and not (self._urgent or self._closing or self._failures):
                self._changed.wait_for(lambda: self._urgent or self._closing, LINGER_SECONDS)
            if self._closing and ((not self._queue and not self._nudged) or self._failures > 1):
                return None
            self._urgent = self._nudged = False
            return next(batches(tuple(self._queue)), [])

    def _busy(self) -> bool:
        return bool(self._queue) or self._closing or self._nudged

    def _answered(self, batch: Sequence[Report], answer: ReportsAnswer) -> None:
        wanted = Wanted(answer["desired"], answer["reason"], answer["acknowledged"])
        if batch and wanted.acknowledged < batch[-1]["seq"]:
            raise ServerUnreachable(f"it took reports only up to {wanted.acknowledged}")
        with self._changed:
            if self._failures > 2:
                complain("the server is back: sending what was kept")
            self._failures = 0
            while self._queue and self._queue[0]["seq"] <= wanted.acknowledged:
                self._queue.popleft()
            changed = (wanted.desired, wanted.reason) != (self.wanted.desired, self.wanted.reason)
        if changed:
            self._heard(wanted)
        with self._changed:
            self.wanted = wanted
            self._changed.notify_all()

    def _failed(self, error: Exception) -> None:
        with self._changed:
            self._failures += 1
            self._attempts += 1
            self._nudged = True
            if self._failures == 3:
                complain(f"reports are kept on disk until the server answers ({error})")
            self._changed.notify_all()
