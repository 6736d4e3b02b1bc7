"""Cards about differences between runs: whether there are any, beyond what luck gives."""

from __future__ import annotations

from collections.abc import Iterator

from swept.analysis.best import baseline, best
from swept.analysis.comparison import compare
from swept.analysis.figures import figure
from swept.analysis.health.situation import Card, Situation
from swept.analysis.health.words import ids, lines, ordinal, percent, reasons
from swept.analysis.noise import difference_sentence, lucky_lead
from swept.analysis.spread import spread
from swept.failures import FAILED
from swept.model import (
    Kind,
    RunState,
)

TOP = 5
STALLED_RUNS, STALLED_SHARE = 10, 0.1
"""Nothing gained for so many runs, and the best among so early a part of all, is worth a word."""
_RANGE_OF_FIVE = 2.326
"""The expected range of five draws of a standard normal distribution."""


def differences(now: Situation) -> Iterator[Card]:
    """All alike, else the best ones too close to call, else a lead over the baseline that may be luck."""
    found = spread(now.ranked, now.goal, now.at, now.luck, now.ours)
    if found is not None and found.alike:
        equal = found.deviation == 0
        yield Card(
            "alike",
            "bad" if equal else "warn",
            "All runs gave the same value" if equal else "All runs perform the same",
            "To the last digit: the parameters do not reach the program."
            if equal
            else f"The {found.runs} finished runs differ by {figure(found.deviation)} (standard deviation), which is no "
            f"more than {found.measured}. The ranges are too narrow, or these parameters matter little here.",
            (f"from {figure(found.worst)} to {figure(found.best)}",),
            ids(now.ranked),
        )
        return
    cards = [*_close(now), *_lead(now)]
    yield from cards


def _close(now: Situation) -> Iterator[Card]:
    deviation, whence = now.residual, "runs scatter about the model by"
    if now.luck is not None:
        deviation, whence = now.luck.deviation, "repeats of one configuration differ by"
    top = now.ranked[:TOP]
    values = [value for run in top if (value := now.value(run)) is not None]
    if deviation is None or len(now.ranked) < 2 * TOP:
        return
    range_of_top = max(values) - min(values)
    if range_of_top <= _RANGE_OF_FIVE * deviation:
        yield Card(
            "close",
            "info",
            "Noise is larger than the differences among the best",
            f"The best {len(top)} runs lie within {figure(range_of_top)}, and {whence} {figure(deviation)} (standard "
            "deviation): which of them is the best nobody knows yet. Repeats of them with other seeds would tell.",
            lines(f"run {run.number}: {figure(now.value(run))}" for run in top),
            ids(top),
        )


def _lead(now: Situation) -> Iterator[Card]:
    reference, first = baseline(now.ours), best(now.ours, now.goal, now.at)
    if reference is None or first is None:
        return
    found = compare(first.run, reference, now.goal, now.spec.space.fixed, now.at)
    if found is None or not found.complete:
        return
    runs = ids([first.run, reference])
    if not found.better:
        yield Card(
            "baseline",
            "warn",
            "No run beats the baseline",
            f"The best, run {first.run.number}, has {figure(found.value)}, the baseline {figure(found.reference_value)}: "
            "as it stands, the baseline is the configuration to keep.",
            runs=runs,
        )
    elif now.luck is not None:
        tried = len(now.ranked)
        if abs(found.difference) <= now.luck.deviation * lucky_lead(tried):
            yield Card(
                "baseline",
                "warn",
                "The lead over the baseline may be luck",
                f"{difference_sentence(found.difference, now.luck, tried).capitalize()}.",
                runs=runs,
            )


def reference(now: Situation) -> Iterator[Card]:
    found = baseline(now.own)
    if found is None and now.spec.options.baseline is None:
        yield Card(
            "no-baseline",
            "info",
            "No baseline",
            "Nothing says how good the configuration is that you would have used otherwise: `swept.baseline` in the "
            "sweep file adds a run of it.",
        )
    elif found is not None and found.state in FAILED:
        yield Card(
            "baseline-failed",
            "warn",
            "The baseline run failed",
            "There is nothing to compare with.",
            reasons([found]),
            ids([found]),
        )


def gaining(now: Situation) -> Iterator[Card]:
    """Where the best came early. In random order it is equally probable at every place. Among the finished: a run that was
    stopped has the value of an earlier step, and was never to gain anything."""
    ended = sorted(
        (
            run
            for run in now.ours
            if run.kind is Kind.SEARCH
            and run.state is RunState.FINISHED
            and now.value(run) is not None
        ),
        key=lambda run: (run.ended or 0.0, run.number),
    )
    if now.state.ended or len(ended) < STALLED_RUNS:
        return
    values = [now.goal.sign * (now.value(run) or 0.0) for run in ended]
    first = values.index(min(values))
    since, n = len(ended) - first - 1, len(ended)
    if since >= STALLED_RUNS and first + 1 <= STALLED_SHARE * n:
        yield Card(
            "stalled",
            "info",
            f"Nothing gained for {since} finished runs",
            f"The best of {n} finished runs was the {ordinal(first + 1)}. Were they in random order, the best would come so early "
            f"in {percent((first + 1) / n)} of sweeps. More runs of the same kind probably bring little.",
            (f"run {ended[first].number}: {figure(now.value(ended[first]))}",),
            ids([ended[first]]),
        )
