"""How far two runs of one and the same configuration differ: the yardstick for every difference.

Without runs of the same configuration there is no yardstick, and the text says so instead of claiming.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from swept.analysis.best import value_of
from swept.model import SWEEP_KINDS, Goal, Run, RunState
from swept.wire import encode


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
    """From finished runs that share their configuration (apart from the keys in `ignore`); None without any."""
    groups: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        value = value_of(run, goal, at)
        if run.kind in SWEEP_KINDS and run.state is RunState.FINISHED and value is not None:
            groups[_identity(run, ignore)].append(value)
    repeated = [values for values in groups.values() if len(values) > 1]
    if not repeated:
        return None
    squares = sum(sum((v - sum(g) / len(g)) ** 2 for v in g) for g in repeated)
    freedom = sum(len(values) - 1 for values in repeated)
    identical = all(len(set(values)) == 1 for values in repeated)
    return Noise(math.sqrt(squares / freedom), sum(map(len, repeated)), identical)


def difference_sentence(difference: float, found: Noise | None) -> str:
    """What a difference between two single runs is worth, in one sentence."""
    size = f"{abs(difference):.4g}"
    if found is None:
        return f"noise unknown: one run each, so a difference of {size} may be luck"
    if found.identical:
        return (
            "noise unknown: repeated runs agree to the bit, so the seed does not reach the program; "
            f"a difference of {size} may be luck"
        )
    spread = found.deviation * math.sqrt(2.0)
    words = "is within" if abs(difference) < 2.0 * spread else "is larger than"
    return (
        f"two runs of one configuration differ by {spread:.3g} (one standard deviation, from {found.runs} "
        f"runs): a difference of {size} {words} what luck gives"
    )


def _identity(run: Run, ignore: Collection[str]) -> str:
    kept = {name: value for name, value in run.config.items() if name not in ignore}
    return json.dumps(encode(kept), sort_keys=True)
