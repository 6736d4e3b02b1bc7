"""Runs of other lengths or models beside the sweep's: the table after `swept train` and `swept compare`.

Every entry says how many steps it was trained for; only entries of the same length may be compared as they stand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swept.analysis.best import value_of
from swept.analysis.figures import figure
from swept.model import Goal, Run

TEST_PREFIX = "test/"
PARAMETERS, GFLOPS, SPEED = "model/parameters", "model/GFLOPs", "model/speed_ms"


@dataclass(frozen=True, slots=True)
class Entry:
    """One run in the table. `test` holds the test split's metrics without their prefix."""

    label: str
    run: Run
    steps: int
    value: float | None
    test: Mapping[str, float] = field(default_factory=dict)
    parameters: float | None = None
    gflops: float | None = None
    speed: float | None = None  # milliseconds an image


@dataclass(frozen=True, slots=True)
class Lineup:
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]


def entry(label: str, run: Run, goal: Goal, at: str = "last") -> Entry:
    summary = run.summary
    return Entry(
        label=label,
        run=run,
        steps=run.steps,
        value=value_of(run, goal, at),
        test={
            name.removeprefix(TEST_PREFIX): number
            for name, value in sorted(summary.items())
            if name.startswith(TEST_PREFIX) and (number := _number(value)) is not None
        },
        parameters=_number(summary.get(PARAMETERS)),
        gflops=_number(summary.get(GFLOPS)),
        speed=_number(summary.get(SPEED)),
    )


def lineup(entries: Iterable[Entry]) -> Lineup:
    """The entries with a warning for every way in which they are not comparable."""
    listed = tuple(entries)
    return Lineup(listed, tuple(_warnings(listed)))


def tested_metrics(entries: Iterable[Entry]) -> list[str]:
    """The test metrics that any of the entries has, in a stable order; those of single classes left out."""
    return sorted({name for item in entries for name in item.test if "/" not in name})


def _warnings(entries: Sequence[Entry]) -> list[str]:
    lengths = sorted({item.steps for item in entries if item.value is not None})
    found = []
    if len(lengths) > 1:
        shown = " and ".join(str(length) for length in lengths)
        found.append(
            f"trained for different lengths ({shown} steps): only trainings of the same length compare configurations"
        )
    found += _repeated(entries) or _single(entries)
    return found


def _single(entries: Sequence[Entry]) -> list[str]:
    if len(entries) < 2:
        return []
    return ["one run each: noise unknown, small differences may be luck"]


def _repeated(entries: Sequence[Entry]) -> list[str]:
    """What the same configuration, trained more than once for the same steps, says about luck.

    The sweep's best was picked as the highest of many, so its own value flatters it; a fresh training does not.
    """
    groups: dict[str, list[Entry]] = {}
    for item in entries:
        if item.value is not None:
            key = json.dumps([item.run.config, item.steps], sort_keys=True, default=str)
            groups.setdefault(key, []).append(item)
    found = []
    for group in groups.values():
        values = [item.value for item in group if item.value is not None]
        if len(values) > 1 and (spread := max(values) - min(values)) > 0:
            names = " and ".join(f"run {item.run.number}" for item in group)
            found.append(
                f"{names} are the same configuration with other seeds and differ by {figure(spread)}: "
                "differences of that size mean nothing; the later one was not picked for its value, so it is the fairer"
            )
    return found


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
