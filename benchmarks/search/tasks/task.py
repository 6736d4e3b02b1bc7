"""A task of the benchmark: a sweep, what stands in for its training, and the yardstick of a result."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

Config: TypeAlias = Mapping[str, Any]

DATA = Path(__file__).parents[1] / "data"
_WHOLE: Final = ("int_uniform", "q_log_uniform_values")
MEASURED = Path(__file__).with_name("measured.json")


class Problem(Protocol):
    """What is trained. A config may hold keys besides the parameters; they do not matter."""

    def curve(self, config: Config, seed: int) -> Iterable[float]:
        """The metric at steps 1, 2, 3 …; NaN from where the training diverged."""

    def truth(self, config: Config) -> float:
        """What the config is worth, whatever the luck of a run."""


@dataclass(frozen=True)
class Task:
    """`best` and `median`: the best truth known, and that of a random config in the middle. `steps`: of a full
    training. `default`: a config about as good as the best quarter of random ones. `tuned_on`: may be looked at while the
    search is made."""

    name: str
    family: str
    tuned_on: bool
    sweep: Mapping[str, Any]
    steps: int
    default: Mapping[str, Any]
    problem: Problem
    best: float
    median: float

    def curve(self, config: Config, seed: int) -> Iterable[float]:
        return self.problem.curve(config, seed)

    def truth(self, config: Config) -> float:
        return self.problem.truth(config)

    def regret(self, value: float) -> float:
        """0 at the best known, 1 at a random config's median and beyond; 1 for what diverged."""
        if not math.isfinite(value):
            return 1.0
        return min(max((value - self.best) / (self.median - self.best), 0.0), 1.0)


def sweep(
    parameters: Mapping[str, Any], steps: int, metric: str, goal: str = "minimize"
) -> dict[str, Any]:
    """The sweep file as a dict, without early stopping."""
    return {
        "method": "bayes",
        "metric": {"name": metric, "goal": goal},
        "parameters": dict(parameters),
        "swept": {"epochs": steps},
    }


def named(
    name: str, tuned_on: bool, file: Mapping[str, Any], problem: Problem, like: str = ""
) -> Task:
    """The task with what was measured of it, or of the task `like`, whose yardstick it shares."""
    known = measured().get(like or name, {"best": math.nan, "median": math.nan, "default": {}})
    return Task(
        name,
        name.split("/")[0],
        tuned_on,
        file,
        file["swept"]["epochs"],
        known["default"],
        problem,
        known["best"],
        known["median"],
    )


@cache
def measured() -> Mapping[str, Any]:
    """Written by `python -m tasks.measure`."""
    found: Mapping[str, Any] = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    return found


def number_of(config: Config, names: Iterable[str]) -> int:
    """A number for the values of these parameters, the same on every machine; 64 and 64.0 are alike."""
    values = [config[name] for name in sorted(names)]
    alike = [value if isinstance(value, str) else float(value) for value in values]
    return zlib.crc32(repr(alike).encode())


def typed(config: Config, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters' values as they are written here, whoever suggested them: whole numbers are ints, a category is the one
    that equals it. Raises ValueError for what is no category."""
    return {name: _typed(config[name], parameter) for name, parameter in parameters.items()}


def _typed(value: Any, parameter: Mapping[str, Any]) -> Any:
    if "values" in parameter:
        return parameter["values"][parameter["values"].index(value)]
    return round(value) if parameter["distribution"] in _WHOLE else value


def uniform(low: float, high: float) -> dict[str, Any]:
    return {"distribution": "uniform", "min": low, "max": high}


def log_uniform(low: float, high: float) -> dict[str, Any]:
    return {"distribution": "log_uniform_values", "min": low, "max": high}


def whole(low: int, high: int) -> dict[str, Any]:
    return {"distribution": "int_uniform", "min": low, "max": high}


def log_whole(low: int, high: int) -> dict[str, Any]:
    return {"distribution": "q_log_uniform_values", "min": low, "max": high, "q": 1}


def among(*values: Any) -> dict[str, Any]:
    return {"values": list(values)}
