"""A sweep's config at its source, as a sweep file that is read here.

W&B takes keys that swept has no use for (a scheduler, launch, keys of its own); they are left out, with a word. What
is wrong in the parameters themselves cannot be mended: then the runs come without their sweep, with the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

from swept.errors import Problem, SpecError
from swept.spec import parse

_NEEDED = ("method", "parameters", "metric")


@dataclass(frozen=True, slots=True)
class Readable:
    """`text` is None where it cannot be read here; `words` says what was left out, or what is wrong."""

    text: str | None
    words: tuple[str, ...] = ()
    stops_early: bool = False


def text_of(config: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def readable(config: Mapping[str, Any]) -> Readable:
    """The config as a sweep file, without the keys that stand in the way."""
    left = deepcopy(dict(config))
    words: list[str] = []
    while True:
        text = text_of(left)
        try:
            parse(text)
        except SpecError as error:
            gone = _leave_out(left, error.problems)
            if not gone:
                return Readable(None, tuple(problem.message for problem in error.problems))
            words += gone
        else:
            return Readable(text, tuple(words), "early_terminate" in left)


def _leave_out(config: dict[str, Any], problems: Sequence[Problem]) -> list[str]:
    """Takes out the keys that are wrong and not needed, and says which."""
    words = []
    for problem in problems:
        top = problem.key.split(".")[0]
        if top in config and top not in _NEEDED:
            del config[top]
            words.append(f"`{top}` is left out: {problem.message}")
        elif "unknown key" in problem.message and _take(config, problem.key.split(".")):
            words.append(f"`{problem.key}` is left out: {problem.message}")
    return words


def _take(config: dict[str, Any], path: Sequence[str]) -> bool:
    inner: Any = config
    for key in path[:-1]:
        inner = inner.get(key) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or path[-1] not in inner:
        return False
    del inner[path[-1]]
    return True
