"""Variations of good runs: where to look when the model of this sweep predicts little.

A variation takes each parameter from one of two good runs, and moves in about two of them: crossover and mutation, as
evolutionary searches do it (R. Storn, K. Price, *Differential evolution*, 1997; N. Awad, N. Mallik, F. Hutter, *DEHB*, 2021). It
needs no more than an order of the runs, which early stopping gives in any case, and other than a random draw it stays
where the space has been good.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.models.features import Features
from swept.search.maximise import move

Array: TypeAlias = NDArray[np.float64]

FEWEST = 4
"""Of fewer runs none is known to be good."""
GOOD = 0.125
"""The share of the runs that may be parents, but at least `FEWEST`."""
OTHER = 0.3
"""The chance that a parameter comes from the second parent."""
SIZES = (0.2, 0.05)
"""How far a variation moves, drawn for each; 1 is a parameter's whole range."""


def variations(features: Features, ranked: Array, rng: np.random.Generator, count: int) -> Array:
    """`count` variations (count, d) of the first of `ranked` (n, d), places of runs from the best to the worst; none at all
    where n < FEWEST."""
    if len(ranked) < FEWEST:
        return np.empty((0, features.dimension))
    good = ranked[: max(FEWEST, int(GOOD * len(ranked)))]
    one, other = np.moveaxis(good[rng.integers(len(good), size=(count, 2))], 1, 0)
    mixed = np.where(rng.random(one.shape) < OTHER, other, one)
    sizes = rng.choice(SIZES, size=(count, 1))
    return move(features, features.obey(features.snap(mixed), rng), sizes, rng)
