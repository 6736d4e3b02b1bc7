"""What happened between two looks at a sweep, as one line an event. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from swept.analysis.best import Advice
from swept.analysis.configuration import flat
from swept.analysis.figures import figure
from swept.analysis.results import Question, leader, reference_for
from swept.cli.render import clip, duration, pairs
from swept.model import Attempt, Kind, Run, RunState

_BAD = (RunState.FAILED, RunState.CRASHED)
_CONFIG_WIDTH = 90


def changes(
    question: Question,
    before: Sequence[Run],
    after: Sequence[Run],
    advice: tuple[Advice | None, Advice | None] = (None, None),
) -> list[str]:
    """One line for each run that started, ended, was paused or went back to waiting since `before`; `advice`: what the
    model of learning curves said then and says now."""
    known = {run.id: run for run in before}
    found = [line for run in after for line in _changes(question, known.get(run.id), run)]
    old, new = leader(question, before, advice[0]), leader(question, after, advice[1])
    if new and new.finished and (old is None or not old.finished or old.run.id != new.run.id):
        reference = reference_for(question, after, new.run)
        beside = ""
        if reference and reference.value is not None:
            behind = question.goal.better(reference.value, new.value)
            says = "not yet the baseline's" if behind else "baseline"
            beside = f" ({says} {figure(reference.value)})"
        found.append(f"best so far: run {new.run.number} with {figure(new.value)}{beside}")
    return found


def called(run: Run) -> str:
    """`run 3`, with its kind where it is not an ordinary one."""
    return f"run {run.number}" + ("" if run.kind is Kind.SEARCH else f" ({run.kind})")


def tally(runs: Iterable[Run]) -> str:
    """`4 finished, 2 stopped, 1 running`, in the order of a run's life; "" without runs."""
    listed = list(runs)
    counts = [(state, sum(run.state is state for run in listed)) for state in RunState]
    return ", ".join(f"{count} {state}" for state, count in counts if count)


def _changes(question: Question, before: Run | None, run: Run) -> Iterator[str]:
    tried = len(before.attempts) if before else 0
    if len(run.attempts) > tried:
        if before is not None and before.state is RunState.RUNNING and before.attempts:
            yield f"{called(run)} was let go: {_let_go(run.attempts[tried - 1])}"
        yield _started(question, run)
    if before is not None and before.state is run.state:
        return
    if run.state.ended and (before is None or not before.state.ended):
        yield _ended(run)
    elif run.state is RunState.PAUSED:
        yield f"{called(run)} paused at step {run.steps}"
    elif run.state is RunState.PENDING and run.attempts:
        yield f"{called(run)} waits again: {_let_go(run.attempts[-1])}"


def _let_go(attempt: Attempt) -> str:
    return attempt.reason or attempt.outcome or "its agent let it go"


def _started(question: Question, run: Run) -> str:
    if len(run.attempts) > 1:
        return f"{called(run)} " + (
            "goes on from its checkpoint" if run.resumable else "begins again"
        )
    config = flat(run.config)
    chosen = [name for name in config if name in question.swept]
    reason = str(run.why.get("reason", ""))
    shown = clip(pairs(config, chosen), _CONFIG_WIDTH)
    return (
        f"{called(run)} started"
        + (f": {shown}" if shown else "")
        + (f" ({reason})" if reason else "")
    )


def _ended(run: Run) -> str:
    value = f"{figure(run.value)} at step {run.steps}" if run.curve else "nothing reported"
    if run.state in _BAD:
        return f"{called(run)} {run.state}: {run.ended_because or 'no reason recorded'} ({value})"
    because = (
        f": {run.ended_because}" if run.ended_because and run.state is not RunState.FINISHED else ""
    )
    return f"{called(run)} {run.state}, {value}, {duration(_spent(run))}{because}"


def _spent(run: Run) -> float | None:
    """By all attempts together: a run may have waited at a rung through a night."""
    times = [one.ended - one.started for one in run.attempts if one.ended is not None]
    return sum(times) if times else None
