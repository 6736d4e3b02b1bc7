"""How one canonical spec differs from another, in lines for people: pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_MISSING = object()


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line a changed key, sorted: `parameters.lr0.high: 0.1 → 0.05`. [] = the same."""
    before, after = _flat(_by_name(old)), _flat(_by_name(new))
    lines = []
    for key in sorted({*before, *after}):
        was, now = before.get(key, _MISSING), after.get(key, _MISSING)
        if was == now and type(was) is type(now):
            continue
        if was is _MISSING:
            lines.append(f"{key}: added, {_text(now)}")
        elif now is _MISSING:
            lines.append(f"{key}: removed (was {_text(was)})")
        else:
            lines.append(f"{key}: {_text(was)} → {_text(now)}")
    return lines


def _by_name(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form with its lists keyed by parameter, and without what follows from the rest."""
    form = {key: value for key, value in spec.items() if key not in ("format", "derived")}
    named = {
        ".".join(entry["path"]): {key: value for key, value in entry.items() if key != "path"}
        for entry in (*form.pop("parameters", ()), *form.pop("constants", ()))
    }
    return {**form, "parameters": named}


def _flat(mapping: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in mapping.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
