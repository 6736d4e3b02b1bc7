"""What a column holds: JSON text, and plain text that every database takes.

Both databases share integer, real and text. JSON is opaque to them. Escaping everything beyond ASCII lets NUL and
lone surrogates (file names, console output) survive: PostgreSQL has no NUL in text, SQLite's driver no surrogates.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from swept import wire


def dumps(value: Any) -> str:
    """JSON text of `value`; non-finite floats become their names (see `wire.encode`)."""
    return _text(value, sort_keys=False)


def canonical(value: Any) -> str:
    """JSON text that does not depend on the order of keys: equal configs have equal texts."""
    return _text(value, sort_keys=True)


# Made once: to make one takes as long as a row of metrics does.
_AS_IT_IS = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_SORTED = json.JSONEncoder(allow_nan=False, separators=(",", ":"), sort_keys=True).encode


def _text(value: Any, *, sort_keys: bool) -> str:
    encode = _SORTED if sort_keys else _AS_IT_IS
    try:
        return encode(value)
    except (
        ValueError,
        TypeError,
    ):  # NaN, a number of numpy's: rare, and slow to look for beforehand
        return encode(wire.encode(value))


def plain(text: str) -> str:
    """`text` as every database takes it: NUL and lone surrogates replaced."""
    if text.isascii():
        return text.replace("\x00", "�") if "\x00" in text else text
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")


class PlainText(TypeDecorator[str]):
    """Text for people: names, reasons, lines of console output."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else plain(value)


class JsonText(TypeDecorator[Any]):
    """A JSON value. With `special`, the names of non-finite numbers become floats again."""

    impl = Text
    cache_ok = True

    def __init__(self, special: bool = False) -> None:
        super().__init__()
        self.special = special

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value == "{}":
            return {}
        parsed = json.loads(value)
        if self.special and ('"NaN"' in value or 'Infinity"' in value):
            return wire.decode(parsed)
        return parsed
