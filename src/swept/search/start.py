"""The places of the space-filling start: the design, as the belief bends it, on the lattice, with the constraints kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swept.models.features import Features
from swept.search.belief import Belief
from swept.search.design import centred, design
from swept.search.seeds import Stream, generator

Array = NDArray[np.float64]


def start_places(
    features: Features,
    belief: Belief,
    size: int,
    seed: int,
    block: int = 0,
    *,
    centre: bool = False,
) -> Array:
    """`size` places (size, d), with `centre` the middle of all ranges first. Further blocks are further designs."""
    points = (centred if centre else design)(size, features.dimension, seed, block)
    places = features.snap(belief.places(points, block * size))
    return features.obey(places, generator(seed, block, Stream.REPAIR))
