"""Cards about parameters: those that cannot act, or make no difference, and those whose range may be too narrow."""

from __future__ import annotations

import math
from collections.abc import Iterator

from swept.analysis.figures import figure
from swept.analysis.health.situation import Card, Situation
from swept.analysis.health.words import binomial, ids, lines, listed, percent

TOP = 5
EDGE = 0.05
"""The outer part of a range that counts as its edge."""
EDGE_RUNS = 10
"""With fewer finished runs the best ones' places say nothing."""
EDGE_CHANCE = 0.05
NO_EFFECT, NO_EFFECT_RUNS, NO_EFFECT_EXPLAINED = 0.02, 5, 0.3
"""A parameter whose whiskers end below this share, seen in so many runs a parameter by a model that explains so much."""


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
    found = now.importance
    if found is None or not found.ranks:
        return
    acting = [row for row in found.rows if not row.inert]
    enough = found.runs >= NO_EFFECT_RUNS * len(acting) and found.explained >= NO_EFFECT_EXPLAINED
    idle = [row for row in acting if row.high < NO_EFFECT]
    if enough and idle:
        names = [row.parameter for row in idle]
        yield Card(
            "no-effect",
            "info",
            f"{listed(names)} {'makes' if len(names) == 1 else 'make'} no difference in these ranges",
            f"To the metric, by a model of the {found.runs} runs that gave a value, which explains "
            f"{percent(found.explained)} of the variation between runs it has not seen. "
            "Fixing what does not matter leaves a smaller space.",
            tuple(
                f"{row.parameter}: explains {percent(row.share)}, at most {percent(row.high)}"
                for row in idle
            ),
            parameter=names[0] if len(names) == 1 else None,
        )


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
    """What makes no difference: where the best lie in it says nothing."""
    if now.importance is None or not now.importance.ranks:
        return frozenset()
    return frozenset(row.parameter for row in now.importance.rows if row.high < NO_EFFECT)
