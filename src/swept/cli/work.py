"""An agent in this very process, with the live view around it: what `launch`, `train` and `compare` share."""

from __future__ import annotations

import functools
import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from swept.agent.agent import Agent, Options
from swept.agent.devices import list_gpus, visible
from swept.agent.process import Signals
from swept.agent.start import agent_for
from swept.analysis.results import Question
from swept.cli.agent import check_executor
from swept.cli.changes import called
from swept.cli.live import LiveView
from swept.cli.output import say
from swept.cli.views import question_of, run_of, spec_of
from swept.client import Client
from swept.clock import SystemClock
from swept.errors import Conflict, SweptError
from swept.model import Desired, Kind, RunState, SweepState
from swept.wire.runs import RunView
from swept.wire.sweeps import SweepView

FOOTER = "Ctrl+C: no new runs, those under way go when they have a checkpoint; twice: now"
WATCHING = "Ctrl+C ends this view; the other agent goes on"
INTERRUPTED = 130
JOIN_SECONDS = 0.2
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class AgentFlags:
    count: int | None
    slots: int | None
    gpus: str | None
    executor: str


def agent_flags(function: Callable[..., int]) -> Callable[..., int]:
    """The options of `swept agent`, passed on as `flags: AgentFlags`."""

    @click.option("--count", type=click.IntRange(min=1), help="Start at most so many runs.")
    @click.option("--slots", type=click.IntRange(min=1), help="Runs at the same time [default: 1].")
    @click.option(
        "--gpus", metavar="LIST", help="all, or 0,1 …: one run on each; none: leave them alone."
    )
    @click.option("--executor", default="local", show_default=True, help="Where the programs run.")
    @functools.wraps(function)
    def with_flags(
        *args: Any,
        count: int | None,
        slots: int | None,
        gpus: str | None,
        executor: str,
        **rest: Any,
    ) -> int:
        check_executor(executor)
        return function(*args, flags=AgentFlags(count, slots, gpus, executor), **rest)

    return with_flags


def work(client: Client, view: SweepView, flags: AgentFlags) -> int:
    """Works on the sweep until nothing is left to do; the exit code. Where other agents of this host hold all GPUs, it
    only shows the sweep."""
    question = question_of(spec_of(view))
    options = Options(count=flags.count, slots=flags.slots, gpus=flags.gpus)
    with LiveView(client, view, question, footer=FOOTER, clock=SystemClock()) as live:
        try:
            return _agent(client, view, options, live.hear).run()
        except Conflict as error:
            live.say(f"{error.message}: showing the sweep instead of working on it")
            live.footer = WATCHING
            return _watch(client, view["id"])


def work_on_runs(
    client: Client,
    view: SweepView,
    question: Question,
    runs: Sequence[RunView],
    flags: AgentFlags,
    *,
    epochs: int | None,
) -> int:
    """Works on these very runs, whatever the sweep's state; 0 when all have finished. Ended ones are only named."""
    interrupted = False
    waiting = [run for run in runs if not RunState(run["state"]).ended]
    for run in runs:
        if run not in waiting:
            say(
                f"{called(run_of(run))} ({run['name'] or run['id']}) is {run['state']}: nothing is left to do"
            )
        elif run["state"] == RunState.PAUSED:
            client.desired(run["id"], Desired.GO, "asked for on the command line")
    if waiting:
        names = frozenset(run["id"] for run in waiting)
        told = replace(question, max_runs=len(waiting), epochs=epochs or question.epochs)
        with LiveView(client, view, told, footer=FOOTER, clock=SystemClock(), only=names) as live:
            crew = _Crew(client, view, flags, live.hear)
            interrupted = crew.work([run["id"] for run in waiting])
    if interrupted:
        say("interrupted: the same command goes on")
        return INTERRUPTED
    return 0 if all(client.run(run["id"])["state"] == RunState.FINISHED for run in runs) else 1


class _Crew:
    """One agent a run, as many at a time as there are places. Agents of a single run end with it."""

    def __init__(
        self, client: Client, view: SweepView, flags: AgentFlags, say: Callable[[str], None]
    ) -> None:
        self._client, self._view, self._say = client, view, say
        self._places = places(flags)
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._agents: dict[str, Agent] = {}
        self._interrupts: list[bool] = []

    def work(self, runs: Sequence[str]) -> bool:
        """True if it was interrupted."""
        for run in runs:
            self._waiting.put(run)
        threads = [
            threading.Thread(target=self._serve, args=(gpus,), name="swept-crew", daemon=True)
            for gpus in self._places[: len(runs)]
        ]
        with Signals(self._on_signal, active=True):
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(JOIN_SECONDS)
        return bool(self._interrupts)

    def _on_signal(self, number: int, frame: object) -> None:
        hard = number != signal.SIGINT
        self._interrupts.append(hard)
        for agent in list(self._agents.values()):
            agent.interrupt(hard=hard)

    def _serve(self, gpus: str | None) -> None:
        while not self._interrupts:
            try:
                run = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._see_to_its_end(run, gpus)
            except SweptError as error:
                self._say(str(error))

    def _see_to_its_end(self, run: str, gpus: str | None) -> None:
        """An agent of one run ends when its attempt does; a retry needs another."""
        while not self._interrupts:
            options = Options(slots=1, gpus=gpus, run=run, kinds=tuple(Kind))
            agent = _agent(self._client, self._view, options, self._say)
            self._agents[run] = agent
            if self._interrupts:  # between the look at the top and here
                return
            code = agent.run()
            if code or RunState(self._client.run(run)["state"]) is not RunState.PENDING:
                return


def places(flags: AgentFlags) -> list[str | None]:
    """What each of the agents that work side by side takes as its `--gpus`."""
    if flags.gpus in (None, "none"):
        return [flags.gpus] * (flags.slots or 1)
    named = (
        [gpu.index for gpu in visible(list_gpus(), os.environ)]
        if flags.gpus == "all"
        else _listed(flags)
    )
    return list(named[: flags.slots]) or [flags.gpus]


def _listed(flags: AgentFlags) -> list[str]:
    return [part.strip() for part in (flags.gpus or "").split(",") if part.strip()]


def _agent(client: Client, view: SweepView, options: Options, say: Callable[[str], None]) -> Agent:
    folder = Path(view["path"]).parent if view["path"] else Path.cwd()
    start = folder if folder.is_dir() else Path.cwd()
    agent: Agent = agent_for(client, view["id"], options, start=start, say=say)
    return agent


def _watch(client: Client, sweep: str) -> int:
    """Until the sweep has ended, or Ctrl+C."""
    try:
        while not SweepState(client.sweep(sweep)["state"]).ended:
            SystemClock().sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
