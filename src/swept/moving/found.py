"""A run of the other server as plain values, and what they mean here. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from swept.model import RunState, SweepState
from swept.wire import dumps
from swept.wire.imports import ImportRow
from swept.wire.reports import ConsoleLine

_STATES: Mapping[str, RunState] = {
    "finished": RunState.FINISHED,
    "failed": RunState.FAILED,
    "crashed": RunState.CRASHED,
    "killed": RunState.KILLED,
    "preempted": RunState.CRASHED,
    "preempting": RunState.CRASHED,
}
_SWEEP_STATES: Mapping[str, SweepState] = {
    "FINISHED": SweepState.FINISHED,
    "CANCELED": SweepState.CANCELLED,
    "CANCELLED": SweepState.CANCELLED,
    "PAUSED": SweepState.PAUSED,
}
_BOOKKEEPING = ("_step", "_timestamp", "_wandb")


@dataclass(frozen=True, slots=True)
class FoundSweep:
    """A sweep as the other server has it. `config` is None where it cannot be read at all."""

    id: str
    name: str
    state: str
    config: Mapping[str, Any] | None
    created: float | None

    @property
    def state_here(self) -> SweepState:
        return _SWEEP_STATES.get(self.state.upper(), SweepState.RUNNING)


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run as the list of runs has it: all but its rows, console and files."""

    id: str
    name: str
    sweep: str | None
    state: str
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    created: float
    seen: float  # when it was last heard of
    details: Mapping[str, Any]
    rows: int | None = None

    @property
    def over(self) -> bool:
        return self.state in _STATES

    @property
    def started(self) -> float:
        """W&B names no such time; the last row tells when it was logged, and after how many seconds."""
        time, ran = self.summary.get("_timestamp"), self.summary.get("_runtime")
        if not isinstance(time, int | float) or not isinstance(ran, int | float):
            return self.created
        return min(max(self.created, time - ran), self.seen)

    @property
    def stamp(self) -> str:
        """The same again: nothing is new. "" for a run that is not over."""
        if not self.over:
            return ""
        said = [self.name, self.state, self.seen, self.rows, self.config, self.summary]
        return hashlib.sha256(dumps([*said, self.details]).encode()).hexdigest()[:32]

    def ending(self, source: str, *, stopping: bool) -> tuple[RunState, str]:
        """Its state here, and why. `stopping`: its sweep ends runs early, which W&B shows as killed."""
        if not self.over:
            return RunState.KILLED, (
                f"still {self.state} at {source} when it was imported: import it again once it is over"
            )
        if self.state == "killed" and stopping and self.summary:
            return RunState.STOPPED, f"killed at {source}, in a sweep that ends runs early"
        return _STATES[self.state], f"{self.state} at {source}"


def moment(text: Any) -> float | None:
    """Seconds since the epoch; a time without zone is UTC."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def plain(value: Any) -> Any:
    """JSON values of whatever mapping or list the client gives."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def mapping(value: Any) -> dict[str, Any]:
    """A mapping, also where the client left it as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    found = plain(value) if isinstance(value, Mapping) else {}
    return dict(found)


def row_of(said: Mapping[str, Any], step: int | None = None) -> ImportRow | None:
    """A history row; None for one without a step. `step`: for system metrics, which have none."""
    own = said.get("_step")
    place = step if step is not None else own
    if isinstance(place, bool) or not isinstance(place, int | float) or abs(place) >= 2**53:
        return None
    time = said.get("_timestamp")
    known = isinstance(time, int | float) and not isinstance(time, bool)
    metrics = {key: value for key, value in said.items() if key not in _BOOKKEEPING}
    return {"step": int(place), "time": float(time) if known and time else None, "metrics": metrics}


def line_of(number: int, text: str, time: float, *, error: bool = False) -> ConsoleLine:
    return {
        "number": number,
        "text": text.rstrip("\r\n"),
        "stream": "stderr" if error else "stdout",
        "time": time,
    }


def metadata_details(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What `wandb-metadata.json` knows of the program and its machine."""
    git = mapping(metadata.get("git"))
    found = {
        "host": metadata.get("host"),
        "program": metadata.get("program"),
        "commit": git.get("commit"),
        "repository": git.get("remote"),
        "metadata": plain(metadata),
    }
    return {key: value for key, value in found.items() if value}
