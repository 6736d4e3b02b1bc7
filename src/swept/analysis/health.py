"""What a good colleague would say of a sweep, with the evidence: health cards, worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from swept.model import Agent, Run
from swept.spec import Spec

LEVELS = ("bad", "warn", "info", "good")


@dataclass(frozen=True, slots=True)
class Card:
    """`id` stays the same as long as it speaks of the same thing; `runs` are ids."""

    id: str
    level: str
    title: str
    text: str
    evidence: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    parameter: str | None = None


def health(
    spec: Spec,
    runs: Sequence[Run],
    agents: Sequence[Agent] = (),
) -> tuple[Card, ...]:
    """Worst first; one good card where there is nothing to say."""
    found = sorted(_cards(spec, runs, agents), key=lambda card: LEVELS.index(card.level))
    return tuple(found) or (Card("well", "good", "Nothing stands out", "checked"),)


def _cards(spec: Spec, runs: Sequence[Run], agents: Sequence[Agent]) -> Iterator[Card]:
    yield from ()
