"""What an error of the W&B client means: whether the same question again may be answered.

The client says it in three ways: as the status of an answer (its own errors, those of `requests`), inside a text
that it makes of one, or, where the server has answered in good order that something is not there, in words only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

CLIENTS_OWN = (TypeError, AttributeError, KeyError, ValueError)
"""What no repetition mends: the client itself, or something that is not there."""
_PASSES = frozenset({408, 409, 425, 429})
_IN_TEXT = re.compile(r"^HTTP (\d{3})\b|\bstatus: (\d{3})\b")
_WORDS = ("permission", "not found", "could not find", "serializable")


def settled(error: BaseException) -> bool:
    """Whether asking again gives the same: a refusal, or something that is not there."""
    chain = list(_chain(error))
    status = next((found for one in chain if (found := _status(one))), None)
    if status is not None:
        return 400 <= status < 500 and status not in _PASSES
    if any(isinstance(one, CLIENTS_OWN) and not _unreadable(one) for one in chain):
        return True
    return any(word in str(error).lower() for word in _WORDS)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was made of."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        inner = getattr(one, "exc", None)
        one = inner if isinstance(inner, BaseException) else one.__cause__


def _status(error: BaseException) -> int | None:
    answer = getattr(error, "response", None)
    for name in ("status_code", "http_status"):
        status = getattr(answer, name, None)
        if isinstance(status, int) and status > 0:
            return status
    said = _IN_TEXT.search(str(error))
    return int(said[1] or said[2]) if said else None


def _unreadable(error: BaseException) -> bool:
    """Half an answer, or one of a proxy: it says nothing about the question."""
    return isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
