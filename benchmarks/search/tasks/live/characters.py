"""The next character of the standard library's docstrings, from the few before it (Bengio et al. 2003)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.live.data import docstrings
from tasks.live.net import Net
from tasks.live.training import (
    OPTIMISERS,
    SCHEDULES,
    Optimiser,
    bounded,
    clipped,
    log_loss,
    play,
    scheduled,
)
from tasks.task import Config, among, log_uniform, log_whole, uniform, whole

Array: TypeAlias = NDArray[Any]

STEPS: Final = 25
SEEN: Final = 1500
"""Characters learnt from in a step."""
SYMBOLS: Final = 32
PARAMETERS: Final = {
    "lr": log_uniform(1e-5, 10.0),
    "optimiser": among(*OPTIMISERS),
    "momentum": uniform(0.0, 0.99),
    "batch": log_whole(8, 256),
    "context": whole(1, 10),
    "embedding": log_whole(2, 32),
    "hidden": log_whole(8, 256),
    "activation": among("relu", "tanh"),
    "clip": log_uniform(1e-3, 1e2),
    "schedule": among(*SCHEDULES),
}


@cache
def text() -> Array:
    """The topics' docstrings in turn, as numbers: letters, the space, the full stop, and one for all else."""
    joined = " ".join(doc for docs in zip(*docstrings().values(), strict=False) for doc in docs)
    place = {c: i for i, c in enumerate("abcdefghijklmnopqrstuvwxyz .(_'")}
    return np.array([place.get(c, SYMBOLS - 1) for c in " ".join(joined.lower().split())])


def train(config: Config, seed: int) -> Iterator[float]:
    """Cross entropy in bits a character, on 1,500 characters held out."""
    rng, symbols, context = np.random.default_rng(seed), text(), config["context"]
    table = rng.standard_normal((SYMBOLS, config["embedding"])).astype(np.float32)
    sizes = [context * config["embedding"], config["hidden"], SYMBOLS]
    net = Net(sizes, config["activation"], rng)
    optimiser = Optimiser(config["optimiser"], [table, *net.parameters], config["momentum"])
    before = np.arange(-context, 0)
    held_out = len(symbols) - 1500 + np.arange(1500)

    def logits(places: Array) -> Array:
        return net.forward(table[symbols[places[:, None] + before]].reshape(len(places), -1))

    def update(done: float) -> None:
        places: Array = rng.integers(context, len(symbols) - 1500, (config["batch"],))
        own, below = net.backward(log_loss(logits(places), symbols[places])[1])
        gradient = np.zeros_like(table)
        at = symbols[places[:, None] + before].ravel()
        np.add.at(gradient, at, below.reshape(-1, table.shape[1]))
        gradients = clipped([gradient, *own], config["clip"])
        optimiser.step(gradients, config["lr"] * scheduled(config["schedule"], done))

    def value() -> float:
        return bounded(log_loss(logits(held_out), symbols[held_out])[0] / float(np.log(2)))

    return play(STEPS, max(SEEN // config["batch"], 1), update, value)
