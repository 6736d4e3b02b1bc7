"""Which part of the standard library a docstring is from: logistic regression on hashed n-grams."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from tasks.live.data import docstrings
from tasks.live.training import SCHEDULES, accuracy, batches, log_loss, play, scheduled
from tasks.task import Config, among, log_uniform, log_whole, uniform, whole

Array: TypeAlias = NDArray[Any]

STEPS: Final = 20
PARAMETERS: Final = {
    "lr": log_uniform(1e-4, 1e3),
    "l2": log_uniform(1e-9, 1.0),
    "bits": whole(5, 13),
    "tokens": among("word", "character"),
    "ngram": whole(1, 3),
    "power": uniform(0.0, 1.5),
    "batch": log_whole(8, 256),
    "averaged": among(True, False),
    "schedule": among(*SCHEDULES),
}


@cache
def _hashes(tokens: str, ngram: int) -> list[Array]:
    """Of each docstring, topic after topic, the hashes of its n-grams of 1 to `ngram` words, or `ngram` to `ngram` + 2
    characters."""
    lengths = range(1, ngram + 1) if tokens == "word" else range(ngram, ngram + 3)
    found = []
    for doc in (doc for docs in docstrings().values() for doc in docs):
        units = re.findall(r"\w+", doc.lower()) if tokens == "word" else list(doc.lower()[:250])
        parts = ("\x1f".join(units[i : i + n]) for n in lengths for i in range(len(units) - n + 1))
        found.append(np.array([zlib.crc32(part.encode()) for part in parts], np.int64))
    return found


@cache
def _labels() -> tuple[Array, Array]:
    """The topic of each docstring, and a fixed random order."""
    labels = np.repeat(np.arange(len(docstrings())), [len(docs) for docs in docstrings().values()])
    return labels, np.random.default_rng(7).permutation(len(labels))


def features(config: Config) -> Any:
    """Counts of the hashed n-grams to the power `power`, rows of length 1: CSR (docstrings, 2 ** bits)."""
    hashes = _hashes(config["tokens"], config["ngram"])
    rows = np.repeat(np.arange(len(hashes)), [len(found) for found in hashes])
    columns = np.concatenate(hashes) % (1 << config["bits"])
    shape = (len(hashes), 1 << config["bits"])
    counts = sp.coo_matrix((np.ones(len(rows)), (rows, columns)), shape).tocsr()
    counts.data **= config["power"]
    norms = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1))).ravel()
    return (sp.diags(1 / np.maximum(norms, 1e-12)) @ counts).tocsr()


def train(config: Config, seed: int) -> Iterator[float]:
    """Accuracy on the third of the docstrings that is held out."""
    rng, x, (labels, order) = np.random.default_rng(seed), features(config), _labels()
    x, y = x[order], labels[order]
    kept = len(y) * 2 // 3
    weights = np.zeros((x.shape[1], len(docstrings())))
    mean, taken = np.zeros_like(weights), 0
    chosen = batches(kept, config["batch"], rng)

    def update(done: float) -> None:
        nonlocal weights, taken
        rows = next(chosen)
        _, gradient = log_loss(x[rows] @ weights, y[rows])
        rate = config["lr"] * scheduled(config["schedule"], done)
        weights -= rate * (x[rows].T @ gradient + config["l2"] * weights)
        if config["averaged"]:
            taken += 1
            mean[:] += (weights - mean) / taken

    def value() -> float:
        logits = x[kept:] @ (mean if config["averaged"] else weights)
        return accuracy(logits, y[kept:])

    return play(STEPS, max(kept // config["batch"] // 2, 1), update, value)
