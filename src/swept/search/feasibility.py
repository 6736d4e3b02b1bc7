"""Where trainings fail or diverge: the chance that a place gives a value, learnt from those that did and did not.

| symbol | shape | meaning |
|---|---|---|
| X | (n, p) | the model's columns of runs with a value and of barren ones |
| y | (n,) | +1 for a value, -1 for none |
| P(U) | (m,) | Φ(μ / √(σ² + σ_n²)) of a Gaussian process on y: least-squares classification (Rasmussen, Williams 2006, 6.5) |

Expected improvement is multiplied by a power of P (Gelbart, Snoek, Adams 2014, "Bayesian optimization with unknown constraints").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from swept.models import gp
from swept.models.features import Features

Array: TypeAlias = NDArray[np.float64]

CAUTION = 2.0
"""The power of P: a run that fails has cost a run, and taught little."""
DOUBT = CAUTION * math.log(0.3)
"""A place of the design with a smaller chance of a value (`log_chance`) is replaced."""
LEAST = 1e-3
"""No place is given up altogether."""


@dataclass(frozen=True, slots=True)
class Feasibility:
    """`model` is None while nothing failed, or nothing but failures is known."""

    features: Features
    model: gp.Model | None

    @classmethod
    def of(cls, features: Features, valued: Array, barren: Array) -> Feasibility:
        """From the places (·, d) of runs with a value and of barren ones."""
        if not len(valued) or not len(barren):
            return cls(features, None)
        X = features.columns(np.vstack([valued, barren]))
        y = np.concatenate([np.ones(len(valued)), -np.ones(len(barren))])
        return cls(features, gp.fit(X, y, features.group))

    def log_chance(self, U: Array) -> Array:
        """CAUTION · log P (m,) at U (m, d), P not below LEAST."""
        if self.model is None:
            return np.zeros(len(U))
        mean, sd = self.model.predict(self.features.columns(U))
        noise = math.exp(self.model.hyperparameters.log_noise)
        return CAUTION * np.log(np.maximum(ndtr(mean / np.sqrt(sd * sd + noise)), LEAST))
