"""How far two runs of one and the same configuration differ: the yardstick for every difference.

Without runs of the same configuration there is no yardstick, and the text says so instead of claiming.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import NormalDist

from swept.analysis.best import value_of
from swept.model import SWEEP_KINDS, Goal, Kind, Run, RunState
from swept.wire import encode

ROUGH = 8
"""A standard deviation from fewer runs may be half or twice what it seems."""

_AFTER = frozenset({Kind.FINAL, Kind.COMPARE})
_IDENTICAL = "noise unknown: repeated runs agree to the bit, so the seed does not reach the program"


@dataclass(frozen=True, slots=True)
class Noise:
    """`deviation`: pooled standard deviation of a single run's value, in the metric's units.

    `runs` counts the runs in groups of at least two. `identical`: all repeats agree to the bit, which means that
    the seed does not reach the program; then nothing is known about noise.
    """

    deviation: float
    runs: int
    identical: bool


def noise(
    runs: Iterable[Run], goal: Goal, at: str = "last", ignore: Collection[str] = ()
) -> Noise | None:
    """From finished runs that share their configuration (apart from the keys in `ignore`); None without any. Trainings
    after the search count where they repeat a run of the sweep, at its length."""
    groups: dict[str, list[float]] = defaultdict(list)
    later: list[tuple[str, int, float]] = []
    own: set[tuple[str, int]] = set()
    for run in runs:
        value = value_of(run, goal, at)
        if run.state is not RunState.FINISHED or value is None:
            continue
        if run.kind in SWEEP_KINDS:
            groups[_identity(run, ignore)].append(value)
            own.add((_identity(run, ignore), run.steps))
        elif run.kind in _AFTER:
            later.append((_identity(run, ignore), run.steps, value))
    for identity, steps, value in later:
        if (identity, steps) in own:
            groups[identity].append(value)
    repeated = [values for values in groups.values() if len(values) > 1]
    if not repeated:
        return None
    squares = sum(sum((v - sum(g) / len(g)) ** 2 for v in g) for g in repeated)
    freedom = sum(len(values) - 1 for values in repeated)
    identical = all(len(set(values)) == 1 for values in repeated)
    return Noise(math.sqrt(squares / freedom), sum(map(len, repeated)), identical)


def noise_sentence(found: Noise) -> str:
    """What repeats say where there is no baseline to compare with."""
    if found.identical:
        return _IDENTICAL
    lead = found.deviation * lucky_lead(1)
    return f"{_measured(found)}: luck alone lets one lead another by up to {lead:.3g} in 19 of 20 cases{_rough(found)}"


def difference_sentence(difference: float, found: Noise | None, tried: int = 1) -> str:
    """What a difference between a single run and the best of `tried` is worth, in one sentence."""
    size = f"{abs(difference):.4g}"
    if found is None:
        return f"noise unknown: one run each, so a difference of {size} may be luck"
    if found.identical:
        return f"{_IDENTICAL}; a difference of {size} may be luck"
    lead = found.deviation * lucky_lead(tried)
    words = "is within" if abs(difference) <= lead else "is larger than"
    among = f", to the best of {tried} runs," if tried > 1 else ""
    return (
        f"{_measured(found)}: a difference of {size} {words} what luck alone gives{among} in 19 of 20 cases "
        f"(up to {lead:.3g}){_rough(found)}"
    )


def _measured(found: Noise) -> str:
    return f"runs of one configuration have a standard deviation of {found.deviation:.3g} (from {found.runs} runs)"


def _rough(found: Noise) -> str:
    return "; from so few runs that is a rough figure" if found.runs < ROUGH else ""


def lucky_lead(tried: int) -> float:
    """By how much, in standard deviations, the best of `tried` equal runs leads another one in 19 of 20 cases at most:
    t with ∫ φ(z) Φ(z + t)ⁿ dz = 0.95."""
    normal = NormalDist()
    places = [(i + 0.5) / 400 for i in range(400)]
    others = [normal.inv_cdf(place) for place in places]

    def below(lead: float) -> float:
        return sum(normal.cdf(z + lead) ** max(tried, 1) for z in others) / len(others)

    low, high = 0.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < 0.95 else (low, middle)
    return high


def _identity(run: Run, ignore: Collection[str]) -> str:
    kept = {name: value for name, value in run.config.items() if name not in ignore}
    return json.dumps(encode(kept), sort_keys=True)
