"""Flat values as revision 0002 made them. A copy of its own: what a migration does must not change with the code."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Flat: TypeAlias = dict[str, float | str | None]

LONGEST_KEY = 400
ELEMENTS = 100
DETAILS = ("group", "job_type", "host", "tags", "notes", "description", "program", "commit")
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def rows(
    run: str, config: str, latest: str, summary: str, details: str
) -> Iterator[dict[str, Any]]:
    """The rows of one run, from its columns of JSON text."""
    drawn, last, said, more = (
        _decoded(json.loads(one)) for one in (config, latest, summary, details)
    )
    own = more.get("wandb_config")
    told = own if isinstance(own, Mapping) else {}
    parts: dict[str, Flat] = {
        "config": _flatten({**drawn, **told}),
        "summary": _flatten({**last, **said}),
        "details": _flatten({key: more[key] for key in DETAILS if more.get(key)}),
        "history": dict.fromkeys(last),
    }
    for source, flat in parts.items():
        kept = {_plain(key): value for key, value in flat.items() if len(key) <= LONGEST_KEY}
        for key, value in kept.items():
            text = _plain(value) if isinstance(value, str) else None
            number = None if isinstance(value, str) else value
            yield {"run": run, "source": source, "key": key, "number": number, "text": text}


def _decoded(value: Any) -> Any:
    if isinstance(value, str):
        return _SPECIAL.get(value, value)
    if isinstance(value, dict):
        return {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Flat:
    flat: Flat = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat.update(_flatten(value, f"{name}."))
        elif isinstance(value, list):
            flat[name] = None
            flat.update((f"{name}[{at}]", _one(each)) for at, each in enumerate(value[:ELEMENTS]))
        elif value is not None:
            flat[name] = _one(value)
    return flat


def _one(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value
    if not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        found = math.inf if value > 0 else -math.inf
    return None if math.isnan(found) else found


def _plain(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
