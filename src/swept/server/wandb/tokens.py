"""JSON as the W&B client speaks it: NaN and infinities are bare tokens, in both directions."""

from __future__ import annotations

import json
from typing import Any


def dumps(value: Any) -> str:
    """Compact JSON with bare `NaN`, `Infinity`, `-Infinity`; what JSON has no word for becomes text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def loads(text: str | bytes) -> Any:
    """The inverse. Raises ValueError, also for what is nested too deeply to read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def mapping(text: Any) -> dict[str, Any]:
    """A JSON object, given as text or as an object; {} for anything else."""
    if isinstance(text, str):
        try:
            text = loads(text)
        except ValueError:
            return {}
    return dict(text) if isinstance(text, dict) else {}


def mapping_of(body: bytes) -> dict[str, Any]:
    """A request's body. Raises ValueError for anything but a JSON object; an empty body is an empty one."""
    value = loads(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
