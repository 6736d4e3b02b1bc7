"""The part of the store's contract that a page needs to draw many runs at once; see `base`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.model import Point, Run

Floats: TypeAlias = NDArray[np.float64]
Wholes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scope:
    """The runs that are looked at together: a sweep's, or those of a project that belong to no sweep."""

    sweep: str | None = None
    project: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """The runs that may be other than they were, or gone; `all_again`: nothing known holds any more."""

    runs: frozenset[str]
    all_again: bool


@dataclass(frozen=True, slots=True)
class Series:
    """A visible curve. `times` are seconds since 1970, NaN where not known; None where they were not asked for."""

    steps: Wholes  # may be shared with other curves: not to be written to
    values: Floats  # nor these
    times: Floats | None = None


NOTHING = Series(np.empty(0, dtype=np.int64), np.empty(0))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Runs as `board_runs` gives them, with so much of their curves as is said of a run as a whole (`abridged`), and the
    whole visible curves of those that have one; all of one moment."""

    runs: Sequence[Run]
    series: Mapping[str, Series]


class BoardVerbs(Protocol):
    """Verbs that read many runs."""

    def board_runs(self, scope: Scope, ids: Sequence[str] | None = None) -> list[Run]:
        """The runs of `scope` (of `ids` those that are in it) in order of creation, without priors: bare of curves,
        checkpoints, details, and of all that stands in `why` beside the reason."""
        ...

    def board_drawn(
        self, scope: Scope, ids: Sequence[str] | None = None, *, times: bool = False
    ) -> Drawn:
        """The runs that `board_runs` gives, and their curves of the objective."""
        ...

    def board_changes(self, scope: Scope, event: int, point: int) -> Changes:
        """What has changed since that position, except for what running runs say beside their objective: they write no
        event of it, so a reader looks at running runs each time."""
        ...

    def moved_sweeps(self, event: int, point: int) -> frozenset[str]:
        """The sweeps in which anything has changed since that position."""
        ...

    def moved_runs(self, since: tuple[int, int] | None) -> list[str]:
        """The runs in which anything has changed since that position, in order of creation; None: all."""
        ...

    def pack_curves(self, runs: Sequence[str], *, points: int) -> list[str]:
        """Write the curves of the objective down once more, so that many are read at once faster: of those of `runs` that
        are not running, where that has not been done since the curve changed. Ends before a run with which it would be more
        than so many `points`, though not before the first; those of `runs` that are left. Changes nothing that any other verb says."""
        ...

    def objective_series(self, runs: Sequence[str], *, times: bool = False) -> Mapping[str, Series]:
        """Run → its visible curve of the objective; runs without one are left out."""
        ...

    def metric_series(self, runs: Sequence[str], name: str) -> Mapping[str, Series]:
        """Run → its visible curve of any metric, with times, from the rows of its history."""
        ...

    def curve_ends(
        self, scope: Scope, ids: Sequence[str] | None = None
    ) -> Mapping[str, Sequence[Point]]:
        """Run (of `ids` those that are in `scope`) → first and last point of its visible curve (one where they are the same), and perhaps some between."""
        ...

    def last_steps(self, scope: Scope) -> Mapping[str, int]:
        """Run → the last step of its visible history; runs without one are left out."""
        ...

    def metric_names(self, scope: Scope) -> Mapping[str, int]:
        """What the histories in `scope` have values of, and how many runs have each."""
        ...

    def has_project(self, project: str) -> bool:
        """Whether it has a run or a sweep."""
        ...
