"""A pole balanced on a cart by REINFORCE (Williams 1992; the cart-pole of Barto, Sutton, Anderson 1983)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.live.net import Net
from tasks.live.training import OPTIMISERS, SCHEDULES, Optimiser, clipped, play, scheduled
from tasks.task import Config, among, log_uniform, log_whole

Array: TypeAlias = NDArray[Any]

STEPS: Final = 25
LONGEST: Final = 120
GUST: Final = 12.0
"""Standard deviation of the push that each moment adds, in newtons: no policy lasts for ever."""
PARAMETERS: Final = {
    "lr": log_uniform(1e-5, 10.0),
    "optimiser": among(*OPTIMISERS),
    "hidden": log_whole(2, 64),
    "horizon": log_whole(1, 1000),
    "entropy": log_uniform(1e-5, 10.0),
    "baseline": among("none", "mean", "time"),
    "normalised": among(True, False),
    "clip": log_uniform(1e-3, 1e3),
    "schedule": among(*SCHEDULES),
}


class Episodes(NamedTuple):
    """`states` (steps, n, 4), `actions` and `alive` (steps, n)."""

    states: Array
    actions: Array
    alive: Array


def moved(state: Array, action: Array, gust: Array) -> Array:
    """The state (n, 4) 0.02 s later: x, its speed, the angle, its speed."""
    _, v, angle, turn = state.T
    force = np.where(action == 1, 10.0, -10.0) + gust
    sin, cos = np.sin(angle), np.cos(angle)
    push = (force + 0.05 * turn**2 * sin) / 1.1
    faster = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    along = push - 0.05 * faster * cos / 1.1
    found: Array = state + 0.02 * np.stack([v, along, turn, faster], axis=1)
    return found


def played(net: Net, count: int, rng: np.random.Generator) -> Episodes:
    state, alive = rng.uniform(-0.05, 0.05, (count, 4)), np.ones(count, bool)
    seen = []
    for _ in range(LONGEST):
        logit = net.forward(state.astype(np.float32))[:, 0]
        action = (rng.random(count) < 1 / (1 + np.exp(-logit))).astype(int)
        seen.append((state, action, alive))
        gust = GUST * rng.standard_normal(count)
        state = np.where(alive[:, None], moved(state, action, gust), state)
        alive = alive & (np.abs(state[:, 0]) < 2.4) & (np.abs(state[:, 2]) < 0.21)
        if not alive.any():
            break
    return Episodes(*(np.array(part) for part in zip(*seen, strict=True)))


def advantages(episodes: Episodes, config: Config) -> Array:
    """Discounted rewards to go, (steps, n), against the baseline."""
    discount, alive = 1 - 1 / (1 + config["horizon"]), episodes.alive.astype(float)
    reward = np.zeros_like(alive)
    ahead = np.zeros(alive.shape[1])
    for step in reversed(range(len(alive))):
        ahead = alive[step] * (1 + discount * ahead)
        reward[step] = ahead
    if config["baseline"] == "mean":
        reward = reward - reward.sum() / alive.sum()
    if config["baseline"] == "time":
        reward = reward - reward.sum(axis=1, keepdims=True) / np.maximum(
            alive.sum(axis=1, keepdims=True), 1
        )
    if config["normalised"]:
        reward = reward / (np.sqrt((alive * reward**2).sum() / alive.sum()) + 1e-8)
    found: Array = alive * reward
    return found


def train(config: Config, seed: int) -> Iterator[float]:
    """Mean length of 24 episodes after each two updates; 120 is the longest."""
    rng = np.random.default_rng(seed)
    net = Net([4, config["hidden"], 1], "tanh", rng)
    optimiser = Optimiser(config["optimiser"], net.parameters)

    def update(done: float) -> None:
        episodes = played(net, 8, rng)
        worth = advantages(episodes, config).ravel() / episodes.alive.sum()
        logit = net.forward(episodes.states.reshape(-1, 4).astype(np.float32))[:, 0]
        p = 1 / (1 + np.exp(-logit))
        pull = worth * (p - episodes.actions.ravel())
        spread = config["entropy"] * logit * p * (1 - p) * episodes.alive.ravel()
        gradient = (pull + spread / episodes.alive.sum()).astype(np.float32)
        gradients = clipped(net.backward(gradient[:, None])[0], config["clip"])
        optimiser.step(gradients, config["lr"] * scheduled(config["schedule"], done))

    def value() -> float:
        if max(float(np.abs(parameter).max()) for parameter in net.parameters) > 1e3:
            return math.nan
        return float(played(net, 24, rng).alive.sum()) / 24

    return play(STEPS, 2, update, value)
