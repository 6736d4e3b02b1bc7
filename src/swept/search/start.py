"""The places of the space-filling start: the design, as the belief bends it, on the lattice, with the constraints kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swept.models.features import Features
from swept.search.belief import Belief
from swept.search.design import design
from swept.search.seeds import Stream, generator

Array = NDArray[np.float64]


def start_places(features: Features, belief: Belief, size: int, seed: int, block: int = 0) -> Array:
    """`size` places (size, d). Further blocks are further, independent designs."""
    points = design(size, features.dimension, seed, block)
    places = features.snap(belief.places(points, block * size))
    return features.obey(places, generator(seed, block, Stream.REPAIR))
