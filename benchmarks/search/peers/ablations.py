"""swept with one ingredient of its search taken out at a time: what each one pays.

An ingredient is taken out by setting constants of swept's own modules while the simulation is played, so the code that is
measured is the code that is shipped. A patched module's caches would answer for the unpatched one: each variant is played in
a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

_LINEAR: Final = 1e4  # log(r + c) is linear in r where c is large
_TINY: Final = (-14.0, 0.01)

INGREDIENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "the model's proposals (draws and variations instead)": {
        "swept.search.auto:UNMODELLED": (1.0, 1.0)
    },
    "the large space-filling start (4 runs instead)": {"swept.search.auto:STARTS": 4},
    "draws and variations beside the model": {"swept.search.auto:UNMODELLED": (0.0, 0.0)},
    "variations of good runs (random draws alone)": {"swept.search.auto:VARIED": 0.0},
    "the distance between proposals": {"swept.search.auto:RADIUS": 0.0},
    "the margin of an improvement": {"swept.search.auto:MARGIN": 0.0},
    "the refusal of runs without a chance": {"swept.stopping.auto:CHANCE": -1.0},
    "the share before any refusal": {"swept.stopping.auto:FLOOR": 0.0},
    "later first judgements of some runs": {"swept.stopping.ladder:HEDGE": (1.0, 0.0, 0.0)},
    "the logarithm of values": {"swept.stopping.forecast:OFFSET": _LINEAR},
    "the past in a value (the last report alone)": {"swept.stopping.forecast:PAST": 0.0},
    "the present in a value (the best so far alone)": {"swept.stopping.forecast:PAST": 1.0},
    "the luck of a run in the model": {
        "swept.models.curves:_REST.log a3": _TINY,
        "swept.models.curves:_REST.log a4": _TINY,
    },
    "differences that grow along a training": {"swept.models.curves:_REST.b": (0.0, 0.001)},
    "doubt in the recommendation": {"swept.analysis.recommend:DOUBT": 0.0},
    "the strict choice at first": {"swept.stopping.auto:SIFTING": 0.0},
    "those likely to end best, whatever their rank": {"swept.stopping.auto:GOOD_CHANCE": 2.0},
}


def patch(patches: Mapping[str, Any]) -> None:
    """Sets them for the rest of this process. Raises AttributeError or KeyError for what is no longer there."""
    for place, value in patches.items():
        module, _, path = place.partition(":")
        name, _, entry = path.partition(".")
        found = import_module(module)
        if entry:
            getattr(found, name)[entry]
            getattr(found, name)[entry] = value
        else:
            getattr(found, name)
            setattr(found, name, value)
