"""How cards say things, and the exact chances that they state."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from swept.model import (
    Run,
)

SHOWN = 8
"""So many pieces of evidence a card has at most."""


def reasons(runs: Sequence[Run]) -> tuple[str, ...]:
    """`run 3, 4: out of memory`, most frequent first."""
    by_reason: dict[str, list[int]] = defaultdict(list)
    for run in runs:
        by_reason[run.ended_because or "no reason recorded"].append(run.number)
    ordered = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    return lines(f"run {', '.join(map(str, numbers))}: {reason}" for reason, numbers in ordered)


def lines(evidence: Iterable[str]) -> tuple[str, ...]:
    listed = list(dict.fromkeys(evidence))
    more = len(listed) - SHOWN
    return (*listed[:SHOWN], f"and {more} more") if more > 0 else tuple(listed)


def ids(runs: Sequence[Run]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run.id for run in runs))


def counted(runs: Sequence[Run]) -> str:
    return f"{len(runs)} run{'' if len(runs) == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names[:4]]
    if len(names) > 4:
        return f"{', '.join(quoted)} and {len(names) - 4} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]


def ordinal(place: int) -> str:
    if place % 100 in (11, 12, 13):
        return f"{place}th"
    return f"{place}" + {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")


def percent(share: float) -> str:
    percent = 100.0 * share
    return f"{percent:.0f} %" if percent >= 1.0 or percent == 0.0 else f"{percent:.1g} %"


def fisher(inside: int, size: int, bad: int, n: int) -> float:
    """The one-sided exact chance that at least `inside` of the `bad` ones are among `size` of `n`."""
    return sum(
        math.comb(bad, k) * math.comb(n - bad, size - k) for k in range(inside, min(bad, size) + 1)
    ) / math.comb(n, size)


def binomial(count: int, n: int, chance: float) -> float:
    """That at least `count` of `n` come about."""
    return sum(math.comb(n, k) * chance**k * (1.0 - chance) ** (n - k) for k in range(count, n + 1))
