"""Digits read row by row by a recurrent network (Elman 1990)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.live.data import digits, scaled
from tasks.live.net import Net, activate, slope
from tasks.live.training import (
    OPTIMISERS,
    SCHEDULES,
    Optimiser,
    accuracy,
    batches,
    clipped,
    log_loss,
    play,
    scheduled,
)
from tasks.task import Config, among, log_uniform, log_whole, uniform

Array: TypeAlias = NDArray[Any]

STEPS: Final = 50
TRAINED: Final = 500
PARAMETERS: Final = {
    "lr": log_uniform(1e-5, 10.0),
    "optimiser": among(*OPTIMISERS),
    "momentum": uniform(0.0, 0.99),
    "batch": log_whole(16, 256),
    "hidden": log_whole(4, 128),
    "gain": log_uniform(0.05, 5.0),
    "activation": among("tanh", "relu"),
    "clip": log_uniform(1e-2, 1e3),
    "schedule": among(*SCHEDULES),
}


class Cell:
    """h ← activation(x U + h W + b) over the eight rows of each image."""

    def __init__(self, hidden: int, activation: str, gain: float, rng: np.random.Generator) -> None:
        self.activation = activation
        self.inputs = (rng.standard_normal((8, hidden)) / np.sqrt(8)).astype(np.float32)
        scale = gain / np.sqrt(hidden)
        self.recurrent = (scale * rng.standard_normal((hidden, hidden))).astype(np.float32)
        self.bias = np.zeros(hidden, np.float32)

    @property
    def parameters(self) -> list[Array]:
        return [self.inputs, self.recurrent, self.bias]

    def forward(self, images: Array) -> Array:
        """(n, 8, 8) → the last state (n, hidden)."""
        self.images = images
        self.states = [np.zeros((len(images), len(self.bias)), np.float32)]
        for row in range(8):
            drive = images[:, row] @ self.inputs + self.states[-1] @ self.recurrent + self.bias
            self.states.append(activate(self.activation, drive))
        return self.states[-1]

    def backward(self, gradient: Array) -> list[Array]:
        found = [np.zeros_like(parameter) for parameter in self.parameters]
        for row in reversed(range(8)):
            gradient = gradient * slope(self.activation, self.states[row + 1])
            found[0] += self.images[:, row].T @ gradient
            found[1] += self.states[row].T @ gradient
            found[2] += gradient.sum(axis=0)
            gradient = gradient @ self.recurrent.T
        return found


def train(config: Config, seed: int) -> Iterator[float]:
    """Validation accuracy after each pass."""
    rng, x, y = np.random.default_rng(seed), scaled().reshape(-1, 8, 8), digits().labels
    cell = Cell(config["hidden"], config["activation"], config["gain"], rng)
    head = Net([config["hidden"], 10], "relu", rng)
    parameters = [*cell.parameters, *head.parameters]
    optimiser = Optimiser(config["optimiser"], parameters, config["momentum"])
    order = batches(TRAINED, config["batch"], rng)

    def update(done: float) -> None:
        chosen = next(order)
        logits = head.forward(cell.forward(x[chosen]))
        own, below = head.backward(log_loss(logits, y[chosen])[1])
        gradients = clipped([*cell.backward(below), *own], config["clip"])
        optimiser.step(gradients, config["lr"] * scheduled(config["schedule"], done))

    def value() -> float:
        logits = head.forward(cell.forward(x[TRAINED:1300]))
        return accuracy(logits, y[TRAINED:1300])

    return play(STEPS, TRAINED // config["batch"], update, value)
