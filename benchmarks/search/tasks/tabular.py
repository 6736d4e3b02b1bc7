"""Final values only, measured for every configuration of a grid: HPOBench (Eggensperger et al. 2021), FC-Net of HPOLib
(Klein, Hutter 2019), NAS-Bench-201 (Dong, Yang 2020). Means over the training seeds; a value counts as the nearest of the grid.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.task import (
    DATA,
    Config,
    Task,
    among,
    log_uniform,
    log_whole,
    named,
    sweep,
    uniform,
    whole,
)

Array: TypeAlias = NDArray[Any]

DATASETS: Final = {
    "hpobench": (
        *("car", "phoneme", "vehicle", "australian"),
        *("kc1", "segment", "blood_transfusion", "credit_g"),
    ),
    "hpolib": (
        *("naval_propulsion", "parkinsons_telemonitoring"),
        *("protein_structure", "slice_localization"),
    ),
    "nasbench201": ("cifar10", "cifar100", "imagenet"),
}
TUNED_ON: Final = (
    *("car", "phoneme", "vehicle", "australian"),
    *("naval_propulsion", "protein_structure", "cifar10"),
)
_METRICS: Final = {"hpobench": "val_error", "hpolib": "log10_mse", "nasbench201": "val_error"}
_LINEAR: Final = ("dropout_1", "dropout_2", "depth")


@cache
def _arrays(source: str) -> Mapping[str, Array]:
    with np.load(DATA / f"tables/{source}.npz") as file:
        return {name: file[name] for name in file.files}


@cache
def grid(source: str) -> Mapping[str, list[Any]]:
    found: Mapping[str, list[Any]] = json.loads(_arrays(source)["space"].tobytes())["space"]
    return found


@cache
def _marks(source: str, name: str) -> Array:
    return _scale(name, np.array(grid(source)[name], float))


def _scale(name: str, values: Array) -> Array:
    return values if name in _LINEAR else np.log(values)


@dataclass(frozen=True)
class Table:
    source: str
    dataset: str

    def curve(self, config: Config, seed: int) -> list[float]:
        return [self.truth(config)]

    def truth(self, config: Config) -> float:
        place = tuple(self._nearest(name, config[name]) for name in grid(self.source))
        value = float(_arrays(self.source)[self.dataset][place])
        if self.source == "hpolib":
            return float(np.log10(value))
        return 100.0 * (1.0 - value) if self.source == "hpobench" else 100.0 - value

    def _nearest(self, name: str, value: Any) -> int:
        if isinstance(value, str):
            return grid(self.source)[name].index(value)
        distance = np.abs(_marks(self.source, name) - _scale(name, np.array(float(value))))
        return int(distance.argmin())


def _parameter(name: str, values: list[Any]) -> dict[str, Any]:
    low, high = values[0], values[-1]
    if isinstance(low, str):
        return among(*values)
    if all(isinstance(value, int) for value in values):
        return whole(low, high) if name in _LINEAR else log_whole(low, high)
    return uniform(low, high) if name in _LINEAR else log_uniform(low, high)


def tasks(family: str) -> Iterator[Task]:
    for source, datasets in DATASETS.items():
        parameters = {name: _parameter(name, values) for name, values in grid(source).items()}
        file = sweep(parameters, 1, _METRICS[source])
        for dataset in datasets:
            name = f"{family}/{source}/{dataset}"
            yield named(name, dataset in TUNED_ON, file, Table(source, dataset))
