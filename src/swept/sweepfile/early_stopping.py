"""`swept.early_stopping`: one word, or a mapping with `type` and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from swept.sweepfile.findings import Findings, Place, did_you_mean, misspelt, shown

WORDS: Final = ("auto", "asha", "median", "hyperband", "off")
FIGURES: Final[Mapping[str, tuple[str, ...]]] = {
    "auto": (),
    "asha": ("eta", "min_epochs"),
    "median": ("min_epochs", "min_runs"),
    "hyperband": ("eta", "min_epochs"),
    "off": (),
}
"""What may stand beside each `type`."""


def read_early_stopping(value: Any, place: Place, findings: Findings) -> dict[str, Any]:
    """The fields of `Options` that it sets."""
    if not isinstance(value, Mapping):
        return _word(value, place, findings)
    keys = tuple(dict.fromkeys(key for figures in FIGURES.values() for key in figures))
    if "type" not in value:
        if not misspelt("type", value, ("type", *keys)):
            hint = "write `{type: asha, eta: 4}`, or one word"
            findings.error(place, "`swept.early_stopping` needs `type`", hint)
        findings.known_keys(place, value, ("type", *keys))
        return {}
    found = _word(value["type"], (*place, "type"), findings)
    if not found:
        return {}
    findings.known_keys(place, value, ("type", *FIGURES[found["early_stopping"]]))
    for key in ("min_epochs", "min_runs"):
        if key in value and (figure := findings.whole((*place, key), value[key], 1)) is not None:
            found[f"stopping_{key}"] = figure
    return found | _eta(value, place, findings)


def _word(value: Any, place: Place, findings: Findings) -> dict[str, Any]:
    # YAML 1.1 reads `off` as false
    word = "off" if value is False else value
    if word in WORDS:
        return {"early_stopping": word}
    message = f"`swept.early_stopping` does not know {shown(value)}"
    hint = did_you_mean(value, WORDS, f"it takes {', '.join(WORDS[:-1])} or {WORDS[-1]}")
    findings.error(place, message, hint)
    return {}


def _eta(value: Mapping[str, Any], place: Place, findings: Findings) -> dict[str, Any]:
    eta = findings.number((*place, "eta"), value["eta"]) if "eta" in value else None
    if eta is not None and eta <= 1:
        hint = "about the best 1/eta of the runs go on at each rung: 2, 3 or 4"
        findings.error((*place, "eta"), f"`eta` is {eta:g}; it must be above 1", hint)
        return {}
    return {} if eta is None else {"stopping_eta": float(eta)}
