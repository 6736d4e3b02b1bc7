"""All cards of a sweep, worst first."""

from __future__ import annotations

from swept.analysis.health import acting, differing, failing, reporting, surroundings
from swept.analysis.health.situation import LEVELS, Card, Situation

_CHECKS = (
    failing.failed_runs,
    failing.diverged_runs,
    reporting.objective,
    surroundings.agents,
    surroundings.disk,
    differing.differences,
    reporting.lengths,
    acting.edges,
    differing.gaining,
    acting.without_effect,
    acting.inert,
    differing.reference,
)


def health(now: Situation) -> tuple[Card, ...]:
    """Worst first; one good card, with what was looked at, where there is nothing to say."""
    found = [card for check in _CHECKS for card in check(now)]
    if not found:
        return (_well(now),)
    return tuple(sorted(found, key=lambda card: LEVELS.index(card.level)))


def _well(now: Situation) -> Card:
    if not any(run.attempts for run in now.own):
        return Card("well", "good", "Nothing has run yet", "There is nothing to look at so far.")
    count = len(now.own)
    return Card(
        "well",
        "good",
        "Nothing stands out",
        f"Looked at {count} run{'' if count == 1 else 's'}: failures, agents, what is reported, lengths, noise, edges of "
        "the ranges, and progress.",
    )
