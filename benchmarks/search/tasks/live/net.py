"""Dense layers with their gradients, in float32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

ACTIVATIONS: Final = ("relu", "tanh", "sigmoid")


def activate(kind: str, x: Array) -> Array:
    if kind == "relu":
        return np.maximum(x, 0)
    found: Array = np.tanh(x) if kind == "tanh" else 1 / (1 + np.exp(-x))
    return found


def slope(kind: str, y: Array) -> Array:
    """The derivative where the activation's value is `y`."""
    if kind == "relu":
        return (y > 0).astype(y.dtype)
    return 1 - y * y if kind == "tanh" else y * (1 - y)


class Net:
    """`sizes`: of the layers, inputs first. `gain`: of the first weights' standard deviation, in units of 1 / √inputs."""

    def __init__(
        self, sizes: Sequence[int], activation: str, rng: np.random.Generator, gain: float = 1.4
    ) -> None:
        self.activation = activation
        self.weights = [
            (gain / math.sqrt(a) * rng.standard_normal((a, b))).astype(np.float32)
            for a, b in pairwise(sizes)
        ]
        self.biases = [np.zeros(b, np.float32) for b in sizes[1:]]
        self.inputs: list[Array] = []
        self.masks: list[Array | None] = []

    @property
    def parameters(self) -> list[Array]:
        return [*self.weights, *self.biases]

    def forward(
        self, x: Array, dropout: float = 0.0, rng: np.random.Generator | None = None
    ) -> Array:
        """(n, inputs) → (n, outputs); with `rng`, hidden units are dropped."""
        self.inputs, self.masks = [x], []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = activate(self.activation, x @ weight + bias)
            mask = None
            if dropout and rng is not None:
                mask = (rng.random(x.shape, np.float32) >= dropout) / np.float32(1 - dropout)
            self.masks.append(mask)
            self.inputs.append(x)
            x = x if mask is None else x * mask
        return x @ self.weights[-1] + self.biases[-1]

    def backward(self, gradient: Array) -> tuple[list[Array], Array]:
        """Gradients of `parameters`, and of the inputs, given that of the last `forward`'s outputs."""
        weights, biases = [], []
        for layer in reversed(range(len(self.weights))):
            value = self.inputs[layer]
            mask = self.masks[layer - 1] if layer else None
            seen = value if mask is None else value * mask
            weights.append(seen.T @ gradient)
            biases.append(gradient.sum(axis=0))
            gradient = gradient @ self.weights[layer].T
            if layer:
                gradient = gradient if mask is None else gradient * mask
                gradient = gradient * slope(self.activation, value)
        return [*weights[::-1], *biases[::-1]], gradient
