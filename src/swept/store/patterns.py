"""Regular expressions of people, for a database that has none of its own. A pattern cannot hold up the server."""

from __future__ import annotations

import regex  # `re` has no time limit: one pattern and one name would be enough to stand still

from swept.errors import UsageError

LONGEST = 1000
SECONDS = 0.1  # for one text; a sane pattern takes microseconds


def check(pattern: str) -> str:
    """The pattern itself. Raises UsageError for one that cannot be read."""
    if len(pattern) > LONGEST:
        raise UsageError(f"a pattern has up to {LONGEST} characters")
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise UsageError(f"the pattern `{pattern}` cannot be read: {error}") from error
    return pattern


def found(pattern: str, text: str | None) -> bool | None:
    """Whether the pattern is somewhere in `text`; None for no text. Raises TimeoutError."""
    if text is None:
        return None
    return regex.search(pattern, text, timeout=SECONDS, concurrent=True) is not None
