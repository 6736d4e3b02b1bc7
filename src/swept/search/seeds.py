"""Randomness as a function of (sweep seed, run number): no state, nothing to restore."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

_WORD = 2**32


class Stream(IntEnum):
    """Independent uses of the same (seed, number)."""

    RUN = 0  # the seed that the program gets
    DRAW = 1  # a random configuration
    DESIGN = 2  # the space-filling design
    CANDIDATES = 3  # where the acquisition is looked at
    REPAIR = 4  # feasible values for the design's places


def generator(seed: int, number: int, stream: Stream) -> np.random.Generator:
    """A fresh generator for one use in one run."""
    return np.random.default_rng([seed % _WORD, number % _WORD, int(stream)])


def run_seed(seed: int, number: int) -> int:
    """The seed that run `number` of the sweep starts with: below 2³¹, as every framework takes it."""
    return int(generator(seed, number, Stream.RUN).integers(2**31))
