"""What the server's models say of a sweep, as text: how much each parameter explains, and what stands out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from swept.cli.output import say
from swept.client import Client
from swept.errors import SweptError
from swept.wire.insights import HealthCard, ImportanceRow, ImportanceView

_DIRECTION = 0.5
"""Weaker signs are no direction."""


@dataclass(frozen=True, slots=True)
class Insights:
    """`importance` is None where the server could not say."""

    importance: ImportanceView | None = None
    health: list[HealthCard] = field(default_factory=list)


def insights_of(client: Client, sweep: str) -> Insights:
    """Nothing where the server fails at it: what was found is shown all the same."""
    try:
        return Insights(client.importance(sweep), client.health(sweep))
    except SweptError as error:
        say(f"warning: importance and health are not known: {error.message}")
        return Insights()


def insight_lines(seen: Insights) -> list[str]:
    """With an empty line before each part."""
    parts = [list(_importance(seen.importance)), list(_health(seen.health))]
    return [line for part in parts if part for line in ("", *part)]


def _importance(found: ImportanceView | None) -> Iterator[str]:
    rows = [row for row in found["rows"] if not row["inert"]] if found else []
    if found is None or not rows:
        return
    yield f"Importance (how much of the metric's variation each parameter explains; {found['runs']} runs)"
    if found["caution"]:
        yield f"  {found['caution']}"
    if not any(row["share"] for row in rows):
        return
    width = max(len(row["parameter"]) for row in rows)
    for row in rows:
        yield f"  {row['parameter']:<{width}}  {_share(row)}"


def _share(row: ImportanceRow) -> str:
    low, share, high = (round(100.0 * row[key]) for key in ("low", "share", "high"))
    words = ""
    if row.get("between"):  # a server of an earlier version does not say it
        words = "  best in between"
    elif abs(row["sign"]) >= _DIRECTION:
        words = "  larger is better" if row["sign"] > 0 else "  larger is worse"
    return f"{share:>3} %  ({low} to {high} %){words}"


def _health(cards: list[HealthCard]) -> Iterator[str]:
    if not cards:
        return
    yield "Health"
    for card in cards:
        yield f"  {card['level']}: {card['title']}"
        yield f"    {card['text']}"
        yield from (f"    - {line}" for line in card["evidence"])
