"""What a sweep has found: everything `swept analyze` shows, worked out from its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swept.analysis.best import Best, baseline, best, ranked, value_of
from swept.analysis.comparison import Comparison, compare
from swept.analysis.configuration import Group, grouped
from swept.analysis.noise import Noise, noise
from swept.analysis.outcomes import Outcomes, outcomes
from swept.analysis.targets import Target, targets
from swept.model import Goal, Run

TOP = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What the analysis has to know of a sweep's spec.

    `swept`: dotted names of the searched parameters; `fixed`: declared constants; `inert`: name → why it cannot act;
    `epochs`: steps of a full run; `max_runs`: how many are planned; `seed`: the parameter that takes the seed.
    """

    metric: str
    goal: Goal
    at: str = "last"
    swept: frozenset[str] = frozenset()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    inert: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)
    adapter: str | None = None
    epochs: int | None = None
    epochs_parameter: str | None = None
    seed: str | None = None
    max_runs: int | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    run: Run
    value: float
    step: int


@dataclass(frozen=True, slots=True)
class Results:
    """`top` holds at most five finished runs; `comparison` is None without a baseline that has a value."""

    best: Best | None
    groups: tuple[Group, ...]
    top: tuple[Ranked, ...]
    baseline: Run | None
    comparison: Comparison | None
    targets: tuple[Target, ...]
    outcomes: Outcomes
    noise: Noise | None
    inert: Mapping[str, str]


def results(question: Question, runs: Sequence[Run]) -> Results:
    """Pure: the same runs give the same results."""
    goal, at = question.goal, question.at
    found, reference = best(runs, goal, at), baseline(runs)
    top = []
    for run in ranked(runs, goal, at)[:TOP]:
        value = value_of(run, goal, at)
        if value is not None:
            top.append(Ranked(run, value, run.steps))
    comparison = None
    if found and reference:
        comparison = compare(found.run, reference, goal, question.fixed, at)
    return Results(
        best=found,
        groups=_groups(question, found, reference),
        top=tuple(top),
        baseline=reference,
        comparison=comparison,
        targets=targets(question.targets, found.value if found else None, goal),
        outcomes=outcomes(runs),
        noise=noise(runs, goal, at, ignore=(question.seed,) if question.seed else ()),
        inert=question.inert,
    )


def _groups(question: Question, found: Best | None, reference: Run | None) -> tuple[Group, ...]:
    if found is None:
        return ()
    return grouped(
        found.run.config,
        swept=question.swept,
        baseline=reference.config if reference else None,
        inert=question.inert,
        adapter=question.adapter,
    )
