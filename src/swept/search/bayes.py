"""Bayesian search: a space-filling start, then a Gaussian process and log expected improvement.

Runs under way are inputs: the model believes its own mean at their places (so that nothing more is to be learnt
there), and a new suggestion keeps a distance from them; and from runs with a value, as far as the sweep has shown that
little is to be learnt next to one (`spacing`). docs/design/search.md explains the choices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.model import Goal, History, Kind, Start
from swept.models import gp
from swept.models.features import Features, rounded
from swept.search.acquisition import log_expected_improvement
from swept.search.belief import Belief
from swept.search.design import design_size
from swept.search.feasibility import DOUBT, Feasibility
from swept.search.maximise import maximise, nearest_allowed
from swept.search.numbering import next_number, suggested
from swept.search.observations import (
    Observations,
    Scale,
    hopeful,
    observe,
    standardise,
    suggested_places,
)
from swept.search.seeds import Stream, generator, run_seed
from swept.search.sources import TESTS, Sources
from swept.search.spacing import gap, radius, share_kept
from swept.search.start import start_places
from swept.spec import Spec
from swept.stopping.comparable import comparable

Array: TypeAlias = NDArray[np.float64]

ANCHORS = 5
"""How many of the best runs the maximiser looks around."""
RADIUS = 0.1
"""How far a suggestion keeps from runs with a value, in units of √r, until close runs prove better;
r: parameters of more than a few levels."""
SHARES = (1.0, 0.5, 0.25, 0.0)
"""Shares of that distance, tried in turn until a place is free."""
FEWEST_VALUES = 2
"""With fewer values there is nothing to model."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One chosen place u (d,), and why."""

    u: Array
    why: dict[str, Any]


def propose(spec: Spec, history: History, n: int, *, seed: int) -> list[Start]:
    """The next n runs; fewer, or none, where a finite space has nothing left that was not suggested."""
    features = Features.of(spec)
    search = _Search.of(spec, history, features, seed)
    first = next_number(history)
    starts = []
    for number in range(first, first + n):
        pick = search.next(generator(seed, number, Stream.CANDIDATES))
        if pick is None:
            break
        config = features.config(pick.u)
        starts.append(Start(Kind.SEARCH, config, run_seed(seed, number), pick.why))
    return starts


@dataclass(slots=True)
class _Search:
    """One batch: what was observed, and what has been suggested since, this batch's own picks among it."""

    features: Features
    belief: Belief
    observations: Observations
    metric: str
    sign: float
    seed: int
    size: int  # of the space-filling design
    started: int  # search runs suggested so far, whatever became of them
    promising: int  # those of them with a value, or still under way; and the priors
    sources: Sources
    seen: set[bytes]
    taken: Array  # (k, d) places to keep away from: under way, barren, picked
    _model: tuple[gp.Model, Scale, float] | None = field(default=None)
    _feasible: Feasibility | None = field(default=None)
    _nearest: float | None = field(default=None)

    @classmethod
    def of(cls, spec: Spec, history: History, features: Features, seed: int) -> _Search:
        goal = spec.metric.goal if spec.metric else Goal.MINIMIZE
        runs = list(suggested(spec, history))
        searched = [run for run in runs if run.kind is Kind.SEARCH]
        places = suggested_places(runs, features)
        observations = observe(comparable(spec, history), features, goal, places).modelled()
        sources = Sources.of(spec, history, features, observations.located, observations.values)
        return cls(
            features=features,
            belief=_belief(spec, features, observations),
            observations=observations,
            metric=spec.metric.name if spec.metric else "the objective",
            sign=goal.sign,
            seed=seed,
            size=design_size(spec.max_runs),
            started=len(searched),
            promising=sum(hopeful(run) for run in searched) + sources.runs,
            sources=sources,
            seen=_keys(place for place in places.values() if place is not None),
            taken=np.vstack([observations.pending, observations.barren, sources.barren]),
        )

    def next(self, rng: np.random.Generator) -> Pick | None:
        """The next pick, entered among what has been suggested; None where nothing is left."""
        if self._exhausted():
            return None
        tested = bool(self.sources.runs) and self.started in TESTS
        if self.promising < self.size or self._values < FEWEST_VALUES or tested:
            pick = self._spread_out(rng)
        else:
            pick = self._improve(rng)
        self.seen |= _keys([pick.u])
        self.taken = np.vstack([self.taken, pick.u])
        self.started += 1
        self.promising += 1
        return pick

    @property
    def _values(self) -> int:
        return len(self.observations.values) + self.sources.runs

    # -- the two strategies ---------------------------------------------------------------------

    def _spread_out(self, rng: np.random.Generator) -> Pick:
        block, row = divmod(self.started, self.size)
        u = start_places(self.features, self.belief, self.size, self.seed, block)[row]
        if not np.isfinite(self._allow(u[None])[0]) or self.feasible.log_chance(u[None])[0] < DOUBT:
            u = self._farthest(rng)
        why: dict[str, Any] = {"reason": self._spread_reason(), "strategy": "space-filling"}
        return Pick(u, why)

    def _spread_reason(self) -> str:
        if self.started < self.size:
            return f"space-filling {self.started + 1} of {self.size}"
        values = len(self.observations.values)
        told = f"{values} of {self.started}" if values else "none of the"
        return f"space-filling: {told} runs so far gave a value"

    def _whence(self) -> str:
        return f" (with {self.sources.runs} prior)" if self.sources.runs else ""

    def _improve(self, rng: np.random.Generator) -> Pick:
        model, scale, best = self._fitted()
        around = model.y.argsort(kind="stable")[:ANCHORS]
        anchors = np.vstack([self.observations.located, self.sources.located])[around]
        model = model.believe(self.sources.columns(self.taken))
        full = self._distance()

        def score(U: Array, share: float) -> Array:
            mean, sd = model.predict(self.sources.columns(U))
            wishes = self.belief.pull(U) + self.feasible.log_chance(U)
            return log_expected_improvement(mean, sd, best) + self._allow(U, share * full) + wishes

        found = nearest_allowed(score, SHARES, self.features, anchors, rng)
        if found is None:
            return self._fall_back(rng)
        u, log_ei = found
        mean, sd = model.predict(self.sources.columns(u[None]))
        return Pick(u, self._explain(float(mean[0]), float(sd[0]), log_ei, model, scale, best))

    def _fall_back(self, rng: np.random.Generator) -> Pick:
        """Nothing near and new was allowed: the farthest new place, else a repetition, and it says so."""
        u = self._farthest(rng)
        repeated = bool(_keys([u]) & self.seen)
        said = "this configuration has run before" if repeated else "the farthest from all others"
        reason = f"no place of promise is free of runs under way: {said}"
        return Pick(u, {"reason": reason, "strategy": "fallback"})

    # -- the pieces -----------------------------------------------------------------------------

    def _fitted(self) -> tuple[gp.Model, Scale, float]:
        """The model of the runs with values, its scale, and the best mean among them."""
        if self._model is None:
            own = self.observations
            X, y = self.sources.joined(own.located, own.values)
            z, scale = standardise(y)
            model = gp.fit(X, z, self.sources.group)
            # The best mean, not the best value: a lucky run must not set the mark.
            places = own.located if len(own.values) else self.sources.located
            mean, _ = model.predict(self.sources.columns(places))
            self._model = model, scale, float(mean.min())
        return self._model

    @property
    def feasible(self) -> Feasibility:
        if self._feasible is None:
            own, barren = self.observations, self.observations.barren
            self._feasible = Feasibility.of(self.features, own.located, barren)
        return self._feasible

    def _allow(self, U: Array, distance: float = 0.0) -> Array:
        """(m,): 0 where a place is new, far enough from `taken`, and at `distance` from runs with a value; else -inf."""
        new = np.array([row.tobytes() not in self.seen for row in rounded(U)])
        allowed = new & (self._gap(U, self.taken) >= _apart(self.features, len(self.taken)))
        if distance:
            allowed &= self._gap(U, self.observations.located) >= distance
        return np.where(allowed, 0.0, -np.inf)

    def _distance(self) -> float:
        """From runs with a value: full at first, and as far as close ones were no better than what was known."""
        if self._nearest is None:
            own = self.observations
            full = radius(self.features, len(own.values), RADIUS)
            X = self.features.columns(own.located)
            self._nearest = full * share_kept(X, own.values, full)
        return self._nearest

    def _gap(self, U: Array, V: Array) -> Array:
        """The distance (m,) from each of U (m, d) to the nearest of V (k, d); infinite without any."""
        return gap(self.features.columns(U), self.features.columns(V))

    def _farthest(self, rng: np.random.Generator) -> Array:
        """The place farthest from every run, old ones included; new if there is a new one."""
        every = np.vstack([self.taken, self.observations.located, self.sources.located])

        def score(U: Array) -> Array:
            new = np.array([row.tobytes() not in self.seen for row in rounded(U)])
            gap = np.minimum(self._gap(U, every), 1e3)
            return gap * np.exp(self.feasible.log_chance(U)) + np.where(new, 0.0, -1e6)

        u, _ = maximise(score, self.features, np.empty((0, self.features.dimension)), rng)
        return u

    def _exhausted(self) -> bool:
        most = self.features.combinations
        return most is not None and len(self.seen) >= most and self._all_seen()

    def _all_seen(self) -> bool:
        return _keys(self.features.all_points()) <= self.seen

    def _explain(
        self, mean: float, sd: float, log_ei: float, model: gp.Model, scale: Scale, best: float
    ) -> dict[str, Any]:
        """The figures in the metric's own units; the deviation is that of a run's value, noise included."""
        noise = model.hyperparameters.noise_sd
        predicted = self.sign * scale.original(mean)
        deviation = scale.spread * math.hypot(sd, noise)
        gain = scale.spread * math.exp(min(log_ei, 50.0))
        mark = self.sign * scale.original(best)
        return {
            "reason": f"model{self._whence()}: expects {self.metric} {predicted:.4g} ± {deviation:.2g} here, "
            f"to beat is about {mark:.4g}; expected improvement {gain:.2g}",
            "strategy": "model",
            "predicted_mean": predicted,
            "predicted_sd": deviation,
            "expected_improvement": gain,
            "runs_modelled": self._values,
        }


def _belief(spec: Spec, features: Features, seen: Observations) -> Belief:
    places = np.vstack([seen.located, seen.barren])
    values = np.append(seen.values, np.full(len(seen.barren), np.inf))
    return Belief.of(spec, features, places, values, len(seen.values))


def _apart(features: Features, taken: int) -> float:
    """How far a suggestion keeps from runs under way: less in few dimensions, and the more of them there are."""
    d = features.dimension
    return min(0.1 * math.sqrt(d), 0.25 / math.pow(taken + 1, 1.0 / max(d, 1)))


def _keys(rows: Iterable[Array]) -> set[bytes]:
    """What tells places apart, whatever the last bits of their coordinates."""
    return {rounded(row).tobytes() for row in rows}
