"""Gaussian-process regression of learning curves: the value of a configuration at a step, and at the end.

| symbol | shape | meaning |
|---|---|---|
| X | (n, p) | inputs of an observation's run: columns of `Features` |
| t | (n,) | its progress, log step / log steps of a full training: 0 at the first step, 1 at the last |
| run | (n,) | which run it belongs to; observations of one run share its luck |
| y | (n,) | observations, about standardised, smaller is better |
| ℓ, ℓ_t | (d,), 1 | lengthscales: one a parameter, one of progress |
| M, T | (n, n) | Matérn-5/2 of X with ℓ, and of t with ℓ_t |
| S | (n, n) | 1 where both observations are of the same run |
| B | (n, n) | exp(-2 (t - t')²): what all curves do together |
| s(t) | (n,) | exp(b (t - 1)): configurations differ more, the longer they are trained |
| K | (n, n) | s s' [M (a₀ + a₁ T) + S (a₃ + a₄ T)] + a₂ B + σ² I |
| θ | (d+8,) | log ℓ (d), log ℓ_t, log a₀ … a₄, log σ², b |

The configuration's own curve is M (a₀ + a₁ T): a part that lasts and a part that changes with progress. S (a₃ + a₄ T) is
the luck of one run (its seed): a new run of the same configuration does not have it. The product of a kernel over
configurations and one over time follows Swersky, Snoek, Adams 2014, "Freeze-thaw Bayesian optimization", and Klein,
Falkner, Bartels, Hennig, Hutter 2017, "Fast Bayesian optimization of machine learning hyperparameters on large
datasets"; θ is the maximum of its posterior under normal priors, by L-BFGS-B with analytic gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from swept.models.distance import squared_distances

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_SQRT5 = math.sqrt(5.0)
_TOGETHER = 0.5  # the lengthscale of B
_JITTER = 1e-6
_ITERATIONS = 20
_LENGTHSCALE = (-0.1, 0.4)
_REST = {  # centre and width of each normal prior
    "log lengthscale of progress": (math.log(0.5), 0.7),
    "log a0": (math.log(0.5), 1.0),
    "log a1": (math.log(0.3), 1.0),
    "log a2": (math.log(0.5), 1.5),
    "log a3": (math.log(0.03), 1.5),
    "log a4": (math.log(0.03), 1.5),
    "log noise": (-6.0, 1.5),
    "b": (0.7, 0.7),
}
_FIRST_LENGTHSCALE = math.log(0.6)


@dataclass(frozen=True, slots=True)
class Observations:
    """Values of runs along their curves: X (n, p), t (n,), run (n,), y (n,)."""

    X: Array
    t: Array
    run: Index
    y: Array

    def take(self, chosen: Index | NDArray[np.bool_]) -> Observations:
        return Observations(self.X[chosen], self.t[chosen], self.run[chosen], self.y[chosen])

    def and_then(self, other: Observations) -> Observations:
        return Observations(
            np.vstack([self.X, other.X]),
            np.concatenate([self.t, other.t]),
            np.concatenate([self.run, other.run]),
            np.concatenate([self.y, other.y]),
        )


@dataclass(frozen=True, slots=True)
class CurveModel:
    """The posterior at `theta`; `L` (n, n) is K's lower Cholesky factor, `alpha` (n,) is K⁻¹ y."""

    seen: Observations
    group: Index
    theta: Array
    L: Array
    alpha: Array

    @property
    def luck(self) -> float:
        """The variance at the end that is one training's own: of its run, and of its last report."""
        return float(np.exp(self.theta[-4]) + np.exp(self.theta[-3]) + np.exp(self.theta[-2]))

    def predict(
        self, X: Array, run: Index | None = None, progress: float = 1.0
    ) -> tuple[Array, Array]:
        """Mean and standard deviation (both (m,)) of the noise-free value at `progress` for X (m, p).

        With `run` (m,): of these very runs, their luck included; without: of a new run's expectation.
        """
        d, theta, seen = len(self.theta) - 8, self.theta, self.seen
        a, b = np.exp(theta[d + 1 : d + 6]), float(theta[-1])
        apart = np.abs(progress - seen.t)
        T = _matern(_SQRT5 * apart / math.exp(theta[d]))
        s = np.exp(b * (progress + seen.t - 2.0))
        inverse = np.exp(-theta[:d])[self.group]
        cross = _matern(_SQRT5 * _distance(X * inverse, seen.X * inverse)) * (s * (a[0] + a[1] * T))
        cross += a[2] * np.exp(-(apart**2) / _TOGETHER)
        if run is not None:
            cross += (run[:, None] == seen.run[None, :]) * (s * (a[3] + a[4] * T))
        half = solve_triangular(self.L, cross.T, lower=True, check_finite=False)
        scale = math.exp(2.0 * b * (progress - 1.0))
        prior = scale * (a[0] + a[1] + (0.0 if run is None else a[3] + a[4])) + a[2]
        variance = prior - np.einsum("ij,ij->j", half, half)
        return cross @ self.alpha, np.sqrt(np.maximum(variance, 1e-10))

    def believe(self, X: Array) -> CurveModel:
        """The model after its own mean was "observed" at the end of a run at each of X (m, p)."""
        if not len(X):
            return self
        mean, _ = self.predict(X)
        fantasies = Observations(X, np.ones(len(X)), -2 - np.arange(len(X)), mean)
        return condition(self.seen.and_then(fantasies), self.group, self.theta)

    def without_each_run(self) -> tuple[Array, Array]:
        """(observed, predicted), both (runs,): each run's last value, and what the model of all other runs expects there.

        Leaves out whole runs by block: μ_b = y_b - (K⁻¹_bb)⁻¹ α_b (Rasmussen & Williams 2006, eq. 5.12, for blocks).
        """
        inverse = cho_solve((self.L, True), np.eye(len(self.alpha)), check_finite=False)
        observed, predicted = [], []
        for run in np.unique(self.seen.run):
            block = np.flatnonzero(self.seen.run == run)
            off = np.linalg.solve(inverse[np.ix_(block, block)], self.alpha[block])
            last = block[np.argmax(self.seen.t[block])]
            observed.append(self.seen.y[last])
            predicted.append(self.seen.y[last] - off[list(block).index(last)])
        return np.array(observed), np.array(predicted)


def fit(seen: Observations, group: Index, most: int) -> Array:
    """θ (d+8,) that suits what was seen; fitted on the latest observations of each run, at most `most` of them."""
    return _fitted(seen.take(_latest(seen.run, most)), group)


def condition(seen: Observations, group: Index, theta: Array) -> CurveModel:
    """The posterior at given θ."""
    K = _kernel(theta, group, seen.X, seen.t, seen.run, seen.X, seen.t, seen.run)
    L = _factor(K, math.exp(theta[-2]) + _JITTER)
    return CurveModel(seen, group, theta, L, cho_solve((L, True), seen.y, check_finite=False))


def negative_log_posterior(theta: Array, seen: Observations, group: Index) -> tuple[float, Array]:
    """-log p(θ | y) up to a constant, and its gradient (d+8,)."""
    d = len(theta) - 8
    parts = _Parts(theta, group, seen.X, seen.t, seen.run, seen.X, seen.t, seen.run)
    a, noise = parts.a, math.exp(theta[-2])
    shaped = parts.s * (parts.M * (a[0] + a[1] * parts.T) + parts.S * (a[3] + a[4] * parts.T))
    L = _factor(shaped + a[2] * parts.B, noise + _JITTER)
    alpha = cho_solve((L, True), seen.y, check_finite=False)
    value = 0.5 * float(seen.y @ alpha) + float(np.log(np.diag(L)).sum())
    inverse = cho_solve((L, True), np.eye(len(alpha)), check_finite=False)
    W = 0.5 * (inverse - np.outer(alpha, alpha))  # the derivative by K
    Ws = W * parts.s
    gradient = np.empty_like(theta)
    gradient[:d] = _by_lengthscales(Ws * (a[0] + a[1] * parts.T), parts, group, d)
    gradient[d] = (Ws * (parts.M * a[1] + parts.S * a[4]) * parts.dT).sum()
    gradient[d + 1] = (Ws * parts.M).sum() * a[0]
    gradient[d + 2] = (Ws * parts.M * parts.T).sum() * a[1]
    gradient[d + 3] = (W * parts.B).sum() * a[2]
    gradient[d + 4] = (Ws * parts.S).sum() * a[3]
    gradient[d + 5] = (Ws * parts.S * parts.T).sum() * a[4]
    gradient[d + 6] = np.trace(W) * noise
    gradient[d + 7] = (W * shaped * (seen.t[:, None] + seen.t[None, :] - 2.0)).sum()
    centre, width = _prior(d)
    off = (theta - centre) / width
    return value + 0.5 * float(off @ off), gradient + off / width


class _Parts:
    """The pieces of K between two sets of observations."""

    def __init__(
        self,
        theta: Array,
        group: Index,
        X: Array,
        t: Array,
        run: Index,
        X2: Array,
        t2: Array,
        run2: Index,
    ) -> None:
        d = len(theta) - 8
        inverse = np.exp(-theta[:d])[group]
        self.X, self.X2 = X * inverse, X2 * inverse
        r = _SQRT5 * _distance(self.X, self.X2)
        decay = np.exp(-r)
        self.M = (1.0 + r + r * r / 3.0) * decay
        self.dM = (5.0 / 3.0) * (1.0 + r) * decay  # times (x - x')² / ℓ²: the derivative by log ℓ
        apart = np.abs(t[:, None] - t2[None, :])
        q = _SQRT5 * apart / math.exp(theta[d])
        fall = np.exp(-q)
        self.T = (1.0 + q + q * q / 3.0) * fall
        self.dT = (1.0 + q) * fall * q * q / 3.0
        self.B = np.exp(-(apart**2) / _TOGETHER)
        self.S = (run[:, None] == run2[None, :]).astype(np.float64)
        b = float(theta[-1])
        self.s = np.exp(b * (t - 1.0))[:, None] * np.exp(b * (t2 - 1.0))[None, :]
        self.a = np.exp(theta[d + 1 : d + 6])


def _kernel(
    theta: Array, group: Index, X: Array, t: Array, run: Index, X2: Array, t2: Array, run2: Index
) -> Array:
    parts = _Parts(theta, group, X, t, run, X2, t2, run2)
    a = parts.a
    shaped = parts.M * (a[0] + a[1] * parts.T) + parts.S * (a[3] + a[4] * parts.T)
    return np.asarray(parts.s * shaped + a[2] * parts.B)


def _distance(A: Array, B: Array) -> Array:
    """Euclidean distances (m, n) between the rows of A (m, p) and B (n, p)."""
    return np.asarray(np.sqrt(squared_distances(A, B)))


def _matern(q: Array) -> Array:
    """Matérn-5/2 of q = √5 r."""
    return np.asarray((1.0 + q + q * q / 3.0) * np.exp(-q))


def _by_lengthscales(weights: Array, parts: _Parts, group: Index, d: int) -> Array:
    """The derivatives by log ℓ, without the (n, n, p) tensor of differences: one matrix product for all columns."""
    W = weights * parts.dM
    X = parts.X
    columns = 2.0 * (W.sum(1) @ X**2 - np.einsum("ij,ij->j", X, W @ X))
    return np.asarray(np.bincount(group, weights=columns, minlength=d), dtype=np.float64)


def _fitted(seen: Observations, group: Index) -> Array:
    d = int(group.max()) + 1 if len(group) else 0
    start, width = _prior(d)
    bounds = [(c - 5.0 * w, c + 5.0 * w) for c, w in zip(start, width, strict=True)]
    start[:d] = _FIRST_LENGTHSCALE
    found = minimize(
        negative_log_posterior,
        start,
        args=(seen, group),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _ITERATIONS, "ftol": 1e-5},
    )
    return np.asarray(found.x if math.isfinite(float(found.fun)) else start, dtype=np.float64)


def _prior(d: int) -> tuple[Array, Array]:
    """Centres and widths (d+8,) of the normal priors on θ."""
    rest = np.array(list(_REST.values()))
    centre = np.concatenate([np.full(d, _LENGTHSCALE[0]), rest[:, 0]])
    return centre, np.concatenate([np.full(d, _LENGTHSCALE[1]), rest[:, 1]])


def _latest(run: Index, most: int) -> Index:
    """At most `most` places of `run` (n,), which is in order of step within each run: the last of every run first."""
    if len(run) <= most:
        return np.arange(len(run))
    age = np.zeros(len(run), dtype=np.intp)  # 0 is a run's latest observation
    counts: dict[int, int] = {}
    for place in range(len(run) - 1, -1, -1):
        age[place] = counts.get(int(run[place]), 0)
        counts[int(run[place])] = int(age[place]) + 1
    newest = np.lexsort((-run, age))[:most]
    return np.sort(newest)


def _factor(K: Array, noise: float) -> Array:
    """The lower Cholesky factor of K + noise I, with as little more as it takes."""
    for _ in range(8):
        try:
            return np.asarray(cholesky(K + noise * np.eye(len(K)), lower=True, check_finite=False))
        except np.linalg.LinAlgError:
            noise = max(10.0 * noise, 1e-5)
    return np.asarray(np.diag(np.sqrt(np.diag(K) + noise)))
