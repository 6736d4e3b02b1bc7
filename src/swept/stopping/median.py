"""The median rule: a run stops where its best value so far is worse than half of the others were on average.

The others are the finished runs; each counts by the mean of all that it had reported up to that step. Nobody is
judged before `min_epochs` steps, nor before `min_runs` runs have finished.

Source: D. Golovin, B. Solnik, S. Moitra, G. Kochanski, J. Karro, D. Sculley, *Google Vizier: a service for black-box
optimization*, 2017, section 3.2.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from swept.model import Decision, Desired, History, RunState
from swept.spec import Spec
from swept.stopping.standings import counted, is_open
from swept.stopping.track import LEAST_REPORTS, Track, diverged, longest, tracks

MIN_RUNS = 5
WARM_UP = 10
"""Without `min_epochs` the first 1/WARM_UP of a full run is not judged."""
UNKNOWN = 5
"""`min_epochs` where the file does not say how long a run is."""


def decide(spec: Spec, history: History) -> list[Decision]:
    """A stop for each running run that is worse than the median, in order of number."""
    metric = spec.metric
    if metric is None:
        return []
    there = counted(tracks(spec, history))
    finished = [track for track in there if track.run.state is RunState.FINISHED]
    first, enough = thresholds(spec)
    if len(finished) < enough:
        finished = []
    decisions = []
    for track in there:
        if is_open(track.run) and not (track.complete or track.silent):
            worse = _worse(track, finished, metric.name) if _judged(track, first) else ""
            if reason := diverged(track, there) or worse:
                decisions.append(Decision(track.run.id, Desired.STOP, reason, track.run.steps))
    return decisions


def thresholds(spec: Spec) -> tuple[int, int]:
    """From which step on runs are judged, and once how many have finished."""
    options = spec.options
    return options.stopping_min_epochs or _warm_up(spec), options.stopping_min_runs or MIN_RUNS


def _warm_up(spec: Spec) -> int:
    full = longest(spec)
    return UNKNOWN if full is None else max(1, math.ceil(full / WARM_UP))


def _judged(track: Track, first: int) -> bool:
    """After the warm-up; and a metric may be NaN at its first reports."""
    enough = len(track.run.curve) >= LEAST_REPORTS or math.isfinite(track.best())
    return track.reached >= first and enough


def _worse(track: Track, finished: Sequence[Track], name: str) -> str:
    """Why the run stops, or ""."""
    means = [mean for other in finished if (mean := other.mean(track.reached)) is not None]
    if not means:
        return ""
    middle, best = median(means), track.best()
    if best <= middle:
        return ""
    shown = (
        f"the best {name} so far, {track.sign * best:.4g},"
        if math.isfinite(best)
        else f"{name} is no number; it"
    )
    return (
        f"step {track.reached}: {shown} is worse than {track.sign * middle:.4g}, the median of the averages of "
        f"{len(means)} finished runs up to there"
    )
