"""What a sweep has found: everything `swept analyze` shows, worked out from its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from swept.analysis.best import (
    Advice,
    Best,
    advised,
    baseline,
    best,
    ranked,
    same_training,
    value_of,
)
from swept.analysis.comparison import Comparison, compare
from swept.analysis.configuration import Group, differing_fixed, grouped
from swept.analysis.noise import Noise, noise
from swept.analysis.outcomes import Outcomes, outcomes
from swept.analysis.spread import Spread, spread
from swept.analysis.targets import Target, targets
from swept.model import Goal, Run

if TYPE_CHECKING:
    from swept.analysis.audit import Audit  # numpy and scipy: only where a model is asked for

TOP = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What the analysis has to know of a sweep's spec.

    `swept`: dotted names of the searched parameters; `fixed`: declared constants; `inert`: name → why it cannot act;
    `epochs`: steps of a full run; `max_runs`: how many are planned; `seed`: the parameter that takes the seed;
    `baseline`: whether the file asks for a baseline run.
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
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    run: Run
    value: float
    step: int


@dataclass(frozen=True, slots=True)
class Results:
    """`top` holds at most five finished runs; `comparison` is None without a baseline that has a value.

    `left_out`: numbers of the runs that were trained with other fixed values than the sweep has now. `audit`: what early
    stopping has saved, and what it may have cost; None where nobody asked, or there is no early stopping.
    """

    best: Best | None
    groups: tuple[Group, ...]
    top: tuple[Ranked, ...]
    baseline: Run | None
    comparison: Comparison | None
    targets: tuple[Target, ...]
    outcomes: Outcomes
    noise: Noise | None
    inert: Mapping[str, str]
    spread: Spread | None = None
    left_out: tuple[int, ...] = ()
    audit: Audit | None = None


def leader(question: Question, runs: Iterable[Run], advice: Advice | None = None) -> Best | None:
    """The best run of the sweep as its file is now: the one advised, if any is."""
    ours = same_training(runs, question.fixed)
    named = advised(advice, ours, question.goal, question.at) if advice else None
    return named or best(ours, question.goal, question.at)


def reference_for(question: Question, runs: Sequence[Run], beside: Run | None) -> Run | None:
    """The baseline: the newest that ran under the fixed values that `beside` really had, else the newest."""
    if beside is not None:
        config = beside.effective_config or beside.config
        alike = [
            run
            for run in runs
            if run.value is not None
            and not differing_fixed(run.effective_config or run.config, config, question.fixed)
        ]
        found = baseline(alike)
        if found is not None:
            return found
    return baseline(same_training(runs, question.fixed)) or baseline(runs)


def results(
    question: Question,
    runs: Sequence[Run],
    advice: Advice | None = None,
    audit: Audit | None = None,
) -> Results:
    """Pure: the same runs (and advice) give the same results."""
    goal, at = question.goal, question.at
    ours = same_training(runs, question.fixed)
    found = leader(question, ours, advice)
    reference = reference_for(question, runs, found.run if found else None)
    luck = noise(ours, goal, at, ignore=(question.seed,) if question.seed else ())
    top = []
    for run in ranked(ours, goal, at)[:TOP]:
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
        targets=targets(question.targets, found.value if found and found.finished else None, goal),
        outcomes=outcomes(runs),
        noise=luck,
        inert=question.inert,
        spread=spread(ranked(ours, goal, at), goal, at, luck, ours),
        left_out=tuple(run.number for run in runs if run not in ours),
        audit=audit,
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
