"""The sweep on stderr while an agent works: redrawn in place on a terminal, plain lines elsewhere.

A thread looks at the sweep once a second (less often where an answer takes long) and shows what it found. It only
reads; that the server is away for a moment is shown and does no harm.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Collection, Sequence
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from swept.analysis.results import Question, results
from swept.cli.changes import changes
from swept.cli.output import interactive
from swept.cli.screen import Look, eta, frame, progress
from swept.cli.views import advice_of, runs_of
from swept.client import Client
from swept.clock import Clock
from swept.errors import SweptError
from swept.model import SWEEP_KINDS, Run
from swept.wire.sweeps import SweepView

LOOK_SECONDS = 1.0
PROGRESS_SECONDS = 30.0
ALIVE_SECONDS = 60.0
_REST = 10.0  # looking may take a tenth of the time at most
_REMEMBERED_EVENTS = 100
_TOLD_BETTER = re.compile(
    r"run \d+( \(\w+\))? (started|finished|stopped|paused|failed|crashed|killed|pending)\b"
)
_PASSING = re.compile(r" \([\d.]+ so far\)|; \d+ (under way|paused by a person).*")
"""What changes in the reason for starting nothing, while the reason stays."""


class Display(Protocol):
    """Where looks and events go."""

    def open(self) -> None: ...

    def event(self, line: str) -> None: ...

    def show(self, look: Look) -> None: ...

    def close(self) -> None: ...


class TerminalDisplay:
    """Rich's live region: erased and drawn again in one write, once a second, so nothing flickers."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop"
        )

    def open(self) -> None:
        self._live.start()

    def event(self, line: str) -> None:
        """Shown with the next look, among the last events."""

    def show(self, look: Look) -> None:
        width, height = self._console.size
        self._live.update(Group(*frame(look, width, height - 1)), refresh=True)

    def close(self) -> None:
        self._live.stop()


class PlainDisplay:
    """One line an event, and one of progress every 30 s: for logs and pipes."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._told: float | None = None
        self._problem = ""

    def open(self) -> None:
        """Nothing to prepare."""

    def event(self, line: str) -> None:
        self._console.print(Text(line))

    def show(self, look: Look) -> None:
        if look.problem and look.problem != self._problem:
            self.event(look.problem)
        self._problem = look.problem
        if self._told is None:
            self._told = look.now
        elif look.now - self._told >= PROGRESS_SECONDS:
            self._told = look.now
            self.event(f"runs: {progress(look)}; {eta(look)}")

    def close(self) -> None:
        """Nothing to put back."""


class LiveView:
    """Shows one sweep while it is open (a context manager). `only`: these runs instead of the sweep's own."""

    def __init__(
        self,
        client: Client,
        view: SweepView,
        question: Question,
        *,
        footer: str,
        clock: Clock,
        only: Collection[str] | None = None,
        display: Display | None = None,
    ) -> None:
        self._client, self._question, self._clock = client, question, clock
        self.footer, self._only = footer, only
        self._display = display or (TerminalDisplay() if interactive() else PlainDisplay())
        self._view = view
        self._runs = self._chosen(view)
        self._events: deque[str] = deque(maxlen=_REMEMBERED_EVENTS)
        self._began = clock.now()
        self._problem = ""
        self._heard = ""
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="live-view", daemon=True)

    def __enter__(self) -> LiveView:
        self._display.open()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._look()
        self._display.close()

    def hear(self, line: str) -> None:
        """The agent's own words, without those that the server's view tells better: starts and ends, with values.

        An agent that asks for a run in several slots hears the same reason for none each time one of its runs ends."""
        if _TOLD_BETTER.match(line):
            return
        reason = _PASSING.sub("", line)
        if reason != self._heard:
            self.say(line)
        self._heard = reason

    def say(self, line: str) -> None:
        """An event."""
        with self._lock:
            for part in filter(None, line.splitlines()):
                self._events.append(part)
                self._display.event(part)

    def _watch(self) -> None:
        while not self._end.is_set():
            began = self._clock.monotonic()
            self._look()
            self._end.wait(max(LOOK_SECONDS, _REST * (self._clock.monotonic() - began)))

    def _look(self) -> None:
        try:
            view = self._client.sweep(self._view["id"])
            self._problem = ""
        except SweptError as error:
            self._problem = f"{error.message}; the trainings go on"
            view = self._view
        runs = self._chosen(view)
        advice = advice_of(self._view), advice_of(view)
        for line in changes(self._question, self._runs, runs, advice):
            self.say(line)
        self._view, self._runs = view, runs
        with self._lock:
            self._display.show(self._frame())

    def _frame(self) -> Look:
        view = self._view
        return Look(
            title=f"swept  {view['name'] or view['id']} ({view['id']})",
            state=view["state"],
            runs=self._runs,
            question=self._question,
            results=results(self._question, runs_of(view), advice_of(view)),
            events=tuple(self._events),
            slots=working_slots(view, self._clock.now()),
            began=self._began,
            now=self._clock.now(),
            page=f"{self._client.url}/sweeps/{view['id']}",
            footer=self.footer,
            problem=self._problem,
        )

    def _chosen(self, view: SweepView) -> Sequence[Run]:
        runs = runs_of(view)
        if self._only is not None:
            return tuple(run for run in runs if run.id in self._only)
        return tuple(run for run in runs if run.kind in SWEEP_KINDS)


def working_slots(view: SweepView, now: float) -> int:
    """The slots of all agents of the sweep that were heard of within a lease; at least one."""
    alive = [
        int(agent["slots"])
        for agent in view["agents"]
        if agent["ended"] is None and now - agent["last_seen"] < ALIVE_SECONDS
    ]
    return max(sum(alive), 1)
