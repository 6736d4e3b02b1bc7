"""Cards about runs that failed or diverged: a row of them, an agent, a range of a parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from swept.analysis.health.situation import Card, Situation
from swept.analysis.health.words import counted, fisher, ids, lines, percent, reasons
from swept.analysis.outcomes import outcomes
from swept.failures import FAILED, HELD_AFTER, failed_in_a_row
from swept.model import (
    Attempt,
    Outcome,
    Run,
)

if TYPE_CHECKING:  # numpy and scipy: only where a model was asked for
    from swept.analysis.splits import Split

SURE = 0.01
"""What would be chance in no more than so many cases is said of an agent or a range."""
_DAMAGE = frozenset({Outcome.FAILED, Outcome.OOM, Outcome.LOST})
_ENDED_ITSELF = _DAMAGE | {Outcome.FINISHED, Outcome.STOPPED}


def failed_runs(now: Situation) -> Iterator[Card]:
    """A row of failures, an agent, a region of the space; the plain count where none of them explains it."""
    failed = [run for run in now.own if run.state in FAILED]
    cards = [*_row(now), *_agents(now), *_region(now, failed, "failed")]
    yield from cards
    if failed and not cards:
        found = outcomes(now.own)
        yield Card(
            "failures",
            "warn",
            f"{counted(failed)} failed",
            found.in_common or "No agent and no parameter value explains it.",
            reasons(failed),
            ids(failed),
        )


def _row(now: Situation) -> Iterator[Card]:
    row = failed_in_a_row(now.own)
    if len(row) >= HELD_AFTER:
        yield Card(
            "failing",
            "bad",
            f"The last {len(row)} runs all failed",
            "Nothing has ended well since. Look at the console of one of them before more are started.",
            reasons(row),
            ids(row),
        )


def _agents(now: Situation) -> Iterator[Card]:
    """By Fisher's exact test against all other agents, corrected for how many there are."""
    by_agent: dict[str, list[tuple[Run, Attempt]]] = defaultdict(list)
    for run in now.own:
        for attempt in run.attempts:
            if attempt.outcome in _ENDED_ITSELF:
                by_agent[attempt.agent].append((run, attempt))
    n = sum(map(len, by_agent.values()))
    damaged = {
        agent: [each for each in tried if _bad(each[1])] for agent, tried in by_agent.items()
    }
    bad = sum(map(len, damaged.values()))
    for agent, tried in by_agent.items():
        hit = damaged[agent]
        if len(by_agent) < 2 or len(hit) < HELD_AFTER:
            continue
        chance = fisher(len(hit), len(tried), bad, n) * len(by_agent)
        if chance <= SURE:
            yield Card(
                f"agent-{agent}",
                "bad",
                f"Runs keep failing on {hit[-1][1].host}",
                f"{len(hit)} of {len(tried)} attempts of agent {agent} failed, {bad - len(hit)} of {n - len(tried)} of the "
                f"others: by chance that would happen in at most {percent(chance)} of sweeps.",
                lines(attempt.reason or str(attempt.outcome) for _, attempt in hit),
                ids([run for run, _ in hit]),
            )


def _bad(attempt: Attempt) -> bool:
    return attempt.outcome in _DAMAGE


def _region(now: Situation, bad: Sequence[Run], word: str) -> Iterator[Card]:
    from swept.analysis import splits  # numpy and scipy: only where there is something to explain

    good = [run for run in now.own if run.value is not None and run.state not in FAILED]
    if len(bad) < splits.FEWEST or len(good) < splits.FEWEST:
        return
    found = splits.clearest(now.spec, bad, good)
    if found is not None:
        most = found.inside > 0.5 * found.size
        yield Card(
            f"{word}-{found.parameter}",
            "bad" if most else "warn",
            f"Runs {'fail' if word == 'failed' else 'diverge'} where {found.region}",
            f"{_share(found)} {word}. {_shuffles(found)}",
            reasons(found.runs) if word == "failed" else (),
            ids(found.runs),
            found.parameter,
        )


def _share(found: Split) -> str:
    return f"{found.inside} of the {found.size} runs there, and {found.outside} of the {found.rest} others,"


def _shuffles(found: Split) -> str:
    return (
        f"If chance decided which runs do, a range or value of some parameter would tell them apart so clearly in about "
        f"{percent(found.chance)} of cases."
    )


def diverged_runs(now: Situation) -> Iterator[Card]:
    """Runs whose last values are no numbers."""
    gone = [run for run in now.own if run.state.ended and run.curve and run.value is None]
    gone = [run for run in gone if run.state not in FAILED]
    cards = list(_region(now, gone, "diverged"))
    yield from cards
    if gone and not cards:
        yield Card(
            "diverged",
            "warn",
            f"{counted(gone)} diverged",
            "The last value of the metric was no finite number. No single parameter explains it.",
            lines(f"run {run.number}: no number at step {run.steps}" for run in gone),
            ids(gone),
        )
