"""Whether a digit is even: boosted trees on histograms of the pixels (Friedman 2001); one label in ten is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.live.data import digits
from tasks.live.training import bounded, play
from tasks.task import Config, among, log_uniform, log_whole, uniform, whole

Array: TypeAlias = NDArray[Any]

STEPS: Final = 40
TRAINED: Final = 700
BINS: Final = 17
PARAMETERS: Final = {
    "rate": log_uniform(1e-3, 30.0),
    "decline": among("none", "linear", "square root"),
    "depth": whole(1, 7),
    "leaf": log_whole(1, 200),
    "l2": log_uniform(1e-6, 1e3),
    "rows": uniform(0.05, 1.0),
    "columns": uniform(0.05, 1.0),
    "newton": among(True, False),
}


def grown(
    x: Array, gradient: Array, hessian: Array, config: Config, rng: np.random.Generator
) -> list[tuple[Array, Array]]:
    """A tree, level by level: for each level the feature and the threshold of its nodes, then the leaves' values as the
    last entry, twice."""
    node, levels = np.zeros(len(x), int), []
    columns = rng.permutation(64)[: max(1, round(config["columns"] * 64))]
    for depth in range(config["depth"]):
        feature, threshold = _split(x, columns, node, 1 << depth, gradient, hessian, config)
        levels.append((feature, threshold))
        node = 2 * node + (x[np.arange(len(x)), feature[node]] > threshold[node])
    size = 1 << config["depth"]
    g, h = (np.bincount(node, weights, size) for weights in (gradient, hessian))
    value = -g / (h + config["l2"] + 1e-9)
    return [*levels, (value, value)]


def _split(
    x: Array,
    columns: Array,
    node: Array,
    nodes: int,
    gradient: Array,
    hessian: Array,
    config: Config,
) -> tuple[Array, Array]:
    """The feature and threshold of each node with the largest gain; threshold `BINS` where no split is allowed."""
    shape = (nodes, len(columns), BINS)
    at = (node[:, None] * len(columns) + np.arange(len(columns))) * BINS + x[:, columns]
    flat, size = at.ravel(), nodes * len(columns) * BINS
    repeated = (np.repeat(weights, len(columns)) for weights in (gradient, hessian))
    g, h = (np.bincount(flat, weights, size).reshape(shape).cumsum(2) for weights in repeated)
    n = np.bincount(flat, None, size).reshape(shape).cumsum(2)
    l2 = config["l2"] + 1e-9
    gain = g**2 / (h + l2) + (g[..., -1:] - g) ** 2 / (h[..., -1:] - h + l2)
    small = np.minimum(n, n[..., -1:] - n) < config["leaf"]
    gain = np.where(small, -1.0, gain).reshape(nodes, -1)
    best = gain.argmax(axis=1)
    feature, threshold = columns[best // BINS], best % BINS
    return feature, np.where(gain[np.arange(nodes), best] < 0, BINS, threshold)


def leaves(tree: list[tuple[Array, Array]], x: Array) -> Array:
    node, rows = np.zeros(len(x), int), np.arange(len(x))
    for feature, threshold in tree[:-1]:
        node = 2 * node + (x[rows, feature[node]] > threshold[node])
    return tree[-1][0][node]


def train(config: Config, seed: int) -> Iterator[float]:
    """Log loss on held-out images after each tree."""
    rng, x = np.random.default_rng(seed), digits().pixels
    y = (digits().labels % 2 == 0) ^ (np.random.default_rng(3).random(len(x)) < 0.1)
    score = np.zeros(len(x))

    def update(done: float) -> None:
        rows = rng.permutation(TRAINED)[: max(2, round(config["rows"] * TRAINED))]
        p = 1 / (1 + np.exp(-score[rows]))
        hessian = p * (1 - p) if config["newton"] else np.full(len(rows), 0.25)
        tree = grown(x[rows], p - y[rows], hessian, config, rng)
        left = {"none": 1.0, "linear": 1 - done, "square root": (1 - done) ** 0.5}
        score[:] += config["rate"] * left[config["decline"]] * leaves(tree, x)

    def value() -> float:
        margin = np.where(y, score, -score)[TRAINED:]
        return bounded(float(np.logaddexp(0, -margin).mean()))

    return play(STEPS, 1, update, value)
