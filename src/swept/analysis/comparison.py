"""Two runs side by side, always at the same step and the same fixed values, or with a word that they are not.

A run of 300 epochs against one of 100 says nothing about their configurations: the comparison is made at the last
step that both have reached, and each entry carries the step it is read at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from swept.analysis.best import value_at, value_of
from swept.analysis.configuration import differing_fixed
from swept.model import Goal, Run, RunState

MOST_TIMES = 5.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """`run` against `reference`, both read at `step`. `difference` is run - reference, in the metric's units.

    `obstacles` are sentences: why the two are not (quite) comparable. `steps` are the full lengths of the two.
    """

    run: Run
    reference: Run
    step: int
    value: float
    reference_value: float
    better: bool
    steps: tuple[int, int]
    obstacles: tuple[str, ...] = ()

    @property
    def difference(self) -> float:
        return self.value - self.reference_value

    @property
    def complete(self) -> bool:
        """Whether both have finished at the same length: otherwise it may yet turn around."""
        finished = all(run.state is RunState.FINISHED for run in (self.run, self.reference))
        return finished and self.steps[0] == self.steps[1]

    @property
    def percent(self) -> float | None:
        """The difference in percent of the reference. None before the end, and where the reference is next to
        nothing beside the difference, or of the other sign: a percentage would only look like knowledge."""
        far = abs(self.difference) > MOST_TIMES * abs(self.reference_value)
        if not self.complete or far or self.value * self.reference_value <= 0:
            return None
        return 100.0 * self.difference / abs(self.reference_value)


def compare(
    run: Run, reference: Run, goal: Goal, fixed: Mapping[str, Any], at: str = "last"
) -> Comparison | None:
    """At the last step that both have; None while one of them has no value.

    `fixed` are the sweep's declared fixed values: a difference there (a batch halved after an out-of-memory, say) is an
    obstacle. With equal lengths, `at` decides which value of the curve counts.
    """
    step = min(run.steps, reference.steps)
    if run.steps == reference.steps:
        values = (value_of(run, goal, at), value_of(reference, goal, at))
    else:
        values = (_up_to(run, step, goal, at), _up_to(reference, step, goal, at))
    if values[0] is None or values[1] is None:
        return None
    return Comparison(
        run=run,
        reference=reference,
        step=step,
        value=values[0],
        reference_value=values[1],
        better=goal.better(values[0], values[1]),
        steps=(run.steps, reference.steps),
        obstacles=tuple(_obstacles(run, reference, fixed)),
    )


def _up_to(run: Run, step: int, goal: Goal, at: str) -> float | None:
    """The run's value as if it had ended at `step`."""
    if at == "last":
        return value_at(run, step)
    seen = tuple(point for point in run.curve if point.step <= step)
    return replace(run, curve=seen).best_value(goal)


def _obstacles(run: Run, reference: Run, fixed: Mapping[str, Any]) -> list[str]:
    found = []
    ours, theirs = (
        run.effective_config or run.config,
        reference.effective_config or reference.config,
    )
    for name, (value, other) in differing_fixed(ours, theirs, fixed).items():
        found.append(
            f"not comparable: `{name}` was {value} in run {run.number} and {other} in run {reference.number}; one "
            f"baseline run with {name}={value} would settle it"
        )
    if run.steps != reference.steps:
        found.append(
            f"run {run.number} has {run.steps} steps, run {reference.number} has {reference.steps}: compared at "
            f"step {min(run.steps, reference.steps)}, which both have; learning-rate schedules depend on the full "
            "length, so even this flatters the shorter one"
        )
    return found
