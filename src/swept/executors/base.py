"""What the agent needs of a place where programs run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from swept.errors import SweptError


class StartFailed(SweptError):
    """The program could not be started at all: it used no try."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One program to start. `workspace` is the attempt's folder; seconds as the supervisor's docstring has them."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path  # where the program runs
    workspace: Path
    grace: float = 10.0
    leftover: float = 10.0


class Job(Protocol):
    """A program that was started. `pid` leads its process group."""

    @property
    def pid(self) -> int: ...

    def ended(self) -> bool:
        """Whether all is over; the exit file says how, and if there is none, the supervisor was killed."""
        ...

    def wait(self) -> None:
        """Until it has ended."""
        ...

    def interrupt(self, why: str) -> None:
        """SIGINT to the program's main process alone. Returns at once."""
        ...

    def end(self, why: str, *, now: bool = False) -> None:
        """INT, TERM, KILL with grace in between; `now`: KILL. Returns at once; may be repeated."""
        ...

    def close(self) -> None:
        """Let go of it; a program that still runs is ended."""
        ...


class Executor(Protocol):
    def start(self, launch: Launch) -> Job:
        """Raises StartFailed."""
        ...
