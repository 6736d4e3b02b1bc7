"""Where a run's reports go: a server, a local file, or nowhere."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from swept.clock import Clock
from swept.errors import Conflict, LeaseLost, ServerUnreachable, SweptError, UsageError
from swept.tracking import workspace
from swept.tracking.printed import Printed
from swept.tracking.reporting import Journal, Reporter, Wanted, complain, deliver_rest
from swept.tracking.values import Config
from swept.tracking.workspace import Told, Workspace
from swept.wire.reports import ConsoleLine, Report, Reports, ReportsAnswer

if TYPE_CHECKING:
    from swept.client import Client

DECISION_SECONDS = 2.0
"""How long a report of the objective waits for what the server decides on it. SWEPT_DECISION_SECONDS sets it for tests,
which are sure of the step at which a run ends only where a busy server is waited for."""
CLAIMED_FLUSH_SECONDS = 5.0
"""At the end under an agent, which sends what is left."""
MANUAL_FLUSH_SECONDS = 30.0
RETRY_SECONDS = 2.0


def _patience() -> float:
    with suppress(KeyError, ValueError):
        return float(os.environ["SWEPT_DECISION_SECONDS"])
    return DECISION_SECONDS


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where an earlier attempt of the run got to: its checkpoint, and the step that it holds."""

    path: Path
    step: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What a run is, whoever keeps its reports."""

    id: str
    name: str
    kind: str
    project: str
    seed: int | None
    config: Config
    metric: str | None = None
    checkpoint: ResumePoint | None = None


class Backend(Protocol):
    """Where reports go: a server (`swept.tracking.recording.Recorder`), a local file, or nowhere (other ranks)."""

    @property
    def wanted(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def lost(self) -> str: ...
    def report(self, kind: str, *, objective: bool = False, **fields: Any) -> None: ...
    def read_order(self) -> None: ...
    def checkpoint(self, source: Path, step: int) -> None: ...
    def save(self, source: Path, name: str) -> None: ...
    def finish(self, exit_code: int) -> None: ...


class Silent:
    """The backend of all processes of a run but the one that reports."""

    wanted = "go"
    why = ""
    lost = ""

    def report(self, kind: str, *, objective: bool = False, **fields: Any) -> None: ...
    def read_order(self) -> None: ...
    def checkpoint(self, source: Path, step: int) -> None: ...
    def save(self, source: Path, name: str) -> None: ...
    def finish(self, exit_code: int) -> None: ...


class Recorder:
    """The backend of a run that a server knows: journal, reporter, checkpoints, files.

    `connect` is called in the reporter's thread, so that starting a training waits for no network; `complete` is
    None under swept's agent. Its arguments: the client, the exit code, the order that the program obeyed by leaving.
    `patience`: for how many seconds the end waits for a server that is away. `printed`: None where somebody else sends it.
    """

    def __init__(
        self,
        run: str,
        lease: str,
        place: Workspace,
        journal: Journal,
        checkpoints: Path,
        attempt: int,
        connect: Callable[[], Client],
        clock: Clock,
        *,
        complete: Callable[[Client, int, Told | None], None] | None = None,
        patience: float = 0.0,
        printed: Printed | None = None,
    ) -> None:
        self._printed = printed
        self._run, self._lease = run, lease
        self._place, self._journal, self._checkpoints = place, journal, checkpoints
        self._attempt, self._clock, self._complete = attempt, clock, complete
        self._connect, self._patience = connect, patience
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._filing = threading.Lock()
        self._refused: set[str] = set()  # files that the server does not take
        self._told: Told | None = None
        self._waiting = False  # the program, for the answer to its report; then it looks
        self._unwarned = False  # the order came while it did not: it may report once more
        self._reporter = Reporter(
            journal.reports,
            self._post,
            workspace.publish,
            clock,
            heard=self._heard,
            idle=self._send_rest,
        )

    @property
    def wanted(self) -> str:
        told = self._told  # without the lock: a signal's handler may look, in a thread that has it
        return told.desired if told else "go"

    @property
    def why(self) -> str:
        told = self._told
        return told.reason if told else ""

    @property
    def lost(self) -> str:
        return self._reporter.lost

    def report(self, kind: str, *, objective: bool = False, **fields: Any) -> None:
        """Raises OSError when the disk does not take it."""
        self._put(kind, durable=objective, wait=_patience() if objective else 0.0, **fields)

    def read_order(self) -> None:
        """The program has looked at the order: the agent will see that it obeyed."""
        with self._lock:
            if self._told is None or self._told.read:
                return
            self._told = replace(self._told, read=True)
            self._place.keep_told(self._told)

    def checkpoint(self, source: Path, step: int) -> None:
        """Raises UsageError, OSError."""
        if not source.exists():
            raise UsageError(f"there is no checkpoint at {source}")
        with self._saving:
            place = workspace.place_for(
                self._checkpoints,
                source,
                step=step,
                attempt=self._attempt,
                number=self._journal.last + 1,
            )
            workspace.copy_in(source, place)
            host = workspace.host_id(self._checkpoints.parent)
            self._put(
                "checkpoint",
                durable=True,
                wait=_patience(),
                step=step,
                place=str(place),
                host=host,
            )

    def save(self, source: Path, name: str) -> None:
        """Raises UsageError, OSError."""
        if not source.is_file():
            raise UsageError(f"there is no file at {source}")
        with self._filing:
            self._place.keep_file(source, name)
            self._refused.discard(name)
        self._reporter.nudge()

    def finish(self, exit_code: int) -> None:
        seconds = CLAIMED_FLUSH_SECONDS if self._complete is None else MANUAL_FLUSH_SECONDS
        if self._printed is not None:
            self._printed.end()
            self._reporter.nudge()
        sent = self._reporter.close(seconds)
        self._journal.close()
        if self._complete is not None and not self.lost:
            self._end(self._complete, exit_code, sent)
        if not self._reporter.alive:
            self._forget_server()

    def _end(
        self, complete: Callable[[Client, int, Told | None], None], exit_code: int, sent: bool
    ) -> None:
        told = self._told
        obeyed = told if told is not None and told.read and exit_code == 0 else None
        try:
            if not sent and not self._patience:
                raise SweptError("the server did not answer")
            self._insist(lambda: complete(self._server(), exit_code, obeyed), sent)
        except SweptError as error:
            complain(
                f"{error.message}: what was reported is kept in {self._place.path}, "
                "and the next `swept agent` sends it"
            )

    def _insist(self, complete: Callable[[], None], sent: bool) -> None:
        """Complete, after what the reporter had to leave, as often as `patience` allows."""
        until = self._clock.monotonic() + self._patience
        said = False
        while True:
            try:
                if not sent:
                    deliver_rest(self._journal.path, self._post, workspace.publish)
                while self._send_printed():
                    pass
                return complete()
            except ServerUnreachable:
                if self._clock.monotonic() >= until:
                    raise
            if not said:
                complain("the server is away: the end of this run waits for it")
            said, sent = True, False
            self._forget_server()
            self._clock.sleep(RETRY_SECONDS)

    # -- inside -----------------------------------------------------------------------------------
    def _put(self, kind: str, *, durable: bool, wait: float, **fields: Any) -> None:
        deciding = kind == "log" and wait > 0
        with self._lock:
            if deciding:
                self._excuse()
            report = self._journal.append(kind, self._clock.now(), durable=durable, **fields)
            self._waiting = self._waiting or deciding
            self._reporter.queue(report, urgent=wait > 0)
        if wait:
            self._reporter.wait(report["seq"], wait)
        if deciding:
            with self._lock:
                self._waiting = False

    def _excuse(self) -> None:
        """The next report of the objective after an order is no disobedience, where the program had no time to look.
        The agent must find that before it finds the report."""
        if self._told is None or not self._unwarned:
            return
        self._unwarned = False
        self._told = replace(self._told, after=self._journal.last + 1)
        with suppress(OSError):  # a full disk: then the report itself fails too
            self._place.keep_told(self._told)

    def _server(self) -> Client:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _post(self, reports: Sequence[Report]) -> ReportsAnswer:
        body: Reports = {"lease": self._lease, "reports": list(reports)}
        try:
            answer = self._server().reports(self._run, body)
        except ServerUnreachable:
            self._forget_server()
            raise
        for report in reports:
            if report["type"] == "checkpoint" and report["seq"] <= answer["acknowledged"]:
                workspace.remove_older(report)
        return answer

    def _forget_server(self) -> None:
        """The next report connects anew: a server of this machine is started again by that."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _send_rest(self) -> bool:
        """What is no report: one file or one part of the console a call. True = there is more."""
        return self._upload() or self._send_printed()

    def _send_printed(self) -> bool:
        def add(lines: list[ConsoleLine]) -> None:
            self._server().add_console(self._run, {"lease": self._lease, "lines": lines})

        return self._printed is not None and self._printed.send(add)

    def _upload(self) -> bool:
        """One file a call, so that reports need not wait for many. True = there are more."""
        waiting = (item for item in self._place.waiting_files() if item[0] not in self._refused)
        for name, path in waiting:
            self._send_file(name, path)
            return next(waiting, None) is not None
        return False

    def _send_file(self, name: str, path: Path) -> None:
        """One that the server refuses stays where it is, and holds up no other."""
        sent = path.stat().st_ino
        try:
            self._server().put_file(self._run, name, path)
        except LeaseLost:
            raise
        except (Conflict, UsageError) as error:
            self._refused.add(name)
            complain(f"the server refused the file {name}, which stays in {path}: {error.message}")
            return
        with self._filing:
            if path.stat().st_ino == sent:  # else the program has saved a newer one meanwhile
                path.unlink()

    def _heard(self, wanted: Wanted) -> None:
        with self._lock:
            # All reports so far: with one that was on its way already the program has not disobeyed.
            told = Told(wanted.desired, wanted.reason, self._journal.last)
            self._place.keep_told(told)
            self._told, self._unwarned = told, not self._waiting


class LocalFile:
    """The backend without a server: metrics are printed and written to a file."""

    wanted = "go"
    why = ""
    lost = ""

    def __init__(self, path: Path, identity: Identity, clock: Clock) -> None:
        self._clock = clock
        self._journal: Journal | None = None
        try:
            self._journal = Journal(path)
            self.report("effective", config=identity.config)
            complain(f"no `.swept/` folder here: metrics are printed and written to {path}")
        except (OSError, SweptError) as error:
            complain(f"metrics are printed only ({error})")

    def report(self, kind: str, *, objective: bool = False, **fields: Any) -> None:
        if kind == "log":
            sys.stdout.write(f"step {fields['step']}: {_line(fields['metrics'])}\n")
            sys.stdout.flush()
        if self._journal is not None:
            self._journal.append(kind, self._clock.now(), durable=False, **fields)

    def read_order(self) -> None: ...
    def checkpoint(self, source: Path, step: int) -> None: ...
    def save(self, source: Path, name: str) -> None: ...

    def finish(self, exit_code: int) -> None:
        if self._journal is not None:
            self._journal.close()


def _line(metrics: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in metrics.items()
    )
