"""Ratings of 200 people and 150 things, of rank 6 with noise, by matrix factorisation with SGD."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.live.training import SCHEDULES, batches, bounded, play, scheduled
from tasks.task import Config, among, log_uniform, log_whole, uniform

Array: TypeAlias = NDArray[Any]

STEPS: Final = 30
PEOPLE, THINGS = 200, 150
KNOWN: Final = 6000
PARAMETERS: Final = {
    "lr": log_uniform(1e-3, 1e2),
    "momentum": uniform(0.0, 0.99),
    "l2": log_uniform(1e-7, 1.0),
    "l2_bias": log_uniform(1e-7, 1.0),
    "rank": log_whole(1, 64),
    "scale": log_uniform(1e-4, 10.0),
    "batch": log_whole(16, 1024),
    "biases": among(True, False),
    "schedule": among(*SCHEDULES),
}


class Ratings(NamedTuple):
    """All of shape (9000,): `KNOWN` to learn from, then those held out."""

    person: Array
    thing: Array
    value: Array


@cache
def ratings() -> Ratings:
    rng = np.random.default_rng(11)
    taste = rng.standard_normal((PEOPLE, 6)) @ rng.standard_normal((6, THINGS)) / np.sqrt(6)
    level = 0.6 * rng.standard_normal((PEOPLE, 1)) + 0.8 * rng.standard_normal(THINGS)
    pairs = rng.permutation(PEOPLE * THINGS)[:9000]
    person, thing = pairs // THINGS, pairs % THINGS
    noise = 0.3 * rng.standard_normal(len(pairs))
    return Ratings(person, thing, (taste + level)[person, thing] + noise)


class Factors:
    """Both sides' factors and biases; the bias is each row's last column but one for people, the last for things."""

    def __init__(self, config: Config, rng: np.random.Generator) -> None:
        self.rank = config["rank"]
        scale = config["scale"] / np.sqrt(self.rank)
        self.sides = []
        for count in (PEOPLE, THINGS):
            factors = scale * rng.standard_normal((count, self.rank))
            self.sides.append(np.concatenate([factors, np.zeros((count, 1))], axis=1))
        self.speeds = [np.zeros_like(side) for side in self.sides]
        self.decay = np.array([config["l2"]] * self.rank + [config["l2_bias"]])
        self.moves = np.array([1.0] * self.rank + [float(config["biases"])])

    def predicted(self, a: Array, b: Array) -> Array:
        found: Array = (a[:, :-1] * b[:, :-1]).sum(axis=1) + a[:, -1] + b[:, -1]
        return found

    def step(self, rows: Array, rate: float, momentum: float) -> None:
        known = ratings()
        at = (known.person[rows], known.thing[rows])
        a, b = self.sides[0][at[0]], self.sides[1][at[1]]
        away = (self.predicted(a, b) - known.value[rows])[:, None] / len(rows)
        for side, speed, place, other in zip(self.sides, self.speeds, at, (b, a), strict=True):
            gradient = self.decay * side / len(side)
            seen = np.concatenate([other[:, :-1], np.ones((len(rows), 1))], axis=1)
            np.add.at(gradient, place, away * seen)
            speed *= momentum
            speed += gradient * self.moves
            side -= rate * speed


def train(config: Config, seed: int) -> Iterator[float]:
    """Root mean squared error of the ratings held out, after each pass."""
    rng, known = np.random.default_rng(seed), ratings()
    factors = Factors(config, rng)
    order = batches(KNOWN, config["batch"], rng)

    def update(done: float) -> None:
        rate = config["lr"] * scheduled(config["schedule"], done)
        factors.step(next(order), rate, config["momentum"])

    def value() -> float:
        a, b = factors.sides[0][known.person[KNOWN:]], factors.sides[1][known.thing[KNOWN:]]
        away = factors.predicted(a, b) - known.value[KNOWN:]
        return bounded(float(np.sqrt(np.square(away).mean())))

    return play(STEPS, max(KNOWN // config["batch"] // 2, 1), update, value)
