"""The maximum of an acquisition function over a mixed space, found on its lattice.

A finite space of moderate size is looked at whole. Otherwise: candidates all over the cube (a shifted Sobol
sequence) and around the best known points, then local refinement of the best of them by random moves that shrink.
Every point looked at is a configuration that can be run, so what is predicted is what is suggested. Constraints are
kept: what breaks one takes the coordinates concerned from a place that does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from swept.models.features import Features

Array: TypeAlias = NDArray[np.float64]
Score: TypeAlias = Callable[[Array], Array]
"""U (m, d) → (m,), larger is better; -inf where a point is not allowed."""

MOST_POINTS = 4096
"""Finite spaces of at most so many configurations are looked at whole."""
CANDIDATES = 512
NEAR = 32  # candidates around each anchor
TOPS = 4
MOVES = 24  # each top point's proposals in a round
ROUNDS = 14
FIRST_STEP, SHRINK = 0.15, 0.75


def maximise(
    score: Score, features: Features, anchors: Array, rng: np.random.Generator
) -> tuple[Array, float]:
    """The best point found (d,) and its score, -inf if no point was allowed. `anchors` (a, d): good places."""
    score = _obeying(score, features)
    points = _candidates(features, anchors, rng)
    scores = score(points)
    top = np.argsort(-scores, kind="stable")[:TOPS]
    best, best_scores = points[top], scores[top]
    if not _whole(features):
        best, best_scores = _refine(score, features, best, best_scores, rng)
    first = int(np.argmax(best_scores))
    return best[first], float(best_scores[first])


def nearest_allowed(
    score: Callable[[Array, float], Array],
    shares: Sequence[float],
    features: Features,
    anchors: Array,
    rng: np.random.Generator,
) -> tuple[Array, float] | None:
    """The maximum of `score(U, share)` with the first of the `shares` that allows a place at all: of a distance to be kept,
    where the whole leaves no room. None where no share does."""

    def at(share: float) -> Score:
        return lambda U: score(U, share)

    for share in shares:
        u, found = maximise(at(share), features, anchors, rng)
        if math.isfinite(found):
            return u, found
    return None


def _obeying(score: Score, features: Features) -> Score:
    if not features.rules.constraints:
        return score
    return lambda U: np.where(features.feasible(U), score(U), -np.inf)


def _whole(features: Features) -> bool:
    return features.combinations is not None and features.combinations <= MOST_POINTS


def _candidates(features: Features, anchors: Array, rng: np.random.Generator) -> Array:
    if _whole(features):
        return features.all_points()
    scattered = (_sobol(features.dimension) + rng.random(features.dimension)) % 1.0
    sizes = rng.choice([0.2, 0.05, 0.01], size=(len(anchors) * NEAR, 1))
    near = move(features, np.repeat(anchors, NEAR, axis=0), sizes, rng)
    return np.vstack([features.obey(features.snap(scattered), rng), near])


def _refine(
    score: Score, features: Features, best: Array, best_scores: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Each of the points (t, d) replaced, round by round, by the best of its own random moves."""
    best, best_scores = best.copy(), best_scores.copy()
    t = len(best)
    for turn in range(ROUNDS):
        size = np.full((t * MOVES, 1), FIRST_STEP * SHRINK**turn)
        moved = move(features, np.repeat(best, MOVES, axis=0), size, rng)
        scores = score(moved).reshape(t, MOVES)
        winner = scores.argmax(axis=1)
        gained = scores[np.arange(t), winner] > best_scores
        best[gained] = moved.reshape(t, MOVES, -1)[np.arange(t), winner][gained]
        best_scores[gained] = scores[np.arange(t), winner][gained]
    return best, best_scores


def move(features: Features, U: Array, sizes: Array, rng: np.random.Generator) -> Array:
    """U (m, d) with about two coordinates of each row moved by `sizes` (m, 1), at least by one level."""
    m, d = U.shape
    chosen = rng.random((m, d)) < min(1.0, 2.0 / d)
    chosen[np.arange(m), rng.integers(d, size=m)] = True
    shifted = U + np.maximum(sizes, features.steps()) * rng.normal(size=(m, d))
    moved = np.where(features.categories(), rng.random((m, d)), np.clip(shifted, 0.0, 1.0))
    U = np.clip(U, 0.0, 1.0)
    moved = features.snap(np.where(chosen, moved, U))
    back = ~features.feasible(moved)[:, None] & features.ruled
    return features.snap(np.where(back, U, moved)) if back.any() else moved


@lru_cache(maxsize=8)
def _sobol(dimension: int) -> Array:
    return np.asarray(qmc.Sobol(dimension, scramble=False).random(CANDIDATES))
