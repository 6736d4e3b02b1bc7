"""Repeats: the same configuration with a fresh seed, which tell how far luck alone reaches.

`swept: {noise: {repeats: n}}` asks for n of them: of the baseline, else of the best finished run so far. They are spread
over the sweep, since what is best is not known at its start. They are never stopped, and count in the budget.
"""

from __future__ import annotations

from collections.abc import Sequence

from swept.model import History, Kind, Run, RunState, Start
from swept.search.numbering import next_number, suggested
from swept.search.seeds import run_seed
from swept.spec import Spec
from swept.stopping.decide import OFF, rule
from swept.stopping.track import longest

APART, TRAININGS = 10, 5
"""So many runs, or with early stopping so many whole trainings' worth of steps, lie between two repeats where nothing
says how many runs there will be."""


def repeats(spec: Spec, history: History, seed: int, *, closing: bool = False) -> list[Start]:
    """Those that are due; `closing`: all that are left, since the search has nothing more to try.

    One that failed is not made up for: what broke it would break the next one.
    """
    wanted = spec.options.noise_repeats
    if not wanted or spec.metric is None:
        return []
    runs = list(suggested(spec, history))
    before = sum(run.kind is Kind.REPEAT for run in runs)
    first = before + 1
    last = wanted if closing else min(_due(spec, wanted, runs), wanted)
    found = _repeated(spec, runs)
    if found is None or last < first:
        return []
    number = next_number(history)
    return [
        Start(
            Kind.REPEAT,
            found.config,
            run_seed(seed, number + i),
            _why(found, i + first, wanted),
            found.id,
        )
        for i in range(last - before)
    ]


def _due(spec: Spec, wanted: int, runs: Sequence[Run]) -> int:
    """How many repeats belong among those runs: k of n at k/(n + 1) of the sweep."""
    sizes = (spec.max_runs, spec.grid_size if spec.method == "grid" else None)
    most = min((size for size in sizes if size is not None), default=None)
    if most is not None:
        return len(runs) * (wanted + 1) // most
    epochs = longest(spec) if rule(spec) != OFF else None
    if epochs is None:
        return len(runs) // APART
    return sum(run.steps for run in runs) // (TRAININGS * epochs)


def _repeated(spec: Spec, runs: list[Run]) -> Run | None:
    """What is repeated; None while nothing has finished."""
    finished = [run for run in runs if run.state is RunState.FINISHED and run.value is not None]
    known = next((run for run in finished if run.kind is Kind.BASELINE), None)
    if known is not None or (spec.with_baseline() is not None and _expected(runs)):
        return known
    searched = [run for run in finished if run.kind is Kind.SEARCH]
    return min(searched, key=lambda run: _order(spec, run), default=None)


def _expected(runs: list[Run]) -> bool:
    """Whether the baseline may still finish."""
    tries = [run for run in runs if run.kind is Kind.BASELINE]
    return any(not run.state.ended for run in tries)


def _order(spec: Spec, run: Run) -> tuple[float, int]:
    assert spec.metric is not None
    goal = spec.metric.goal
    value = run.best_value(goal) if spec.options.at == "best" else run.value
    assert value is not None
    return goal.sign * value, run.number


def _why(run: Run, count: int, wanted: int) -> dict[str, str]:
    what = "the baseline" if run.kind is Kind.BASELINE else f"run {run.number}, the best so far,"
    reason = f"repeat {count} of {wanted}: {what} with a fresh seed, to learn how far luck reaches"
    return {"reason": reason, "strategy": "repeat"}
