"""Log expected improvement, stable where the improvement itself underflows.

log EI(x) = log h(z) + log σ, with z = (best - μ) / σ and h(z) = φ(z) + z Φ(z), for minimisation.
h underflows below z ≈ -38, and long before that its plain form loses every digit: a search that maximises EI
then sees a flat floor. `log_h` follows Ament, Daulton, Eriksson, Balandat, Bakshy 2023, "Unexpected
improvements to expected improvement for Bayesian optimization", equation 9.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

Array = NDArray[np.float64]

_LOG_2PI_HALF = 0.5 * math.log(2.0 * math.pi)
_LOG_PI_HALF = 0.5 * math.log(0.5 * math.pi)
_FAR = -1e6  # beyond it the two leading terms say everything that a float can hold


def log_expected_improvement(mean: Array, sd: Array, best: float) -> Array:
    """log E[max(best - f, 0)] for f ~ N(mean, sd²), elementwise; smaller f is better."""
    return np.asarray(log_h((best - mean) / sd) + np.log(sd))


def log_h(z: Array) -> Array:
    """log(φ(z) + z Φ(z)) for any finite z."""
    z = np.asarray(z, dtype=np.float64)
    near = np.maximum(z, -1.0)
    direct = np.log(np.exp(-0.5 * near * near - _LOG_2PI_HALF) + near * ndtr(near))
    middle = np.clip(z, _FAR, -1.0)
    ratio = np.log(erfcx(-middle / math.sqrt(2.0)) * -middle) + _LOG_PI_HALF
    tail = -0.5 * middle * middle - _LOG_2PI_HALF + _log1mexp(ratio)
    far = np.minimum(z, _FAR)
    asymptote = -0.5 * far * far - _LOG_2PI_HALF - 2.0 * np.log(-far)
    return np.where(z > -1.0, direct, np.where(z > _FAR, tail, asymptote))


def _log1mexp(x: Array) -> Array:
    """log(1 - exp(x)) for x < 0; where rounding took x to zero or above, the smallest distance is used."""
    x = np.minimum(x, -1e-16)
    return np.where(x > -math.log(2.0), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))
