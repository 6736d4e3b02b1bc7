"""Random search: each run is a draw from W&B's distributions, a function of (seed, run number)."""

from __future__ import annotations

from swept.model import History, Kind, Start
from swept.search.numbering import next_number
from swept.search.seeds import Stream, generator, run_seed
from swept.spec import Spec


def draw(spec: Spec, number: int, *, seed: int, reason: str, strategy: str) -> Start:
    """The draw that belongs to run `number`, with parameters that cannot act at their defaults."""
    config = spec.space.sample(generator(seed, number, Stream.DRAW))
    for name, inert in spec.inert.items():
        config = spec.space.put(config, name, inert.default)
    why = {"reason": reason, "strategy": strategy}
    return Start(Kind.SEARCH, config, run_seed(seed, number), why)


def propose(spec: Spec, history: History, n: int, *, seed: int) -> list[Start]:
    """n draws. Random search never runs out; a small space repeats itself, as W&B's does."""
    first = next_number(history)
    return [
        draw(spec, number, seed=seed, reason="a random draw", strategy="random")
        for number in range(first, first + n)
    ]
