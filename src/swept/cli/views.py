"""The server's answers as the nouns that the analysis works on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from swept.analysis.best import Advice
from swept.analysis.estimate import planned_runs
from swept.analysis.results import Question, leader
from swept.cli.output import say
from swept.model import Attempt, Checkpoint, Desired, Goal, Kind, Outcome, Point, Run, RunState
from swept.spec import Spec, from_canonical
from swept.stopping.decide import OFF, rule
from swept.wire.runs import AttemptView, RunView
from swept.wire.sweeps import SweepView

if TYPE_CHECKING:
    from swept.analysis.audit import Audit


def run_of(view: RunView) -> Run:
    """The run as a frozen value. A recorded checkpoint is only known to exist, not where."""
    attempts = tuple(_attempt(item, view) for item in view["attempts"])
    return Run(
        id=view["id"],
        project=view["project"],
        sweep=view["sweep"],
        number=view["number"],
        name=view["name"],
        kind=Kind(view["kind"]),
        state=RunState(view["state"]),
        config=view["config"],
        seed=view["seed"],
        parent=view["parent"],
        retry_of=view["retry_of"],
        why={"reason": view["why"]},
        ended_because=view["ended_because"],
        desired=Desired(view["desired"]),
        created=view["created"],
        started=view["started"],
        ended=view["ended"],
        attempts=attempts,
        checkpoint=_checkpoint(view),
        curve=tuple(Point(int(step), _number(value)) for step, value in view["curve"]),
        summary=view["summary"],
    )


def runs_of(view: SweepView) -> tuple[Run, ...]:
    return tuple(run_of(run) for run in view["runs"])


def advice_of(view: SweepView) -> Advice | None:
    """Which run the server's model names as best; None where it names none."""
    found = view.get("advice")
    return Advice(**found) if found else None


def audit_of(view: SweepView) -> Audit | None:
    """What early stopping has saved and may have cost. Fits a model where there is early stopping; None where that
    fails: what was found is shown all the same."""
    spec = spec_of(view)
    if rule(spec) == OFF:
        return None
    from swept.analysis.audit import audit  # numpy and scipy: only where a model is asked for

    runs = runs_of(view)
    try:
        return audit(spec, runs, leader(question_of(spec), runs, advice_of(view)))
    except (ArithmeticError, ValueError) as error:
        say(f"warning: early stopping cannot be audited: {error}")
        return None


def spec_of(view: SweepView) -> Spec:
    return from_canonical(view["spec"])


def question_of(spec: Spec) -> Question:
    """What the analysis has to know of the spec. Without a metric nothing can be best: goal minimize is a dummy."""
    metric, options = spec.metric, spec.options
    return Question(
        metric=metric.name if metric else "",
        goal=metric.goal if metric else Goal.MINIMIZE,
        at=options.at,
        swept=frozenset(parameter.name for parameter in spec.space.parameters),
        fixed=spec.space.fixed,
        inert={name: found.why for name, found in spec.inert.items()},
        targets=options.targets,
        adapter=options.adapter,
        epochs=spec.epochs_of(spec.space.config({})),
        epochs_parameter=options.epochs if isinstance(options.epochs, str) else None,
        seed=options.seed,
        max_runs=planned_runs(spec),
        baseline=options.baseline is not None,
    )


def _attempt(view: AttemptView, run: RunView) -> Attempt:
    last = run["attempts"][-1]["number"] == view["number"]
    return Attempt(
        number=view["number"],
        agent=view["agent"],
        host=view["host"],
        started=view["started"],
        ended=view["ended"],
        outcome=Outcome(view["outcome"]) if view["outcome"] else None,
        reason=view["reason"],
        exit_code=view["exit_code"],
        signal=view["signal"],
        first_step=view["first_step"],
        effective_config=run["effective_config"] if last else None,
    )


def _checkpoint(view: RunView) -> Checkpoint | None:
    if not view["resumable"]:
        return None
    return Checkpoint(view["id"], len(view["attempts"]), view["steps"], "", "", 0.0)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
