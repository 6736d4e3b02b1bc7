"""The plain methods: random search, random with successive halving, and one epoch for many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from peers.driver import ETA, Again, New, Rungs, Setting, Trial, ladder


def _rank(value: float) -> float:
    return math.inf if math.isnan(value) else value


class Asha(Rungs):
    """Random draws with asynchronous successive halving by promotion.

    Of the runs that reached a rung, the best third goes on to the next; the highest rung with a candidate first;
    without one, a new draw. Source: Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning".
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.rungs = ladder(self.steps)
        self.values: list[dict[int, float]] = [{} for _ in self.rungs]
        self.promoted: list[set[int]] = [set() for _ in self.rungs]

    def ask(self) -> New | Again | None:
        for k in reversed(range(len(self.rungs) - 1)):
            best = sorted(self.values[k], key=lambda number: _rank(self.values[k][number]))
            for number in best[: len(best) // ETA]:
                if number not in self.promoted[k] and math.isfinite(self.values[k][number]):
                    self.promoted[k].add(number)
                    return Again(number, self.rungs[k + 1])
        return New(self.draw(), until=self.rungs[0])

    def adopt(self, values: Mapping[str, Any]) -> New:
        return New(values, until=self.rungs[0])

    def reached(self, trial: Trial, value: float) -> None:
        self.values[self.rungs.index(trial.until)][trial.number] = value


class OneEpoch(Rungs):
    """Many for one epoch, then the best of them fully: in cycles, so that there is an answer at any time.

    Each cycle costs about five full trainings: two in single epochs of new draws, three for the best that are not
    yet trained fully, of this cycle or an earlier one. Source: Egele et al. 2023, "Is One Epoch All You Need For
    Multi-Fidelity Hyperparameter Optimization?" (arXiv 2307.15422).
    """

    FULLY = 3

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.screen = max(2 * self.steps, self.FULLY)
        self.first: dict[int, float] = {}
        self.started = self.chosen = 0

    def ask(self) -> New | Again | None:
        if self.started < self.screen * (1 + self.chosen // self.FULLY):
            self.started += 1
            return New(self.draw(), until=1)
        waiting = [n for n, value in self.first.items() if math.isfinite(value)]
        if not waiting:
            self.screen += self.FULLY
            return New(self.draw(), until=1)
        best = min(waiting, key=self.first.__getitem__)
        del self.first[best]
        self.chosen += 1
        return Again(best, self.steps)

    def adopt(self, values: Mapping[str, Any]) -> New:
        self.started += 1
        return New(values, until=1)

    def reached(self, trial: Trial, value: float) -> None:
        if trial.until == 1:
            self.first[trial.number] = value
