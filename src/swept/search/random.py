"""Random search: each run is a draw from W&B's distributions, a function of (seed, run number)."""

from __future__ import annotations

from swept.model import History, Kind, Start
from swept.search.numbering import next_number
from swept.search.seeds import Stream, generator, run_seed
from swept.spec import Spec


def draw(spec: Spec, number: int, *, seed: int, reason: str, strategy: str) -> Start | None:
    """The draw that belongs to run `number`, with parameters that cannot act at their defaults; None if no feasible
    one was found (`Rules.drawn`)."""
    rng = generator(seed, number, Stream.DRAW)
    config = spec.space.sample(rng)
    for name, inert in spec.inert.items():
        config = spec.space.put(config, name, inert.default)
    drawn = spec.rules.drawn(config, rng)
    if drawn is None:
        return None
    return Start(
        Kind.SEARCH, drawn, run_seed(seed, number), {"reason": reason, "strategy": strategy}
    )


def draws(spec: Spec, first: int, n: int, *, seed: int, reason: str, strategy: str) -> list[Start]:
    """The draws of n runs from number `first` on."""
    found = (
        draw(spec, number, seed=seed, reason=reason, strategy=strategy)
        for number in range(first, first + n)
    )
    return [start for start in found if start is not None]


def propose(spec: Spec, history: History, n: int, *, seed: int) -> list[Start]:
    """n draws. Random search never runs out; a small space repeats itself, as W&B's does."""
    first = next_number(history)
    return draws(spec, first, n, seed=seed, reason="a random draw", strategy="random")
