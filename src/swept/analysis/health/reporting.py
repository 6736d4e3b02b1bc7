"""Cards about what runs report, and over how many steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from swept.analysis.estimate import steps_done
from swept.analysis.health.situation import Card, Situation
from swept.analysis.health.words import counted, ids, percent
from swept.model import (
    Run,
    RunState,
)
from swept.space import number
from swept.sweepfile.findings import did_you_mean

SHOWN = 8
"""So many pieces of evidence a card has at most."""
UNEQUAL = 0.9
"""Finished runs of less than this part of the longest one's steps are of another length."""


def objective(now: Situation) -> Iterator[Card]:
    if now.spec.metric is None:
        return
    name = now.spec.metric.name
    silent = [run for run in now.own if run.attempts and not run.curve and _numbers(run)]
    if not silent:
        return
    keys = Counter(key for run in silent for key in _numbers(run))
    named = [key for key, _ in keys.most_common()]
    others = f"They report: {', '.join(f'`{key}`' for key in named[:SHOWN])}"
    others += f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    hint = did_you_mean(name, named, "-")
    near = f" {hint[0].upper()}{hint[1:]}" if hint != "-" else ""
    if not any(run.curve for run in now.own) and not any(run.state.ended for run in silent):
        yield Card(
            "metric",
            "warn",
            f"`{name}` has not been reported yet",
            f"It may come later; the sweep learns nothing before.{near}",
            (others,),
            ids(silent),
        )
        return
    if not any(run.curve for run in now.own):
        yield Card(
            "metric",
            "bad",
            f"No run reports `{name}`",
            f"The sweep searches by a metric that nothing reports, so it learns nothing.{near}",
            (others,),
            ids(silent),
        )
        return
    ended = [run for run in silent if run.state is RunState.FINISHED]
    if ended:
        yield Card(
            "metric",
            "warn",
            f"{counted(ended)} finished without `{name}`",
            f"Other runs report it. For the search these have no value.{near}",
            (others,),
            ids(ended),
        )


def _numbers(run: Run) -> list[str]:
    return [key for key, value in run.summary.items() if number(value) and not key.startswith("_")]


def lengths(now: Situation) -> Iterator[Card]:
    finished = [run for run in now.ranked if run.curve]
    if not finished:
        return
    longest = max(map(steps_done, finished))
    short = [run for run in finished if steps_done(run) < UNEQUAL * longest]
    if not short:
        return
    epochs = now.spec.options.epochs
    swept = isinstance(epochs, str) and now.spec.space.parameter(epochs) is not None
    first = finished[0]
    yield Card(
        "lengths",
        "info" if swept else "warn",
        "Runs of different lengths are compared",
        f"{counted(short)} of {len(finished)} finished after fewer than {percent(UNEQUAL)} of the {longest} steps of the "
        "longest: a longer training is better or worse whatever its configuration.",
        (
            f"the best, run {first.number}, has {steps_done(first)} steps",
            f"from {min(map(steps_done, finished))} to {longest} steps",
        ),
        ids(short),
    )
