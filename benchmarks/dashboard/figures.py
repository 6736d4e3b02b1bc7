"""The page of figures as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table. `values`: of each repetition, in `unit`; what stands in the table is their median, with the range.
    `target` None: nothing was promised. `at_most`: what was."""

    what: str
    values: Sequence[float]
    unit: str
    target: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def line(self) -> str:
        target = met = "–"
        if self.target is not None:
            target = f"≤ {_said(self.target)} {self.unit}".rstrip()
            met = "yes" if self.median <= self.target else "**no**"
        spread = ""
        if len(self.values) > 1:
            spread = f" ({_said(min(self.values))} … {_said(max(self.values))})"
        return f"| {self.what} | {_said(self.median)} {self.unit}{spread} | {target} | {met} |"


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def table(figures: Sequence[Figure]) -> str:
    head = ["| what | median (least … most) | target | met |", "|---|---|---|---|"]
    return "\n".join([*head, *(figure.line() for figure in figures)])
