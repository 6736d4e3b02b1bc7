"""Gaussian-process regression for few, expensive, noisy observations.

| symbol | shape | meaning |
|---|---|---|
| X | (n, p) | inputs: one column a numeric parameter (unit cube), several a categorical one |
| group | (p,) | which lengthscale a column belongs to, 0 … d-1 |
| y | (n,) | observations, about standardised: mean 0, variance 1 |
| w | (d,) | inverse squared lengthscales, exp(-2 log ℓ) |
| θ | (d+3,) | log ℓ (d), log σ_f², log σ_n², m |
| K | (n, n) | σ_f² k(r) + σ_n² I, where k is Matérn-5/2 and r² = Σ w (x - x')² |
| L | (n, n) | lower Cholesky factor of K |
| α | (n,) | K⁻¹ (y - m) |

The hyperparameters are the maximum of the posterior under independent normal priors on θ, found by
L-BFGS-B with analytic gradients from a few fixed starts: the same data give the same model, bit for bit.
The lengthscales' prior grows with √d (Hvarfner, Hellsten, Nardi 2024, "Vanilla Bayesian optimization
performs great in high dimensions"), so that thirty parameters do not make every point a stranger.
Formulas: Rasmussen & Williams 2006, "Gaussian processes for machine learning", chapters 2 and 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.optimize import minimize

from swept.models.distance import squared_distances

Array = NDArray[np.float64]

MAX_FIT_POINTS = 200
"""Hyperparameters are fitted on at most so many observations: the fit costs O(n³) a step, prediction not."""
JITTER = 1e-8
FANTASY_NOISE = 1e-4
"""A fantasy's noise variance: small, so that the model holds its place for explored even when σ_n² is large."""

_SQRT5 = math.sqrt(5.0)
_LOG_LENGTHSCALE = (math.sqrt(2.0) - 3.0, 1.0)  # plus ½ log d: the mode of the paper's log-normal
_LOG_CATEGORY = 0.9
"""What is added for categories: two of them are at distance 1, two random numbers at 0.41 (root mean square)."""
_LOG_AMPLITUDE = (0.0, 0.7)
_LOG_NOISE = (math.log(0.02), 1.5)
_MEAN = (0.0, 0.5)
_BOUNDS_LENGTHSCALE = (math.log(1e-2), math.log(1e3))
_BOUNDS_AMPLITUDE = (math.log(1e-2), math.log(1e2))
_BOUNDS_NOISE = (math.log(1e-6), math.log(4.0))
_BOUNDS_MEAN = (-3.0, 3.0)


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """θ: `log_lengthscales` (d,), and the logs of two variances, in units of the standardised y."""

    log_lengthscales: Array
    log_amplitude: float
    log_noise: float
    mean: float

    @property
    def noise_sd(self) -> float:
        return math.exp(0.5 * self.log_noise)


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted Gaussian process. `X` is (n, p), `noise` (n,) each point's noise variance."""

    X: Array
    y: Array
    group: NDArray[np.intp]
    hyperparameters: Hyperparameters
    noise: Array
    L: Array
    alpha: Array

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Posterior mean and standard deviation (both (m,)) of the noise-free function at X (m, p)."""
        hyper = self.hyperparameters
        cross = _kernel(X, self.X, self.group, hyper)
        mean = hyper.mean + cross @ self.alpha
        half = solve_triangular(self.L, cross.T, lower=True, check_finite=False)
        variance = math.exp(hyper.log_amplitude) - np.einsum("ij,ij->j", half, half)
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def mean(self, X: Array) -> Array:
        """The posterior mean alone (m,): the standard deviation is most of the cost of `predict`."""
        hyper = self.hyperparameters
        return np.asarray(hyper.mean + _kernel(X, self.X, self.group, hyper) @ self.alpha)

    def believe(self, X: Array) -> Model:
        """The model after its own mean was "observed" at X (m, p): pending runs as fantasies.

        The mean stays as it was; the uncertainty at and around X collapses (kriging believer, Ginsbourger,
        Le Riche, Carraro 2010).
        """
        if not len(X):
            return self
        mean, _ = self.predict(X)
        noise = np.concatenate([self.noise, np.full(len(X), FANTASY_NOISE)])
        return condition(
            np.vstack([self.X, X]),
            np.concatenate([self.y, mean]),
            self.group,
            self.hyperparameters,
            noise,
        )


def fit(X: Array, y: Array, group: NDArray[np.intp]) -> Model:
    """The model of y (n,) at X (n, p). Never fails on finite input: n = 1, ties and constants included."""
    chosen = _spread(len(y), MAX_FIT_POINTS)
    hyper = _fit_hyperparameters(X[chosen], y[chosen], group)
    return condition(X, y, group, hyper, np.full(len(y), math.exp(hyper.log_noise)))


def expected_lengthscale(dimension: int) -> float:
    """The centre of the lengthscales' prior, for numbers."""
    return math.exp(float(_prior(np.arange(dimension))[0][0]))


def condition(
    X: Array, y: Array, group: NDArray[np.intp], hyper: Hyperparameters, noise: Array
) -> Model:
    """The posterior at given hyperparameters; `noise` (n,) is each point's noise variance."""
    kernel = _kernel(X, X, group, hyper)
    L = _stable_cholesky(kernel, noise)
    alpha, _ = dpotrs(L, y - hyper.mean, lower=1)
    return Model(X, y, group, hyper, noise, L, alpha)


def negative_log_posterior(
    theta: Array, X: Array, y: Array, group: NDArray[np.intp]
) -> tuple[float, Array]:
    """-log p(θ | X, y) up to a constant, and its gradient (d+3,)."""
    dimension = len(theta) - 3
    hyper = _unpack(theta)
    amplitude, noise = math.exp(hyper.log_amplitude), math.exp(hyper.log_noise)
    scaled = X * np.exp(-hyper.log_lengthscales)[group]
    r = _distance(scaled, scaled)
    correlation, slope = _matern(r)
    L = _stable_cholesky(amplitude * correlation, np.full(len(y), noise))
    residual = y - hyper.mean
    inverse = _inverse(L)
    alpha = inverse @ residual
    value = 0.5 * float(residual @ alpha) + float(np.log(np.diag(L)).sum())

    outer = inverse - np.outer(alpha, alpha)  # twice the derivative by K
    weighted = 0.5 * amplitude * outer * slope
    gradient = np.empty_like(theta)
    # Σ_ij M_ij (x_i - x_j)² without the (n, n, p) tensor: one matrix product for all columns.
    columns = 2.0 * (weighted.sum(1) @ scaled**2 - np.einsum("ij,ij->j", scaled, weighted @ scaled))
    gradient[:dimension] = np.bincount(group, weights=columns, minlength=dimension)
    gradient[dimension] = 0.5 * amplitude * float(np.sum(outer * correlation))
    gradient[dimension + 1] = 0.5 * noise * float(np.trace(outer))
    gradient[dimension + 2] = -float(alpha.sum())

    centre, width = _prior(group)
    z = (theta - centre) / width
    return value + 0.5 * float(z @ z), gradient + z / width


def _fit_hyperparameters(X: Array, y: Array, group: NDArray[np.intp]) -> Hyperparameters:
    dimension = _dimension(group)
    bounds = [_BOUNDS_LENGTHSCALE] * dimension + [_BOUNDS_AMPLITUDE, _BOUNDS_NOISE] + [_BOUNDS_MEAN]
    best_value, best = math.inf, _prior(group)[0]
    for start in _starts(group):
        found = minimize(
            negative_log_posterior,
            start,
            args=(X, y, group),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 50, "ftol": 1e-6, "gtol": 1e-3},
        )
        value = float(found.fun)
        if math.isfinite(value) and value < best_value:
            best_value, best = value, np.asarray(found.x, dtype=np.float64)
    return _unpack(best)


def _starts(group: NDArray[np.intp]) -> list[Array]:
    """Where L-BFGS-B starts: the prior's centre; short scales and little noise; long scales and much."""
    dimension, (centre, _) = _dimension(group), _prior(group)
    wiggly, noisy = centre.copy(), centre.copy()
    wiggly[:dimension] -= 1.0
    wiggly[dimension + 1] = math.log(1e-3)
    noisy[:dimension] += 1.5
    noisy[dimension + 1] = math.log(0.3)
    return [centre, wiggly, noisy]


def _dimension(group: NDArray[np.intp]) -> int:
    return int(group.max()) + 1 if len(group) else 0


def _prior(group: NDArray[np.intp]) -> tuple[Array, Array]:
    """Centres and widths (d+3,) of the normal priors on θ. A parameter of several columns is one of categories."""
    dimension = _dimension(group)
    category = np.bincount(group, minlength=dimension) > 1
    centre = np.empty(dimension + 3)
    width = np.empty(dimension + 3)
    centre[:dimension] = _LOG_LENGTHSCALE[0] + 0.5 * math.log(max(dimension, 1))
    centre[:dimension] += np.where(category, _LOG_CATEGORY, 0.0)
    width[:dimension] = _LOG_LENGTHSCALE[1]
    centre[dimension:] = _LOG_AMPLITUDE[0], _LOG_NOISE[0], _MEAN[0]
    width[dimension:] = _LOG_AMPLITUDE[1], _LOG_NOISE[1], _MEAN[1]
    return centre, width


def _unpack(theta: Array) -> Hyperparameters:
    return Hyperparameters(theta[:-3], float(theta[-3]), float(theta[-2]), float(theta[-1]))


def _kernel(A: Array, B: Array, group: NDArray[np.intp], hyper: Hyperparameters) -> Array:
    """σ_f² k(r) between the rows of A (m, p) and B (n, p): (m, n)."""
    inverse = np.exp(-hyper.log_lengthscales)[group]
    r = _distance(A * inverse, B * inverse)
    return np.asarray(
        math.exp(hyper.log_amplitude)
        * (1.0 + _SQRT5 * r + (5.0 / 3.0) * r * r)
        * np.exp(-_SQRT5 * r)
    )


def _matern(r: Array) -> tuple[Array, Array]:
    """k(r), and -k'(r) / r: times w (x - x')² it is the derivative by log ℓ."""
    decay = np.exp(-_SQRT5 * r)
    linear = 1.0 + _SQRT5 * r
    return (linear + (5.0 / 3.0) * r * r) * decay, (5.0 / 3.0) * linear * decay


def _distance(A: Array, B: Array) -> Array:
    """Euclidean distances (m, n) between the rows of A (m, p) and B (n, p)."""
    squared = squared_distances(A, B)
    if A is B:
        np.fill_diagonal(squared, 0.0)
    return np.asarray(np.sqrt(squared))


def _stable_cholesky(kernel: Array, noise: Array) -> Array:
    """The lower factor of kernel + diag(noise), with as little extra jitter as it takes."""
    jitter = JITTER
    diagonal = np.diag_indices(len(noise))
    for _ in range(8):
        matrix = kernel.copy()
        matrix[diagonal] += noise + jitter
        L, failed = dpotrf(matrix.T, lower=1, clean=1, overwrite_a=1)
        if not failed:
            return np.asarray(L)
        jitter *= 10.0
    return np.asarray(np.diag(np.sqrt(np.diag(kernel) + noise)))


def _inverse(L: Array) -> Array:
    """(L Lᵀ)⁻¹."""
    lower, _ = dpotri(L, lower=1)
    return np.asarray(np.tril(lower) + np.tril(lower, -1).T)


def _spread(n: int, most: int) -> NDArray[np.intp]:
    """`most` indices out of n, evenly spread over the order of the runs, or all of them."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, most).round().astype(np.intp))
