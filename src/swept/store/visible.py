"""Which of a run's reports are visible, now that it may have been tried several times.

An attempt that has begun says where: its `first_step` (0 = from scratch, checkpoint step + 1 = resumed). It hides every
earlier attempt's reports from that step on. An attempt that has reported nothing yet (`first_step` None) hides
nothing: one that dies at its start takes no history away.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from swept.model import Checkpoint, Point

Ceilings = Mapping[int, float]
"""Attempt → the step below which its reports are visible."""


def ceilings(attempts: Sequence[tuple[int, int | None]]) -> Ceilings:
    """From (number, first_step) of every attempt, in order."""
    found: dict[int, float] = {}
    ceiling = math.inf
    for number, first_step in reversed(attempts):
        found[number] = ceiling
        if first_step is not None:
            ceiling = min(ceiling, first_step)
    return found


def ceilings_by_run(attempts: Iterable[Sequence[Any]]) -> dict[str, Ceilings]:
    """As `ceilings`, of many runs: from (run, number, first_step), of each run in order of number."""
    begun: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for run, number, first_step in attempts:
        begun[run].append((number, first_step))
    return {run: ceilings(known) for run, known in begun.items()}


def curve(points: Iterable[tuple[int, int, float | None]], below: Ceilings) -> tuple[Point, ...]:
    """The visible points in step order, from (attempt, step, value) in order of attempt and step; None is NaN."""
    if len(below) == 1:
        # A list first: it is a fourth faster, and this is what a large sweep waits for.
        return tuple(
            [Point(step, math.nan if value is None else value) for _, step, value in points]
        )
    steps: dict[int, float] = {}
    for attempt, step, value in points:
        if step < below[attempt]:
            steps[step] = math.nan if value is None else value
    return tuple(Point(step, steps[step]) for step in sorted(steps))


def checkpoint(recorded: Iterable[Checkpoint], below: Ceilings) -> Checkpoint | None:
    """The newest one that is still part of the visible history."""
    seen = [mark for mark in recorded if mark.step < below[mark.attempt]]
    return max(seen, key=lambda mark: (mark.attempt, mark.step), default=None)


def lookup(metrics: Mapping[str, Any], name: str) -> float | None:
    """The objective in a row of metrics: by its name, else inside nested mappings ("val.acc"); None without."""
    return number(_found(metrics, name))


MEANT = ("max", "min", "last", "mean", "best", "first")
"""Where W&B's define_metric left no plain value in a summary, the first of these is meant."""


def summarized(summary: Mapping[str, Any], name: str) -> float | None:
    """As `lookup`, in a summary."""
    value = _found(summary, name)
    if isinstance(value, Mapping):
        value = next((value[meant] for meant in MEANT if meant in value), None)
    return number(value)


def _found(metrics: Mapping[str, Any], name: str) -> Any:
    value: Any = metrics.get(name)
    if value is None and "." in name:
        value = metrics
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def number(value: Any) -> float | None:
    """`value` as a float where it is a number (or the name of a special one); None otherwise."""
    if isinstance(value, str):
        return _SPECIAL.get(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return None


ELEMENTS = 100  # of a list that can be looked for


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, float | str | None]:
    """Nested mappings as dotted keys, and the elements of a list beside it (`tags`, `tags[0]`, …).

    Numbers and truths are floats. None stands for what is there and cannot be compared: NaN, a list, an empty mapping.
    What is null is left out.
    """
    flat: dict[str, float | str | None] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{name}."))
        elif isinstance(value, list | tuple):
            flat[name] = None
            flat.update((f"{name}[{at}]", _flat(one)) for at, one in enumerate(value[:ELEMENTS]))
        elif value is not None:
            flat[name] = _flat(value)
    return flat


def _flat(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value
    found = float(value) if isinstance(value, bool) else number(value)
    return None if found is None or math.isnan(found) else found


def override(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`config` with `overrides` over it; a dotted key reaches into nested mappings where there is no such plain key."""
    changed = dict(config)
    for key, value in overrides.items():
        head, dot, rest = key.partition(".")
        inner = changed.get(head)
        if dot and key not in changed and isinstance(inner, Mapping):
            changed[head] = override(inner, {rest: value})
        else:
            changed[key] = value
    return changed
