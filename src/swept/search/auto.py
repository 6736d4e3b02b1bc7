"""Bayesian search with learning curves: new configurations by what the model expects of them at the end.

The companion of `swept.stopping.auto`, which pauses and continues. First comes a space-filling design, larger than
without curves, since its runs are short; then the model of all curves proposes, at a distance from what was tried.
The less it predicts on this very sweep, the more often variations of good runs and random draws take its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.model import History, Kind, Run, RunState, Start
from swept.models.curves import CurveModel
from swept.models.features import rounded
from swept.search.acquisition import log_expected_improvement
from swept.search.belief import Belief
from swept.search.feasibility import DOUBT, Feasibility
from swept.search.maximise import MOST_POINTS, Score, maximise, nearest_allowed
from swept.search.numbering import next_number, suggested
from swept.search.observations import MOST_BARREN, fruitless, suggested_places
from swept.search.ranks import rank_correlation
from swept.search.seeds import Stream, generator, run_seed
from swept.search.sources import TESTS, Sources
from swept.search.spacing import gap, radius
from swept.search.start import start_places
from swept.search.variation import variations
from swept.spec import Spec
from swept.stopping.forecast import Forecast

Array: TypeAlias = NDArray[np.float64]

STARTS = 24
ANCHORS = 6
MARGIN = 0.1
"""By how much (of w) a proposal has to improve to count."""
WARM = 10
"""So many of the first runs start where earlier sweeps were good."""
SOURCES = 2.0
"""What a deviation of a source's own model is worth to the first proposals, in log expected improvement."""
RADIUS = 0.1
"""How far proposals keep from all that was tried, in units of √r, where there is room; r: parameters of more than a few levels."""
SHARES = (1.0, 0.5, 0.25, 0.125, 0.0625)
"""Shares of that distance, tried in turn until a place is free."""
DRAWS = 32
UNMODELLED = (0.05, 0.9)
"""The least and the largest share of proposals that are not the model's."""
VARIED = 0.5
"""The share of those that are variations of good runs; the others are random draws."""
VARIED_NEAR = 0.25
"""The share of the distance that a variation keeps."""
FEWEST = 4
"""So many runs at least have a rank correlation worth a thought."""


def starts(dimension: int, max_runs: int | None = None) -> int:
    """How many runs are spread out before the model proposes; at most half of those that may be started."""
    size = min(STARTS, 3 * dimension + 3)
    return size if max_runs is None else min(size, max(3, max_runs // 2))


def propose(spec: Spec, history: History, n: int, *, seed: int) -> list[Start]:
    """The next n runs; fewer where a finite space has nothing left."""
    forecast = Forecast.of(spec, history)
    assert forecast is not None
    first = next_number(history)
    proposals = _Proposals(forecast, history, seed)
    found = []
    for number in range(first, first + n):
        pick = proposals.next(number)
        if pick is None:
            break
        u, why = pick
        config = forecast.features.config(u)
        found.append(Start(Kind.SEARCH, config, run_seed(seed, number), why))
    return found


class _Proposals:
    """One batch. `tried` (k, d): where runs lie, by what they really ran with, and where they were suggested; grows with
    each pick, as `near` (·, p) does: the same, each once, in the model's columns."""

    def __init__(self, forecast: Forecast, history: History, seed: int) -> None:
        self.forecast, self.seed = forecast, seed
        self.features = forecast.features
        places, values = _worth(forecast)
        trainings = sum(each.reached for each in forecast.runs) / forecast.most
        self.belief = Belief.of(forecast.spec, self.features, places, values, trainings)
        finite = np.isfinite(values)
        self.sources = Sources.of(
            forecast.spec, history, self.features, places[finite], values[finite]
        )
        self.fading = 1.0 / max(trainings, 1.0)
        inside = np.isfinite(forecast.places).all(axis=1)
        waiting = [not each.reached and each.going for each in forecast.runs]
        self.waiting = forecast.places[inside & np.array(waiting, dtype=np.bool_)]
        runs = list(suggested(forecast.spec, history))
        known = _suggested_places(forecast, runs)
        asked = [place for run in runs if (place := known[run.number]) is not None]
        self.tried = np.vstack([forecast.places[inside], *asked])
        self.near = self.features.columns(np.unique(self.tried, axis=0))
        self.started = sum(
            run.kind is Kind.SEARCH and known[run.number] is not None for run in runs
        )
        self.feasible = _feasible(forecast)

    def next(self, number: int) -> tuple[Array, dict[str, Any]] | None:
        """None where every configuration of a finite space was tried."""
        left = self._left()
        if left is not None and not len(left):
            return None
        rng = generator(self.seed, number, Stream.CANDIDATES)
        u, why = self._pick(rng)
        if left is not None and not _member(u, left):
            u = left[int(rng.integers(len(left)))]
        self.tried = np.vstack([self.tried, u])
        self.near = np.vstack([self.near, self.features.columns(u[None])])
        self.waiting = np.vstack([self.waiting, u])
        self.started += 1
        return u, why

    def _left(self) -> Array | None:
        """What was not tried yet of a finite space of moderate size; None for a larger one."""
        most = self.features.combinations
        if most is None or most > MOST_POINTS:
            return None
        points = self.features.all_points()
        tried = {row.tobytes() for row in rounded(self.tried)}
        new = [row.tobytes() not in tried for row in rounded(points)]
        return points[np.array(new, dtype=np.bool_)]

    def _pick(self, rng: np.random.Generator) -> tuple[Array, dict[str, Any]]:
        size = starts(self.features.dimension, self.forecast.spec.max_runs)
        if self.sources.runs and self.started < min(size, WARM) and self.started not in TESTS:
            return self._warm(rng)
        model = self.forecast.model
        if self.started < size or model is None:
            return self._spread_out(size, rng)
        if rng.random() < self._unmodelled_share():
            return self._unmodelled(model, rng)
        return self._modelled(model, rng)

    def _spread_out(self, size: int, rng: np.random.Generator) -> tuple[Array, dict[str, Any]]:
        block, row = divmod(self.started, size)
        u = start_places(self.features, self.belief, size, self.seed, block)[row]
        if not math.isfinite(self._allow(u[None])[0]):
            u = self._farthest(rng)
        return u, self._spread(size)

    def _farthest(self, rng: np.random.Generator) -> Array:
        """The place farthest from all that was tried, among those where a run may well give a value."""

        def score(U: Array) -> Array:
            return np.minimum(self._gap(U), 1e3) * np.exp(self.feasible.log_chance(U))

        u, _ = maximise(score, self.features, np.empty((0, self.features.dimension)), rng)
        return u

    def _warm(self, rng: np.random.Generator) -> tuple[Array, dict[str, Any]]:
        """Where the sources expect most, at a distance from what was tried."""
        located = self.sources.located
        anchors = located[np.argsort(self.sources.guess(located), kind="stable")[:ANCHORS]]

        def score(U: Array) -> Array:
            return self.feasible.log_chance(U) - self.sources.guess(U)

        u = self._best_free(score, anchors, rng)
        if u is None:
            return self._draw(rng), self._drawn("no place of promise was free")
        reason = (
            f"good by what {self.sources.runs} earlier runs say (with {self.sources.runs} prior)"
        )
        return u, {"reason": reason, "strategy": "warm start"}

    def _draw(self, rng: np.random.Generator) -> Array:
        """The first of a few draws that is free, else the one farthest from what was tried."""
        places = self.features.snap(rng.random((DRAWS, self.features.dimension)))
        places = self.features.obey(places, rng)
        free = np.flatnonzero(np.isfinite(self._allow(places)))
        drawn: Array = places[free[0] if len(free) else np.argmax(self._gap(places))]
        return drawn

    def _unmodelled_share(self) -> float:
        """Squared, since a model that ranks runs about right, ρ = 0.7, also says well where to look."""
        least, most = UNMODELLED
        return max(least, most * (1.0 - max(0.0, skill(self.forecast))) ** 2)

    def _unmodelled(
        self, model: CurveModel, rng: np.random.Generator
    ) -> tuple[Array, dict[str, Any]]:
        u = self._variation(model, rng) if rng.random() < VARIED else None
        if u is None:
            return self._draw(rng), self._drawn("to keep the model honest")
        return u, {"reason": "a variation of good runs", "strategy": "variation"}

    def _variation(self, model: CurveModel, rng: np.random.Generator) -> Array | None:
        """Of a few that are free the one that most likely gives a value; None where none is free."""
        places = variations(self.features, self._ranked(model), rng, DRAWS)
        places = places[np.isfinite(self._allow(places, VARIED_NEAR))]
        return places[np.argmax(self.feasible.log_chance(places))] if len(places) else None

    def _ranked(self, model: CurveModel) -> Array:
        """The places (n, d) of the runs that the model is made of and that have a value now, from the best on. Of the search's
        own runs by how many rungs they came to, which they have earned, then by value. A baseline or repeat is trained to
        its end in any case: it counts where it is better than all of them, and once."""
        told = [
            (n, self.forecast.runs[n], value)
            for n in np.unique(model.seen.run).tolist()
            if (value := self.forecast.runs[n].now) is not None and math.isfinite(value)
        ]
        own = sorted(
            (-sum(rung <= each.reached for rung in self.forecast.rungs(each)), value, n)
            for n, each, value in told
            if each.run.kind is Kind.SEARCH
        )
        leading = min((value for _, value, _ in own), default=math.inf)
        others = ((v, n) for n, each, v in told if each.run.kind is not Kind.SEARCH and v < leading)
        return self.forecast.places[[*(n for _, n in sorted(others)[:1]), *(n for *_, n in own)]]

    def _modelled(
        self, model: CurveModel, rng: np.random.Generator
    ) -> tuple[Array, dict[str, Any]]:
        believed = model.believe(self.features.columns(self.waiting))
        mark = self.forecast.best - MARGIN
        there = self.forecast.places[np.unique(model.seen.run)]
        mean, _ = model.predict(self.features.columns(there))
        anchors = there[np.argsort(mean, kind="stable")[:ANCHORS]]

        def score(U: Array) -> Array:
            mean, sd = believed.predict(self.features.columns(U))
            pull = self.belief.pull(U) - self.fading * SOURCES * self.sources.guess(U)
            wishes = pull + self.feasible.log_chance(U)
            return log_expected_improvement(mean, sd, mark) + wishes

        u = self._best_free(score, anchors, rng)
        if u is None:
            return self._draw(rng), self._drawn("no place of promise was free")
        mean, sd = believed.predict(self.features.columns(u[None]))
        return u, self._explain(model, mean, sd)

    def _best_free(self, score: Score, anchors: Array, rng: np.random.Generator) -> Array | None:
        """Where `score` is largest among the free places; nearer to what was tried only where none is free."""
        found = nearest_allowed(
            lambda U, share: score(U) + self._allow(U, share), SHARES, self.features, anchors, rng
        )
        return found[0] if found else None

    def _allow(self, U: Array, share: float = 1.0) -> Array:
        """(m,): 0 where a place is far enough from what was tried, and may well give a value; else -inf."""
        free = self._gap(U) >= share * radius(self.features, len(self.near), RADIUS)
        return np.where(free & (self.feasible.log_chance(U) >= DOUBT), 0.0, -np.inf)

    def _gap(self, U: Array) -> Array:
        """The distance (m,) from each of U (m, d) to the nearest that was tried; infinite without any."""
        return gap(self.features.columns(U), self.near)

    def _spread(self, size: int) -> dict[str, Any]:
        if self.started < size:
            reason = f"space-filling {self.started + 1} of {size}"
        else:
            reason = f"space-filling {self.started + 1}: too few values so far for a model"
        return {"reason": reason, "strategy": "space-filling"}

    def _drawn(self, why: str) -> dict[str, Any]:
        return {"reason": f"a random draw: {why}", "strategy": "random"}

    def _explain(self, model: CurveModel, mean: Array, sd: Array) -> dict[str, Any]:
        """The figures in the metric's own units, from `mean` and `sd` (1,) of w at the end. Band and deviation are those
        of a run's value, its luck and noise included; the deviation is half of the band, which may lie unevenly."""
        forecast = self.forecast
        expected = forecast.own(float(mean[0]))
        off = np.hypot(sd, math.sqrt(model.luck))
        low, high = sorted(forecast.own(float(w[0])) for w in (mean - off, mean + off))
        gain = forecast.gain(forecast.best, mean, sd)
        name = forecast.spec.metric.name if forecast.spec.metric else "the objective"
        return {
            "reason": f"model: expects {name} {expected:.4g} ({low:.4g} to {high:.4g}) at the end, "
            f"to beat is {forecast.own(forecast.leading):.4g}; expected improvement {gain:.2g}",
            "strategy": "model",
            "predicted_mean": expected,
            "predicted_sd": (high - low) / 2.0,
            "predicted_band": [low, high],
            "expected_improvement": gain,
            "runs_modelled": len(np.unique(model.seen.run)),
        }


def _suggested_places(forecast: Forecast, runs: Sequence[Run]) -> Mapping[int, Array | None]:
    """Where each run was suggested, by its number. Most have been located: they ran as they were told."""
    ran = {
        each.run.number: place
        for each, place in zip(forecast.runs, forecast.places, strict=True)
        if not each.run.effective_config and math.isfinite(place.sum())
    }
    others = [run for run in runs if run.number not in ran]
    return {**ran, **suggested_places(others, forecast.features)}


def _worth(forecast: Forecast) -> tuple[Array, Array]:
    """Where runs lie, (m, d), and what each is worth, (m,): what beliefs and sources are held against. By what the model
    expects at their ends, since slow starters may end best; without a model by their values at their first rungs."""
    if forecast.model is not None:
        which = np.unique(forecast.model.seen.run)
        there = forecast.places[which]
        return there, forecast.model.predict(forecast.features.columns(there), which)[0]
    firsts = [
        None if each.run.state is RunState.KILLED else each.at(forecast.rungs(each)[0])
        for each in forecast.runs
    ]
    values = np.array(firsts, dtype=np.float64)
    known = np.isfinite(forecast.places).all(axis=1) & ~np.isnan(values)
    return forecast.places[known], values[known]


def _feasible(forecast: Forecast) -> Feasibility:
    """Learnt from runs with a value and from those without any. One that diverged is neither: the model sees it as bad;
    nor is one that a person cancelled."""
    inside = np.isfinite(forecast.places).all(axis=1)
    runs = [each.run for each in forecast.runs]
    barren = np.array([fruitless(run) for run in runs], dtype=np.bool_)
    valued = np.array(
        [run.value is not None and run.state is not RunState.KILLED for run in runs], dtype=np.bool_
    )
    none = forecast.places[inside & barren][-MOST_BARREN:]
    some = forecast.places[inside & valued & ~barren][-MOST_BARREN:]
    return Feasibility.of(forecast.features, some, none)


def _member(u: Array, rows: Array) -> bool:
    return bool((np.abs(rows - u) < 1e-9).all(axis=1).any())


def skill(forecast: Forecast) -> float:
    """Spearman's rank correlation of what each run was last seen at with what the model of the others expects, among
    runs that came as far: that longer curves are lower says nothing about configurations. Mean over runs; 0 where
    fewer than FEWEST came as far as one another."""
    model = forecast.model
    if model is None:
        return 0.0
    observed, predicted = model.without_each_run()
    seen = model.seen
    last = np.array([seen.t[seen.run == run].max() for run in np.unique(seen.run)])
    alike = [last == t for t in np.unique(last)]
    found = [
        (int(a.sum()), rank_correlation(observed[a], predicted[a]) or 0.0)
        for a in alike
        if a.sum() >= FEWEST
    ]
    runs = sum(count for count, _ in found)
    return sum(count * rho for count, rho in found) / runs if runs else 0.0
