"""Digits by a small convolutional network, from 400 images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tasks.live.data import digits, scaled
from tasks.live.net import Net
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
from tasks.task import Config, among, log_uniform, log_whole, uniform, whole

Array: TypeAlias = NDArray[Any]

STEPS: Final = 20
TRAINED: Final = 400
PARAMETERS: Final = {
    "lr": log_uniform(1e-5, 10.0),
    "optimiser": among(*OPTIMISERS),
    "momentum": uniform(0.0, 0.99),
    "batch": log_whole(8, 128),
    "channels": log_whole(2, 32),
    "kernel": among(2, 3, 5),
    "hidden": log_whole(8, 128),
    "shift": whole(0, 3),
    "clip": log_uniform(1e-2, 1e3),
    "schedule": among(*SCHEDULES),
}


class Convolution:
    """k × k, to `channels`, ReLU, then the largest of each 2 × 2: (n, 8, 8) → (n, 16 · channels)."""

    def __init__(self, k: int, channels: int, rng: np.random.Generator) -> None:
        self.k, self.channels = k, channels
        self.kernel = (1.4 / k * rng.standard_normal((k * k, channels))).astype(np.float32)
        self.bias = np.zeros(channels, np.float32)

    def forward(self, images: Array) -> Array:
        low = (self.k - 1) // 2
        padded = np.pad(
            images, ((0, 0), (low, self.k - 1 - low), (low, self.k - 1 - low)), constant_values=-1
        )
        windows = sliding_window_view(padded, (self.k, self.k), axis=(1, 2))
        self.patches = windows.reshape(-1, self.k * self.k)
        out = np.maximum(self.patches @ self.kernel + self.bias, 0)
        blocks = out.reshape(-1, 4, 2, 4, 2, self.channels)
        pooled = blocks.max(axis=(2, 4), keepdims=True)
        self.passed = (blocks == pooled) & (blocks > 0)
        found: Array = pooled.reshape(len(images), -1)
        return found

    def backward(self, gradient: Array) -> list[Array]:
        spread = self.passed * gradient.reshape(-1, 4, 1, 4, 1, self.channels)
        flat = spread.reshape(-1, self.channels)
        return [self.patches.T @ flat, flat.sum(axis=0)]


def shifted(images: Array, most: int, rng: np.random.Generator) -> Array:
    """Each batch moved by up to `most` pixels."""
    if not most:
        return images
    down, right = rng.integers(-most, most + 1, 2)
    return np.roll(images, (int(down), int(right)), axis=(1, 2))


def train(config: Config, seed: int) -> Iterator[float]:
    """Validation error in percent after each pass."""
    rng, x, y = np.random.default_rng(seed), scaled().reshape(-1, 8, 8), digits().labels
    convolution = Convolution(config["kernel"], config["channels"], rng)
    net = Net([16 * config["channels"], config["hidden"], 10], "relu", rng)
    parameters = [convolution.kernel, convolution.bias, *net.parameters]
    optimiser = Optimiser(config["optimiser"], parameters, config["momentum"])
    order = batches(TRAINED, config["batch"], rng)

    def update(done: float) -> None:
        chosen = next(order)
        seen = convolution.forward(shifted(x[chosen], config["shift"], rng))
        own, below = net.backward(log_loss(net.forward(seen), y[chosen])[1])
        gradients = clipped([*convolution.backward(below), *own], config["clip"])
        optimiser.step(gradients, config["lr"] * scheduled(config["schedule"], done))

    def value() -> float:
        logits = net.forward(convolution.forward(x[TRAINED:]))
        return 100 * (1 - accuracy(logits, y[TRAINED:]))

    return play(STEPS, TRAINED // config["batch"], update, value)
