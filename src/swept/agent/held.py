"""One run in the agent's hands: its program, and the facts that its files give."""

from __future__ import annotations

import json
from collections.abc import Iterator

from swept.agent.classify import Exit, Memory
from swept.agent.devices import Gpu
from swept.agent.figures import Figures
from swept.agent.loop import Reported, ToldProgram
from swept.agent.memory import Watch
from swept.executors.base import Job
from swept.model import Desired
from swept.tracking.console import Console
from swept.tracking.reporting import has_metric
from swept.tracking.workspace import Told, Workspace, read_json
from swept.wire.agents import Claimed
from swept.wire.reports import Report

MEMORY_SECONDS = 2.0


class Held:
    """A claimed run. `job` is None before its program has started."""

    def __init__(self, claimed: Claimed, place: Workspace) -> None:
        self.claimed = claimed
        self.place = place
        self.console = Console(place.console)
        self.job: Job | None = None
        self.figures: Figures | None = None
        self.exited = False
        self.releasing = False  # the lease is given back, or lost: it is not renewed any more
        self._watch: Watch | None = None
        self._sampled = -MEMORY_SECONDS
        self._offset = 0
        self._told: Told | None = None

    def started(self, job: Job, gpu: Gpu | None, now: float) -> None:
        self.job = job
        self._watch = Watch(job.pid)
        self.figures = Figures(job.pid, gpu, now)

    def measured(self) -> Figures | None:
        """Where the machine is to be measured for it now."""
        return None if self.exited or (self.figures and self.figures.closed) else self.figures

    def news(self) -> Iterator[Reported | ToldProgram]:
        """What the program has reported, and been told, since the last call."""
        run = self.claimed["run"]
        # Before the order: one that these reports have been excused from is then there.
        reports = self._new_reports()
        told = self.place.told()
        if told is not None and told != self._told:
            self._told = told
            yield ToldProgram(run, Desired(told.desired), told.after, told.read, told.reason)
        metric = self.claimed["metric"]
        for report in reports:
            if report["type"] == "log":
                objective = metric is not None and has_metric(report.get("metrics", {}), metric)
                yield Reported(run, report["seq"], objective=objective)
            elif report["type"] == "checkpoint":
                yield Reported(run, report["seq"], checkpoint=True)

    def _new_reports(self) -> list[Report]:
        try:
            with self.place.journal.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def sample_memory(self, now: float) -> None:
        if self._watch is not None and now - self._sampled >= MEMORY_SECONDS:
            self._sampled = now
            self._watch.sample()

    def memory(self) -> Memory:
        return Memory(self._watch.kills(), self._watch.share) if self._watch else Memory()

    def exit(self) -> Exit:
        """How the program ended, once its supervisor has; one without an exit file was killed."""
        content = read_json(self.place.exit)
        return Exit(**content) if content else Exit(None, None, "supervisor-gone")
