"""Which of the sweep's targets a value reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from swept.model import Goal


@dataclass(frozen=True, slots=True)
class Target:
    """`gap` is how much is missing, in the metric's units; 0 where the target is reached, None without a value."""

    name: str
    value: float
    reached: bool
    gap: float | None


def targets(named: Mapping[str, float], value: float | None, goal: Goal) -> tuple[Target, ...]:
    """The targets from the easiest to the hardest; none is reached without a value."""
    ordered = sorted(named.items(), key=lambda item: goal.sign * item[1], reverse=True)
    return tuple(_judged(name, target, value, goal) for name, target in ordered)


def _judged(name: str, target: float, value: float | None, goal: Goal) -> Target:
    reached = value is not None and not goal.better(target, value)
    missing = None if value is None else 0.0 if reached else abs(target - value)
    return Target(name, target, reached, missing)
