"""Runs and sweeps that come from elsewhere."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11

from swept.wire.reports import ConsoleLine


class ImportLook(TypedDict):
    origins: list[str]


class Brought(TypedDict):
    """What is here of something imported."""

    id: str
    whole: bool
    stamp: str  # what its source said then; the same again: nothing is new
    last_step: int | None
    kind: NotRequired[str]  # of a run: "manual" where its configuration is none of its sweep's


class ImportSweep(TypedDict):
    origin: str  # its address at the source
    id: str  # taken where it is free
    text: str
    path: str  # the file that `swept launch` finds it by, "" without
    project: str
    name: str
    created: float


class ImportSweepEnd(TypedDict):
    state: str
    reason: str


class ImportRun(TypedDict):
    origin: str
    source: str  # for people
    project: str
    sweep: str | None  # the id of the imported sweep here
    id: str
    name: str
    config: dict[str, Any]  # all that the program has, as W&B shows it
    created: float
    started: float
    details: dict[str, Any]
    afresh: NotRequired[bool]  # forget the rows that came before


class ImportRow(TypedDict):
    step: int
    time: float | None
    metrics: dict[str, Any]


class ImportRows(TypedDict):
    """Upserted by step and number: the same part again changes nothing."""

    rows: list[ImportRow]
    events: list[ImportRow]  # system metrics
    lines: list[ConsoleLine]


class ImportEnd(TypedDict):
    state: str
    ended: float
    reason: str
    summary: dict[str, Any]
    stamp: str
    exit_code: int | None
    host: str
    details: dict[str, Any]
    drawn: dict[str, Any]  # the client's own entry in a config: define_metric, custom charts


class ImportNote(TypedDict):
    origin: str
    run: str
    stamp: str
