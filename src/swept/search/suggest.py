"""What should run next: `suggest(spec, history, n)`, a pure function of the sweep's log.

In this order: runs that the early stopping wants continued, unless the hours are used; then, unless the sweep is full (target reached,
budget used), the baseline, which comes first and which nothing waits for; then repeats that are due; then the method's own
suggestions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from swept.model import History, Run, RunState, Start, Suggestions, Wait
from swept.search import auto, bayes, grid, random
from swept.search.baseline import baseline
from swept.search.budget import close, hours_used, room, runs_used, target_reached
from swept.search.numbering import next_number
from swept.search.repeats import repeats
from swept.spec import Spec
from swept.stopping.decide import goes_by_curves, last, promotions

Method: TypeAlias = Callable[..., list[Start]]

METHODS: Mapping[str, Method] = {
    "grid": grid.propose,
    "random": random.propose,
    "bayes": bayes.propose,
}


def suggest(
    spec: Spec, history: History, n: int, *, seed: int, now: float | None = None
) -> Suggestions:
    """At most n suggestions, at least one; or Wait, or Done, with the reason.

    `seed` is the sweep's; the same arguments give the same answer, bit for bit. `now` (seconds since the epoch)
    counts the hours of running attempts towards `swept.budget.hours`. A grid or a finite space may give fewer than
    n: the next call then says that it is at its end.
    """
    if target := target_reached(spec, history):
        return close(history, target)
    spent = hours_used(spec, history, now)
    continued = () if spent else promotions(spec, history, max(n, 0))
    full = runs_used(spec, history) or spent
    starts = [] if full else _starts(spec, history, n - len(continued), seed)
    if continued or starts:
        return (*continued, *starts)
    if n < 1:
        return Wait("no run was asked for")
    finishing = () if spent else last(spec, history, n)
    return finishing or close(history, full or _end(spec))


def _starts(spec: Spec, history: History, n: int, seed: int) -> list[Start]:
    wanted = room(spec, history, n)
    first = baseline(spec, history, seed)
    starts = [*first, *repeats(spec, _with(history, first), seed)][:wanted]
    if len(starts) < wanted:
        method = _method(spec)
        starts += method(spec, _with(history, starts), wanted - len(starts), seed=seed)
    return starts or repeats(spec, history, seed, closing=True)[:wanted]


def _method(spec: Spec) -> Method:
    """Bayesian search goes by learning curves where `auto` makes runs of many lengths."""
    if goes_by_curves(spec):
        return auto.propose
    return METHODS[spec.method]


def _with(history: History, starts: list[Start]) -> History:
    """The history as it will be once `starts` are pending."""
    first = next_number(history)
    runs = [
        Run(
            id="",
            project="",
            sweep=None,
            number=number,
            name="",
            kind=start.kind,
            state=RunState.PENDING,
            config=start.config,
            spec_version=history.spec_version,
        )
        for number, start in enumerate(starts, start=first)
    ]
    return replace(history, runs=(*history.runs, *runs))


def _end(spec: Spec) -> str:
    """What it means that a method has nothing more."""
    if spec.method == "grid":
        return f"all {spec.grid_size or 0} grid points were tried"
    return "every configuration of this space was tried; more runs would repeat them"
