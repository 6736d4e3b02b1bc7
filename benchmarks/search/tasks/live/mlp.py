"""Digits by a small dense network; one in ten training labels is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from tasks.live.data import digits, scaled
from tasks.live.net import ACTIVATIONS, Net
from tasks.live.training import (
    OPTIMISERS,
    SCHEDULES,
    Optimiser,
    batches,
    bounded,
    log_loss,
    play,
    scheduled,
)
from tasks.task import Config, among, log_uniform, log_whole, uniform, whole

STEPS: Final = 30
TRAIN, VALID = slice(0, 900), slice(900, 1797)
PARAMETERS: Final = {
    "lr": log_uniform(1e-5, 10.0),
    "optimiser": among(*OPTIMISERS),
    "momentum": uniform(0.0, 0.99),
    "batch": log_whole(8, 512),
    "width": log_whole(8, 256),
    "depth": whole(1, 4),
    "activation": among(*ACTIVATIONS),
    "weight_decay": log_uniform(1e-7, 1.0),
    "dropout": uniform(0.0, 0.8),
    "schedule": among(*SCHEDULES),
}


def train(config: Config, seed: int) -> Iterator[float]:
    """Validation cross entropy after each pass."""
    rng, x, y = np.random.default_rng(seed), scaled(), digits().labels.copy()
    wrong = np.random.default_rng(0).random(900) < 0.1
    y[TRAIN][wrong] = (y[TRAIN][wrong] + 3) % 10
    sizes = [64, *[config["width"]] * config["depth"], 10]
    net = Net(sizes, config["activation"], rng)
    optimiser = Optimiser(
        config["optimiser"], net.parameters, config["momentum"], config["weight_decay"]
    )
    order = batches(900, config["batch"], rng)

    def update(done: float) -> None:
        chosen = next(order)
        _, gradient = log_loss(net.forward(x[chosen], config["dropout"], rng), y[chosen])
        optimiser.step(
            net.backward(gradient)[0], config["lr"] * scheduled(config["schedule"], done)
        )

    def value() -> float:
        return bounded(log_loss(net.forward(x[VALID]), y[VALID])[0])

    return play(STEPS, 900 // config["batch"], update, value)
