"""LCBench: the training curves of neural networks on 13 tabular data sets, by a surrogate model.

The surrogate is YAHPO Gym's (Pfisterer et al. 2022), fitted on LCBench (Zimmer, Lindauer, Hutter 2021): 52 epochs, seven
parameters. Its data sets are those whose optimum is believable. The metric is the validation error in percent; a config is
worth the smallest of its curve. Two variants make the curves less kind: `lcbench-noisy` and `lcbench-warped`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.task import (
    DATA,
    Config,
    Problem,
    Task,
    log_uniform,
    log_whole,
    measured,
    named,
    number_of,
    sweep,
    uniform,
    whole,
)

Array: TypeAlias = NDArray[Any]

EPOCHS: Final = 52
TUNED_ON: Final = ("3945", "146212", "167149", "167168", "167181", "189905", "168868")
OTHERS: Final = ("34539", "167152", "167184", "167185", "189873", "189906")
PARAMETERS: Final = {
    "batch_size": log_whole(16, 512),
    "learning_rate": log_uniform(1e-4, 1e-1),
    "max_dropout": uniform(0.0, 1.0),
    "max_units": log_whole(64, 1024),
    "momentum": uniform(0.1, 0.99),
    "num_layers": whole(1, 5),
    "weight_decay": uniform(1e-5, 0.1),
}
_INPUTS: Final = (
    *("epoch", "batch_size", "learning_rate", "momentum"),
    *("weight_decay", "num_layers", "max_units", "max_dropout"),
)
# per input: (added before the logarithm or None, subtracted, divided by) by their names in the model's graph
_SCALES: Final = (
    ("45", "49", "51"),
    (None, "58", "60"),
    ("67", "71", "73"),
    (None, "80", "82"),
    ("89", "93", "95"),
    (None, "102", "104"),
    (None, "111", "113"),
    (None, "120", "122"),
)


@dataclass(frozen=True)
class Surrogate:
    """The network: an embedding of the data set, three gated residual blocks, a head of six sigmoids."""

    weights: Mapping[str, Array]

    def errors(self, dataset: int, inputs: Array) -> Array:
        """Validation error in percent for `inputs` of shape (n, 8), in the order of `_INPUTS`: shape (n,)."""
        embedding = np.broadcast_to(self.weights["embds_fct.0.weight"][dataset], (len(inputs), 24))
        x = self._dense("first_layer", np.concatenate([embedding, self._scaled(inputs)], axis=1))
        for block in ("layers.0", "layers.1", "layers.2"):
            value, gate = np.split(
                self._dense(f"{block}.linear0", self._norm(f"{block}.norm", x)), 2, 1
            )
            x = x + self._dense(f"{block}.linear1", value * np.maximum(gate, 0))
        out = self._dense("head", np.maximum(self._norm("last_normalization", x), 0))[:, 1]
        unit = 1 / (1 + np.exp(-out))
        accuracy = np.exp(unit * self.weights["205"] + self.weights["207"])
        return 100.0 - accuracy.astype(float)

    def _scaled(self, inputs: Array) -> Array:
        columns = []
        for column, (offset, mean, scale) in zip(inputs.T, _SCALES, strict=True):
            x = column if offset is None else np.log(column + self.weights[offset])
            columns.append((x - self.weights[mean]) / self.weights[scale])
        return np.stack(columns, axis=1)

    def _dense(self, layer: str, x: Array) -> Array:
        return x @ self.weights[f"{layer}.weight"].T + self.weights[f"{layer}.bias"]

    def _norm(self, layer: str, x: Array) -> Array:
        w = self.weights
        spread = np.sqrt(w[f"{layer}.running_var"] + np.float32(1e-5))
        scaled = (x - w[f"{layer}.running_mean"]) / spread
        return scaled * w[f"{layer}.weight"] + w[f"{layer}.bias"]


@cache
def surrogate() -> Surrogate:
    with np.load(DATA / "lcbench/model.npz") as file:
        return Surrogate({name[2:]: file[name] for name in file.files if name.startswith("w:")})


@cache
def _codes() -> Mapping[str, int]:
    found: Mapping[str, int] = json.loads((DATA / "lcbench/encoding.json").read_text())[
        "OpenML_task_id"
    ]
    return found


def errors(
    dataset: str, configs: Iterable[Config], epochs: Sequence[int] = range(1, EPOCHS + 1)
) -> Array:
    """Validation error in percent, shape (configs, epochs)."""
    rows = np.array([[config[name] for name in _INPUTS[1:]] for config in configs], np.float32)
    first = np.tile(np.array(epochs, np.float32), len(rows))[:, None]
    inputs = np.concatenate([first, np.repeat(rows, len(epochs), axis=0)], axis=1)
    return surrogate().errors(_codes()[dataset], inputs).reshape(-1, len(epochs))


@dataclass(frozen=True)
class LCBench:
    dataset: str

    def curve(self, config: Config, seed: int) -> Array:
        return np.asarray(errors(self.dataset, [config])[0])

    def truth(self, config: Config) -> float:
        return float(errors(self.dataset, [config]).min())


@dataclass(frozen=True)
class Noisy:
    """Luck of a run, N(0, 3 %), and of each epoch, N(0, 1 %), in percent of median − best known."""

    plain: LCBench
    unit: float

    def curve(self, config: Config, seed: int) -> Array:
        rng = np.random.default_rng([seed, number_of(config, PARAMETERS)])
        luck = 0.03 * rng.standard_normal() + 0.01 * rng.standard_normal(EPOCHS)
        return self.plain.curve(config, seed) + self.unit * luck

    def truth(self, config: Config) -> float:
        return self.plain.truth(config)


@dataclass(frozen=True)
class Warped:
    """Each config starts 1 to 3 times slower and ends the same; how much says nothing of its worth."""

    plain: LCBench

    def curve(self, config: Config, seed: int) -> Array:
        slower = 1 + 2 * np.random.default_rng(number_of(config, PARAMETERS)).random()
        epochs = np.arange(1, EPOCHS + 1)
        reached = epochs / (slower - (slower - 1) * epochs / EPOCHS)
        return np.interp(reached, epochs, self.plain.curve(config, seed))

    def truth(self, config: Config) -> float:
        return float(self.curve(config, 0).min())


def tasks(family: str) -> Iterator[Task]:
    file = sweep(PARAMETERS, EPOCHS, "val_error")
    for dataset in (*TUNED_ON, *OTHERS):
        like = f"lcbench/{dataset}"
        known = measured().get(like, {"best": 0.0, "median": 0.0})
        plain = LCBench(dataset)
        problems: dict[str, Problem] = {
            "lcbench": plain,
            "lcbench-noisy": Noisy(plain, known["median"] - known["best"]),
            "lcbench-warped": Warped(plain),
        }
        yield named(f"{family}/{dataset}", dataset in TUNED_ON, file, problems[family], like)
