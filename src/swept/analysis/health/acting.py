"""Cards about parameters: those that cannot act, or make no difference, and those whose range may be too narrow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from swept.analysis.figures import figure
from swept.analysis.health.situation import Card, Situation
from swept.analysis.health.words import binomial, ids, lines, listed, percent

if TYPE_CHECKING:  # numpy and scipy: only where a model was asked for
    from swept.analysis.importance import Importance, Share

TOP = 5
EDGE = 0.05
"""The outer part of a range that counts as its edge."""
EDGE_RUNS = 10
"""With fewer finished runs the best ones' places say nothing."""
EDGE_CHANCE = 0.05
NO_EFFECT, NO_EFFECT_RUNS, NO_EFFECT_EXPLAINED = 0.02, 5, 0.3
"""A parameter whose whiskers end below this share, seen in so many runs a parameter by a model that explains so much."""
NO_EFFECT_NEAR = 0.1
"""What moves the metric by less than this part of the difference between the best and the median of the better half."""


def inert(now: Situation) -> Iterator[Card]:
    found = now.spec.inert
    if found:
        names = list(found)
        one = names[0] if len(names) == 1 else None
        yield Card(
            "inert",
            "info",
            f"{listed(names)} cannot act here",
            "Held at the default, and left out of the search.",
            tuple(f"{name}: {why.why}" for name, why in found.items()),
            parameter=one,
        )


def without_effect(now: Situation) -> Iterator[Card]:
    """What explains next to nothing of the whole range: without effect only if it moves nothing near the best either."""
    found = now.importance
    if found is None or not found.ranks:
        return
    acting = [row for row in found.rows if not row.inert]
    enough = found.runs >= NO_EFFECT_RUNS * len(acting) and found.explained >= NO_EFFECT_EXPLAINED
    if not enough:
        return
    slight = [row for row in acting if row.high < NO_EFFECT]
    unseen = _unseen(now, found)
    idle = [row for row in slight if row.near <= unseen]
    rest = [row for row in slight if row not in idle]
    by = (
        f"By a model of the {found.runs} runs that gave a value, which explains {percent(found.explained)} of the "
        "variation between runs it has not seen."
    )
    if idle:
        yield Card(
            "no-effect",
            "info",
            f"{_named(idle)} {_verb('make', idle)} no difference in these ranges",
            f"Neither over the whole range nor near the best runs. {by} Fixing what does not matter leaves a smaller space.",
            tuple(
                f"{_explains(row)}, and moves the metric by {figure(row.near)} at most near the best"
                for row in idle
            ),
            parameter=_one(idle),
        )
    if rest:
        yield Card(
            "little-effect",
            "info",
            f"{_named(rest)} {_verb('explain', rest)} little of the whole range",
            f"{by} Near the best {'they' if len(rest) > 1 else 'it'} may still matter: there the differences are small.",
            tuple(_explains(row) for row in rest),
            parameter=_one(rest),
        )


def _unseen(now: Situation, found: Importance) -> float:
    """What luck hides: by repeats, else the model's residual, which holds what the model misses too. So it counts no
    more than what the better runs differ by; and a small part of that is no difference however small luck is."""
    luck = now.luck.deviation if now.luck is not None else now.residual
    if luck is None:
        return -math.inf
    return min(max(luck, NO_EFFECT_NEAR * found.apart), found.apart)


def _explains(row: Share) -> str:
    return f"{row.parameter}: explains {percent(row.share)}, at most {percent(row.high)}"


def _named(rows: Sequence[Share]) -> str:
    return listed([row.parameter for row in rows])


def _verb(verb: str, rows: Sequence[Share]) -> str:
    return verb if len(rows) > 1 else f"{verb}s"


def _one(rows: Sequence[Share]) -> str | None:
    return rows[0].parameter if len(rows) == 1 else None


def edges(now: Situation) -> Iterator[Card]:
    """Many of the best at one end of a range: by the binomial chance that they were there at random, corrected for all
    ends looked at."""
    top = now.ranked[:TOP]
    if len(now.ranked) < EDGE_RUNS:
        return
    weak = _weak(now)
    numeric = [p for p in now.spec.active if p.kind != "categorical" and p.name not in weak]
    for parameter in numeric:
        units = [
            parameter.to_unit(now.spec.space.get(run.config, parameter.name, math.nan))
            for run in top
        ]
        width = max(EDGE, 1.0 / parameter.levels if parameter.levels else 0.0)
        for bound, there in (
            ("low", [unit <= width for unit in units]),
            ("high", [unit >= 1.0 - width for unit in units]),
        ):
            count = sum(there)
            chance = binomial(count, len(top), width) * 2 * len(numeric)
            if there[0] and chance <= EDGE_CHANCE:
                low, high = parameter.range
                limit = figure(low if bound == "low" else high)
                yield Card(
                    f"edge-{parameter.name}-{bound}",
                    "warn",
                    f"The best runs lie at the {'lower' if bound == 'low' else 'upper'} end of `{parameter.name}`",
                    f"{count} of the best {len(top)} runs, the best one among them, are within {percent(width)} of its "
                    f"range from {limit}. If values beyond make sense, widen the range: the optimum may lie there.",
                    lines(
                        f"run {run.number}: {parameter.name} = "
                        f"{figure(now.spec.space.get(run.config, parameter.name))}, {figure(now.value(run))}"
                        for run in top
                    ),
                    ids([run for run, here in zip(top, there, strict=True) if here]),
                    parameter.name,
                )


def _weak(now: Situation) -> frozenset[str]:
    """What explains next to nothing: where the best lie in it says little."""
    if now.importance is None or not now.importance.ranks:
        return frozenset()
    return frozenset(row.parameter for row in now.importance.rows if row.high < NO_EFFECT)
