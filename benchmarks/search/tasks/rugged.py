"""Rugged and flat landscapes over wide ranges, with luck, slow starters and divergence.

`measured-…`: 1,000 drawn configs, each with a curve; a config gets the curve of the nearest one, so that small steps around a
good one gain nothing. The curves are LCBench's surrogate at places inside its data, changed by what wider ranges do to a
training: too small a rate is slow, too large a one diverges. `made-…`: curves from formulas, with a landscape that is hard in
one way each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.lcbench import EPOCHS, errors
from tasks.task import (
    Config,
    Task,
    among,
    log_uniform,
    log_whole,
    named,
    number_of,
    sweep,
    uniform,
    whole,
)

Array: TypeAlias = NDArray[np.float64]
Parameters: TypeAlias = Mapping[str, Mapping[str, Any]]

DRAWN: Final = 1000
_KNOTS: Final = (1, 2, 3, 4, 6, 8, 11, 14, 18, 23, 29, 36, 44, EPOCHS)
TRAINING: Final[Parameters] = {
    "lr": log_uniform(1e-7, 10.0),
    "decay": log_uniform(1e-10, 1.0),
    "momentum_gap": log_uniform(1e-4, 1.0),
    "batch": log_whole(8, 1024),
    "width": log_whole(16, 2048),
    "layers": whole(1, 6),
    "dropout": uniform(0.0, 0.9),
    "epsilon": log_uniform(1e-12, 1e-2),
    "schedule": among("constant", "cosine", "step"),
}
FORMULA: Final[Parameters] = {
    "rate": log_uniform(1e-8, 1e2),
    "penalty": log_uniform(1e-9, 1e1),
    "scale": log_uniform(1e-3, 1e3),
    "share": uniform(0.0, 1.0),
    "angle": uniform(-90.0, 90.0),
    "count": whole(1, 40),
    "kind": among("red", "green", "blue"),
    "size": among(16, 32, 64, 128),
}
# data set of the surrogate → (tuned on, goal)
LOOKED_UP: Final = {
    "7593": (True, "minimize"),
    "189865": (True, "maximize"),
    "167104": (False, "minimize"),
    "168331": (False, "maximize"),
}
# landscape → (tuned on, steps)
MADE: Final = {
    "flat": (True, 27),
    "stairs": (True, 40),
    "crossing": (False, 100),
    "cells": (False, 30),
}


def place(config: Config, parameters: Parameters) -> Array:
    """The config in [0, 1] a number, and 0 or ½ a category."""
    found: list[float] = []
    for name, parameter in parameters.items():
        value = config[name]
        if "values" in parameter:
            found += [0.5 * (value == one) for one in parameter["values"]]
        elif "log" in parameter["distribution"]:
            low, high = math.log(parameter["min"]), math.log(parameter["max"])
            found.append((math.log(value) - low) / (high - low))
        else:
            found.append((value - parameter["min"]) / (parameter["max"] - parameter["min"]))
    return np.array(found)


def draw(parameters: Parameters, rng: np.random.Generator) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, parameter in parameters.items():
        u = rng.random()
        if "values" in parameter:
            config[name] = parameter["values"][int(u * len(parameter["values"]))]
            continue
        low, high = parameter["min"], parameter["max"]
        logarithmic = "log" in parameter["distribution"]
        value = low * (high / low) ** u if logarithmic else low + u * (high - low)
        config[name] = round(value) if isinstance(low, int) else value
    return config


def luck(curve: Array, unit: float, rng: np.random.Generator) -> Array:
    """The curve with a run's own offset (3 % of `unit`) and jitter that lasts a few steps (2 %)."""
    jitter = rng.standard_normal(len(curve))
    for step in range(1, len(jitter)):
        jitter[step] = 0.5 * jitter[step - 1] + 0.87 * jitter[step]
    return curve + unit * (0.03 * rng.standard_normal() + 0.02 * jitter)


# -- looked up ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """`curves`: shape (DRAWN, EPOCHS), NaN where diverged; `places`: (DRAWN, coordinates)."""

    places: Array
    curves: Array

    @property
    def unit(self) -> float:
        """The middle half of the ends."""
        low, high = np.nanquantile(self.curves[:, -1], (0.25, 0.75))
        return float(high - low)


@cache
def measured(dataset: str) -> Measured:
    rng = np.random.default_rng(int(dataset))
    configs = [draw(TRAINING, rng) for _ in range(DRAWN)]
    plain = errors(dataset, [_inside(config) for config in configs], _KNOTS)
    curves = [_wide(c, curve, rng) for c, curve in zip(configs, plain, strict=True)]
    return Measured(np.array([place(c, TRAINING) for c in configs]), np.array(curves))


def _inside(config: Config) -> dict[str, float]:
    """The nearest config that LCBench knows."""
    return {
        "batch_size": float(np.clip(config["batch"], 16, 512)),
        "learning_rate": float(np.clip(config["lr"], 1e-4, 1e-1)),
        "max_dropout": config["dropout"],
        "max_units": float(np.clip(config["width"], 64, 1024)),
        "momentum": float(np.clip(1 - config["momentum_gap"], 0.1, 0.99)),
        "num_layers": float(min(config["layers"], 5)),
        "weight_decay": float(np.clip(config["decay"], 1e-5, 1e-1)),
    }


def _wide(config: Config, curve: Array, rng: np.random.Generator) -> Array:
    """The curve as the wider ranges would have it."""
    epochs, spread = np.arange(1, EPOCHS + 1), float(np.ptp(curve))
    pace = min(1.0, (config["lr"] / 1e-4) ** 0.4)
    bend = 1.5 if config["schedule"] == "cosine" else 1.0
    bent = np.interp(pace * EPOCHS * (epochs / EPOCHS) ** bend, _KNOTS, curve)
    before_the_step = (config["schedule"] == "step") & (epochs < 0.6 * EPOCHS)
    bent = (bent + 0.15 * spread * before_the_step) * (0.93 if bend > 1 else 1.0)
    bent = bent + 0.3 * spread * max(0.0, math.log10(config["decay"] / 0.1))
    heat = math.log10(config["lr"]) - 0.3 * math.log10(config["momentum_gap"])
    return _exploded(bent, heat + 0.7 * rng.standard_normal(), rng)


def _exploded(curve: Array, heat: float, rng: np.random.Generator) -> Array:
    """NaN from some step on where `heat` is above 0, the sooner the hotter, after a dip that does not last."""
    if heat <= 0:
        return curve
    last = int(len(curve) * rng.random() * math.exp(-heat))
    spoilt = curve.copy()
    spoilt[max(last - 1, 0) : last] *= 0.97
    spoilt[last:] = math.nan
    return spoilt


@dataclass(frozen=True)
class LookedUp:
    dataset: str
    sign: int

    def curve(self, config: Config, seed: int) -> Array:
        table = measured(self.dataset)
        rng = np.random.default_rng([seed, number_of(config, TRAINING)])
        return self._shown(luck(table.curves[self._nearest(config)], table.unit, rng))

    def truth(self, config: Config) -> float:
        return float(self._shown(measured(self.dataset).curves[self._nearest(config)])[-1])

    def best(self) -> float:
        return float(self._shown(np.array(np.nanmin(measured(self.dataset).curves[:, -1]))))

    def _nearest(self, config: Config) -> int:
        distance = measured(self.dataset).places - place(config, TRAINING)
        return int((distance**2).sum(axis=1).argmin())

    def _shown(self, error: Array) -> Array:
        return error if self.sign > 0 else 1.0 - error / 100.0


# -- made --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """`flat`: a plateau with one basin. `stairs`: steps, with the optimum at an edge. `crossing`: what ends well starts
    slowly. `cells`: each small box has a worth of its own on top of a broad valley."""

    landscape: str
    steps: int

    def curve(self, config: Config, seed: int) -> Array:
        rng = np.random.default_rng([seed, number_of(config, FORMULA)])
        return luck(self._curve(config), 0.5, rng)

    def truth(self, config: Config) -> float:
        return float(self._curve(config)[-1])

    def _curve(self, config: Config) -> Array:
        u, own = place(config, FORMULA), np.random.default_rng(number_of(config, FORMULA))
        end = self._end(u, config)
        slow = 0.12 + 0.2 * own.random()
        if self.landscape == "crossing":
            slow = 0.08 + 0.5 * (1 - min(end, 1.0)) ** 2
        passed = np.arange(1, self.steps + 1) / (slow * self.steps)
        curve = end + (1.3 - end) * np.exp(-(passed**1.3))
        return _exploded(curve, 4 * (u[0] + 0.3 * u[2] - 0.95), own)

    def _end(self, u: Array, config: Config) -> float:
        away = np.abs(u[:6] - _OPTIMA[self.landscape])
        if config["kind"] == "blue":
            away[3] = abs(u[3] - 0.8)
        category: float = 0.15 * (config["kind"] == "green") + 0.1 * (config["size"] in (16, 128))
        if self.landscape == "flat":
            return float(1.0 + category / 4 - math.exp(-float((away[:4] ** 2).sum()) / 0.18))
        valley = float((_WEIGHTS * away).sum()) + category
        if self.landscape == "stairs":
            return math.floor(10 * valley) / 10.0
        if self.landscape == "cells":
            cell = float(np.random.default_rng([int(x) for x in 5 * u + 1]).random())
            return 0.7 * valley + 0.35 * cell
        return valley


_WEIGHTS: Final[Array] = np.array([0.9, 0.5, 0.1, 0.5, 0.02, 0.3])
_OPTIMA: Final[Mapping[str, Array]] = {
    "flat": np.array([0.45, 0.3, 0.6, 0.3, 0.5, 0.7]),
    "stairs": np.array([0.6, 1.0, 0.4, 0.0, 0.5, 0.2]),
    "crossing": np.array([0.35, 0.6, 0.5, 0.4, 0.5, 0.9]),
    "cells": np.array([0.5, 0.2, 0.3, 0.7, 0.5, 0.4]),
}


def tasks(family: str) -> Iterator[Task]:
    for dataset, (tuned_on, goal) in LOOKED_UP.items():
        sign, metric = (1, "val_error") if goal == "minimize" else (-1, "val_accuracy")
        file = sweep(TRAINING, EPOCHS, metric, goal)
        yield named(f"{family}/measured-{dataset}", tuned_on, file, LookedUp(dataset, sign))
    for landscape, (tuned_on, steps) in MADE.items():
        file = sweep(FORMULA, steps, "loss")
        yield named(f"{family}/made-{landscape}", tuned_on, file, Made(landscape, steps))
