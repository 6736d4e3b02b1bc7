"""Every error that swept raises for a person to read.

SweptError                    what is wrong; `hint` says what would mend it
├── UsageError                the command line or an argument is wrong            exit 2
│   └── SpecError             the sweep file is wrong; holds every problem        exit 2
├── NotFound                  no such sweep, run, agent or file                   exit 1 (HTTP 404)
├── Conflict                  the state does not allow it                         exit 1 (HTTP 409)
│   └── LeaseLost             the token is not (or no longer) the run's           HTTP 410
├── Unauthorized              the API key is missing or wrong                     exit 1 (HTTP 401)
├── ServerUnreachable         no answer, or not a swept server                    exit 1
│   └── SourceUnreachable     it is the server that runs are brought from         exit 1
└── StoreError                the store cannot be opened or written               exit 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SweptError(Exception):
    """Base of all errors for people. `hint` is one line that says what would mend it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class UsageError(SweptError):
    """The command line, or an argument of a public function, is wrong."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (or notable) in a sweep file.

    `line` counts from 1; 0 = unknown (the sweep was given as a dict). `key` is dotted: `parameters.lr0.min`.
    """

    message: str
    key: str = ""
    line: int = 0
    hint: str = ""
    severity: str = "error"  # error | warning | note

    def render(self, path: str = "") -> str:
        place = ":".join(str(part) for part in (path, self.line or "") if part)
        text = " ".join(part for part in (f"{place}:" if place else "", self.message) if part)
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class SpecError(UsageError):
    """The sweep file has mistakes: all of them, in the order of the file."""

    def __init__(self, problems: Sequence[Problem], path: str = "") -> None:
        self.problems = tuple(problems)
        self.path = path
        super().__init__("\n".join(problem.render(path) for problem in problems))


class NotFound(SweptError):
    """There is no such sweep, run, agent or file."""


class Conflict(SweptError):
    """The state of the sweep or run does not allow what was asked."""


class LeaseLost(Conflict):
    """The lease token is not, or no longer, the run's: whoever holds it must end quietly."""


class Unauthorized(SweptError):
    """The API key is missing or wrong."""


class ServerUnreachable(SweptError):
    """There is no answer at that address, or what answers is no swept server."""


class SourceUnreachable(ServerUnreachable):
    """The server that sweeps and runs are brought from does not answer any more; ours may well."""


class StoreError(SweptError):
    """The store cannot be opened or written: disk full, locked, network file system, newer schema."""
