"""What a card is, and what there is to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from swept.analysis.best import ranked, same_training, value_of
from swept.analysis.noise import Noise, noise
from swept.model import (
    SWEEP_KINDS,
    Agent,
    Goal,
    Run,
    SweepState,
)
from swept.spec import Spec

if TYPE_CHECKING:  # numpy and scipy: only where a model was asked for
    from swept.analysis.importance import Importance

LEVELS = ("bad", "warn", "info", "good")


@dataclass(frozen=True, slots=True)
class Card:
    """`id` stays the same as long as it speaks of the same thing; `runs` are ids."""

    id: str
    level: str
    title: str
    text: str
    evidence: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    parameter: str | None = None


@dataclass(frozen=True)
class Situation:
    """What is known of a sweep, whose id is `sweep`. `live`: ids of the agents at work. `importance` and `residual` (one
    standard deviation of a run about the model's surface) are None where no model was asked; `free`: bytes left for
    files, None: not known."""

    spec: Spec
    runs: Sequence[Run]
    state: SweepState
    sweep: str
    agents: Sequence[Agent] = ()
    live: frozenset[str] = frozenset()
    importance: Importance | None = None
    residual: float | None = None
    free: int | None = None

    @property
    def goal(self) -> Goal:
        return self.spec.metric.goal if self.spec.metric else Goal.MINIMIZE

    @property
    def at(self) -> str:
        return self.spec.options.at

    @cached_property
    def own(self) -> list[Run]:
        """The sweep's runs."""
        return [run for run in self.runs if run.kind in SWEEP_KINDS]

    @cached_property
    def ours(self) -> list[Run]:
        """Those with the constants that the file has now."""
        return same_training(self.own, self.spec.space.fixed)

    @cached_property
    def ranked(self) -> list[Run]:
        return ranked(self.ours, self.goal, self.at)

    @cached_property
    def luck(self) -> Noise | None:
        seed = self.spec.options.seed
        runs = same_training(self.runs, self.spec.space.fixed)
        found = noise(runs, self.goal, self.at, ignore=(seed,) if seed else ())
        return None if found is None or found.identical else found

    def value(self, run: Run) -> float | None:
        return value_of(run, self.goal, self.at)
