"""The server itself: what it is, what went wrong, who may log in."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11

PROTOCOL = 1


class ErrorBody(TypedDict):
    error: str  # the class name in swept.errors
    message: str
    hint: str
    problems: NotRequired[list[dict[str, Any]]]  # SpecError: errors.Problem as dict


class Handshake(TypedDict):
    app: str  # "swept"
    version: str
    protocol: int
    boot: str  # changes with each start of the server
    home: str  # id of the `.swept/` folder
    pid: int


class ServerStatus(TypedDict):
    version: str
    url: str
    pid: int
    started: float
    store: str
    leases: int
    agents: int
    unknown: dict[str, int]  # W&B fields and operations asked for that we do not serve: counts


class NewLoginLink(TypedDict):
    next: NotRequired[str]  # the page that it leads to: a path, default /


class LoginLink(TypedDict):
    path: str  # below the server's address; logs one browser in, once
    seconds: int  # how long it works


class SessionView(TypedDict):
    """What whoever asks may do without the API key."""

    may_read: bool
    may_change: bool


class Garbage(TypedDict):
    remove: bool


class GarbageView(TypedDict):
    path: str  # in the folder of files
    size: int
