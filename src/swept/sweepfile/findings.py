"""Collects the problems of a sweep file while it is read, each with the line of its key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias

from swept.errors import Problem

Place: TypeAlias = tuple[str | int, ...]
"""Keys and list indices from the top of the file to a value."""


def dotted(place: Place) -> str:
    """`("command", 2)` → `command[2]`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def did_you_mean(word: object, known: Collection[str], otherwise: str = "") -> str:
    """A hint with the nearest known word, else all of them where they are few, else `otherwise`."""
    options = [option for option in known if option]
    close = nearest(str(word), options)
    if close:
        return f"did you mean `{close}`?"
    if otherwise:
        return otherwise
    if not options or len(options) > 24:
        return ""
    return "known here: " + ", ".join(f"`{option}`" for option in options)


def nearest(word: str, known: Collection[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    plain = {option.lower().replace("-", "_"): option for option in known}
    written = word.lower().replace("-", "_")
    if written in plain:
        return plain[written]
    close = get_close_matches(written, plain, n=1, cutoff=0.6)
    # Of three letters, nearly anything is near: `opt` is no slip of `dropout`.
    if close and (len(written) > 3 or abs(len(close[0]) - len(written)) <= 1):
        return plain[close[0]]
    return None


def misspelt(key: str, given: Collection[str], known: Collection[str]) -> bool:
    """Whether an unknown key of `given` was probably meant as `key`, so that its absence needs no words."""
    strange = [word for word in given if word not in known]
    return any(nearest(word, known) == key for word in strange)


def shown(value: Any, limit: int = 60) -> str:
    """`value` as a literal for a message, cut where it is long."""
    if value is None:
        return "`null`"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = " ".join(text.split())
    return f"`{text}`" if len(text) <= limit else f"`{text[: limit - 1]}…`"


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "empty"
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "text"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), type(value).__name__)


@dataclass
class Findings:
    """`lines` maps places to lines (from 1); a place without one has its parent's."""

    lines: Mapping[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[Place] = field(default_factory=set)

    def unread(self, place: Place, message: str, hint: str = "") -> None:
        """An error in the writing of the value at `place`: whatever else would be said of it is a consequence."""
        self.error(place, message, hint)
        self.unreadable.add(place)

    def error(self, place: Place, message: str, hint: str = "") -> None:
        self._add(place, message, hint, "error")

    def warning(self, place: Place, message: str, hint: str = "") -> None:
        self._add(place, message, hint, "warning")

    def note(self, place: Place, message: str, hint: str = "") -> None:
        self._add(place, message, hint, "note")

    def line(self, place: Place) -> int:
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 0) if place else 0

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    def in_order(self) -> list[Problem]:
        """By line; what concerns the whole file comes first."""
        return sorted(self.problems, key=lambda problem: problem.line)

    def _add(self, place: Place, message: str, hint: str, severity: str) -> None:
        if place in self.unreadable:
            return
        problem = Problem(message, dotted(place), self.line(place), hint, severity)
        if problem not in self.problems:
            self.problems.append(problem)

    # -- typed reading: each says what is wrong and gives None ----------------------------------

    def mapping(self, place: Place, value: Any, example: str = "") -> Mapping[str, Any] | None:
        if isinstance(value, Mapping):
            return value
        hint = f"write `{example}`" if example else ""
        self.error(place, f"`{dotted(place)}` is {kind_of(value)}; it takes a mapping", hint)
        return None

    def text(self, place: Place, value: Any) -> str | None:
        if isinstance(value, str) and value.strip():
            return value
        what = "empty" if isinstance(value, str) else kind_of(value)
        plain = isinstance(value, int | float)
        hint = "put it in quotes" if plain else "write a text, or remove the key"
        self.error(place, f"`{dotted(place)}` is {what}; it takes text", hint)
        return None

    def flag(self, place: Place, value: Any) -> bool | None:
        if isinstance(value, bool):
            return value
        self.error(
            place, f"`{dotted(place)}` is {kind_of(value)}; it takes true or false", "write `true`"
        )
        return None

    def number(self, place: Place, value: Any) -> float | None:
        """A finite int or float, as it is."""
        name = dotted(place)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.error(
                place, f"`{name}` is {kind_of(value)}; it takes a number", _unquoted(value, "0.1")
            )
            return None
        if abs(value) > 1e300 or value != value:
            message = f"`{name}` is {shown(value, 30)}; it takes a finite number below 1e300"
            self.error(place, message, "write a number, or remove the key")
            return None
        return value

    def whole(self, place: Place, value: Any, least: int | None = None) -> int | None:
        """An int, not below `least`."""
        if isinstance(value, bool) or not isinstance(value, int):
            near = int(value) if isinstance(value, float) and abs(value) < 2**53 else None
            hint = f"write `{near}`" if near is not None else _unquoted(value, "10")
            what = shown(value) if isinstance(value, float) else kind_of(value)
            self.error(place, f"`{dotted(place)}` is {what}; it takes a whole number", hint)
            return None
        if least is not None and value < least:
            hint = f"write {least} or more, or leave it out"
            self.error(place, f"`{dotted(place)}` is {value}; it must be at least {least}", hint)
            return None
        if abs(value) > 2**53:
            self.error(place, f"`{dotted(place)}` is too large", "the limit is 2^53")
            return None
        return value

    def known_keys(self, place: Place, value: Mapping[str, Any], known: Collection[str]) -> None:
        """An error for each key of `value` that is not in `known`."""
        for key in value:
            if key not in known:
                where = f" in `{dotted(place)}`" if place else ""
                hint = did_you_mean(key, known)
                self.error((*place, key), f"unknown key `{key}`{where}", hint)


def _unquoted(value: Any, example: str) -> str:
    """How to write a number instead of `value`."""
    text = value.strip() if isinstance(value, str) else ""
    for written in (text, text.replace(",", ".", 1)):
        try:
            float(written)
        except ValueError:
            continue
        quoted = "write it without quotes" if written == text else "write a point for the comma"
        return f"{quoted}: `{written}`"
    return f"write a number, such as `{example}`"
