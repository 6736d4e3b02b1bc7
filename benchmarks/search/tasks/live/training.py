"""What the live trainings have in common: steps that end in NaN, batches, schedules over the full length, optimisers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

SCHEDULES: Final = ("constant", "cosine", "one-cycle", "step")
DIVERGED: Final = 50.0
"""A loss (chance is about 1 to 5) that counts as the end of a training."""
OPTIMISERS: Final = ("sgd", "rmsprop", "adam")


def play(
    steps: int, updates: int, update: Callable[[float], None], value: Callable[[], float]
) -> Iterator[float]:
    """The value after each step of `updates` updates, which are told the share of the whole training that is done; NaN for
    good from the first step whose value is not finite."""
    for step in range(steps):
        found = _step(step, steps, updates, update, value)
        if not math.isfinite(found):
            yield from [math.nan] * (steps - step)
            return
        yield found


def _step(
    step: int,
    steps: int,
    updates: int,
    update: Callable[[float], None],
    value: Callable[[], float],
) -> float:
    # no `yield` inside: the error state would leak to whoever asks for the next step
    with np.errstate(all="ignore"):
        for i in range(updates):
            update((step * updates + i) / (steps * updates))
        return float(value())


def batches(count: int, size: int, rng: np.random.Generator) -> Iterator[Array]:
    """Indices, each once a pass, without end; the rest of a pass that fills no batch is left out."""
    size = min(size, count)
    while True:
        order = rng.permutation(count)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]


def scheduled(kind: str, done: float) -> float:
    """The factor of the learning rate when a share `done` of the training is behind."""
    if kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    if kind == "one-cycle":
        return done / 0.3 if done < 0.3 else 0.5 * (1 + math.cos(math.pi * (done - 0.3) / 0.7))
    if kind == "step":
        return 1.0 if done < 0.5 else 0.1 if done < 0.8 else 0.01
    return 1.0


class Optimiser:
    """SGD with momentum, RMSprop or Adam (Kingma, Ba 2015), with decoupled weight decay; changes `parameters` in place."""

    def __init__(
        self, kind: str, parameters: Sequence[Array], momentum: float = 0.9, decay: float = 0.0
    ) -> None:
        self.kind, self.parameters, self.decay = kind, parameters, decay
        self.momentum = 0.0 if kind == "rmsprop" else momentum
        self.first = [np.zeros_like(p) for p in parameters]
        self.second = [np.zeros_like(p) for p in parameters]
        self.taken = 0

    def step(self, gradients: Sequence[Array], rate: float) -> None:
        self.taken += 1
        slots = zip(self.parameters, gradients, self.first, self.second, strict=True)
        for parameter, gradient, first, second in slots:
            if self.decay:
                parameter *= 1 - rate * self.decay
            parameter -= rate * self._direction(gradient, first, second)

    def _direction(self, gradient: Array, first: Array, second: Array) -> Array:
        first *= self.momentum
        if self.kind == "sgd":
            first += gradient
            return first
        first += (1 - self.momentum) * gradient
        second *= 0.99
        second += 0.01 * gradient * gradient
        mean = first / (1 - self.momentum**self.taken) if self.momentum else first
        found: Array = mean / (np.sqrt(second / (1 - 0.99**self.taken)) + 1e-8)
        return found


def clipped(gradients: Sequence[Array], most: float) -> list[Array]:
    """The gradients, scaled down to a norm of `most` in all."""
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients))
    return [g * (most / norm) for g in gradients] if norm > most else list(gradients)


def accuracy(logits: Array, labels: Array) -> float:
    """The share that is right; NaN where the cross entropy is beyond `DIVERGED`."""
    loss, _ = log_loss(logits, labels)
    return float((logits.argmax(axis=1) == labels).mean()) if loss <= DIVERGED else math.nan


def bounded(loss: float) -> float:
    """NaN beyond `DIVERGED`."""
    return loss if loss <= DIVERGED else math.nan


def log_loss(logits: Array, labels: Array) -> tuple[float, Array]:
    """Mean cross entropy in nats, and its gradient: logits (n, classes), labels (n,)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    gradient = np.exp(log_p)
    gradient[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), gradient / len(labels)
