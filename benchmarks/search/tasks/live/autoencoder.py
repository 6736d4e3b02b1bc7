"""Digits through eight numbers and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from tasks.live.data import scaled
from tasks.live.net import ACTIVATIONS, Net
from tasks.live.training import (
    OPTIMISERS,
    SCHEDULES,
    Optimiser,
    batches,
    bounded,
    clipped,
    play,
    scheduled,
)
from tasks.task import Config, among, log_uniform, log_whole, uniform

STEPS: Final = 40
TRAINED: Final = 1000
PARAMETERS: Final = {
    "lr": log_uniform(1e-6, 10.0),
    "optimiser": among(*OPTIMISERS),
    "momentum": uniform(0.0, 0.99),
    "batch": log_whole(16, 512),
    "width": log_whole(8, 128),
    "activation": among(*ACTIVATIONS),
    "gain": log_uniform(1e-2, 1e2),
    "noise": uniform(0.0, 1.0),
    "clip": log_uniform(1e-3, 1e3),
    "schedule": among(*SCHEDULES),
}


def train(config: Config, seed: int) -> Iterator[float]:
    """Mean squared error on held-out images after each pass."""
    rng, x = np.random.default_rng(seed), scaled()
    width = config["width"]
    net = Net([64, width, 8, width, 64], config["activation"], rng, config["gain"])
    optimiser = Optimiser(config["optimiser"], net.parameters, config["momentum"])
    order = batches(TRAINED, config["batch"], rng)

    def update(done: float) -> None:
        clean = x[next(order)]
        noise = np.float32(config["noise"]) * rng.standard_normal(clean.shape, np.float32)
        away = (net.forward(clean + noise) - clean) / len(clean)
        gradients = clipped(net.backward(away)[0], config["clip"])
        optimiser.step(gradients, config["lr"] * scheduled(config["schedule"], done))

    def value() -> float:
        return bounded(float(np.square(net.forward(x[TRAINED:]) - x[TRAINED:]).mean()))

    return play(STEPS, TRAINED // config["batch"], update, value)
