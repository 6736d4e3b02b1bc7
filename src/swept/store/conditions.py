"""Which runs are asked for, in which order, and one page of them: values, no SQL. `select` maps them.

A field that a run does not have has no value: no test of it holds, `Not` of it does, and sorted by it the run
comes last in both directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from swept.model import Run

Source: TypeAlias = Literal["config", "summary", "details", "history"]
"""What a flat value is from. Of the history only the names are kept."""
Scalar: TypeAlias = str | float | bool


@dataclass(frozen=True, slots=True)
class Property:
    """What a run is: `id`, `name`, `sweep`, `agent` (of its last attempt), `state`, `created`, `heartbeat`, `duration`.
    `labels` stand for its values."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Value:
    """What a run has: of `keys` (dotted, into nested mappings) the first that is there."""

    source: Source
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for every run."""

    value: str


Field: TypeAlias = Property | Value | Constant


@dataclass(frozen=True, slots=True)
class Among:
    """The value, or an element of a list, is one of these; true is 1 and false is 0."""

    field: Field
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Compares:
    """Numbers with numbers, texts with texts (by code point); NaN with nothing."""

    field: Field
    sign: Literal["<", "<=", ">", ">="]
    value: Scalar


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value, be it a list, a mapping or NaN; null is none."""

    field: Field


@dataclass(frozen=True, slots=True)
class Matches:
    """The pattern is found in the text. PostgreSQL reads its own regular expressions, SQLite Python's."""

    field: Field
    pattern: str


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition: TypeAlias = Among | Compares | Exists | Matches | All | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Sort:
    """Numbers before texts (descending: after them), then by creation."""

    field: Field
    descending: bool = False


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, without their curves; each one's cursor, after which the next page begins; whether there are more."""

    runs: tuple[Run, ...]
    cursors: tuple[str, ...]
    more: bool
