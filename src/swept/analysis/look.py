"""Importance and the surface that it comes from, in one go: the fit is most of the cost of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from swept.analysis.importance import Importance, of_surface
from swept.analysis.surface import Surface, surface, told
from swept.model import Run
from swept.spec import Spec


@dataclass(frozen=True, slots=True)
class Look:
    """`surface` is None where there is too little to model."""

    importance: Importance
    surface: Surface | None


def look(spec: Spec, runs: Sequence[Run], metric: str = "") -> Look:
    found = told(spec, runs, metric)
    whole = surface(found)
    return Look(of_surface(spec, found, whole), whole)
