"""Real trainings that run on the fly, each in a fraction of a CPU second on one thread: NumPy and SciPy only, so that they
run wherever a peer does. Schedules go over the full length; seeds matter; much of the space diverges."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

from tasks.live import (
    autoencoder,
    boosting,
    cartpole,
    characters,
    cnn,
    factors,
    mlp,
    recurrent,
    topics,
)
from tasks.task import Config, Task, named, sweep, typed

Train: TypeAlias = Callable[[Config, int], Iterator[float]]

# module, tuned on, metric, goal
TRAININGS: Final[dict[str, tuple[ModuleType, bool, str, str]]] = {
    "digits-mlp": (mlp, True, "val_loss", "minimize"),
    "docstring-topics": (topics, True, "val_accuracy", "maximize"),
    "boosted-trees": (boosting, True, "val_loss", "minimize"),
    "cart-pole": (cartpole, True, "mean_length", "maximize"),
    "digits-cnn": (cnn, False, "val_error", "minimize"),
    "digits-autoencoder": (autoencoder, False, "val_mse", "minimize"),
    "characters": (characters, False, "bits", "minimize"),
    "ratings": (factors, False, "rmse", "minimize"),
    "digits-rows": (recurrent, False, "val_accuracy", "maximize"),
}
FRESH: Final = (1_000_000_007, 1_000_000_009, 1_000_000_021)
"""Seeds that no run is given: a run's own are below 2 ** 31 and drawn."""
CACHE: Final = Path(__file__).parents[4] / "build" / "search-truth"


@dataclass(frozen=True)
class Live:
    training: str

    def curve(self, config: Config, seed: int) -> Iterator[float]:
        train: Train = TRAININGS[self.training][0].train
        return train(self._typed(config), seed)

    def truth(self, config: Config) -> float:
        """The mean of the last values with three fresh seeds, kept on disk; NaN if one diverges."""
        kept = CACHE / self.training / f"{self._key(config)}.json"
        if kept.exists():
            return float(json.loads(kept.read_text()))
        ends = (list(self.curve(config, seed))[-1] for seed in FRESH)
        value = math.fsum(ends) / len(FRESH)
        kept.parent.mkdir(parents=True, exist_ok=True)
        written = kept.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps(value))
        written.replace(kept)
        return value

    def _typed(self, config: Config) -> dict[str, Any]:
        return typed(config, TRAININGS[self.training][0].PARAMETERS)

    def _key(self, config: Config) -> str:
        values = json.dumps(self._typed(config), sort_keys=True)
        return hashlib.sha256(f"{_source()} {values}".encode()).hexdigest()[:32]


@cache
def _source() -> str:
    """Changes with the code: what was measured of other code is not this task's."""
    text = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(text).hexdigest()


def tasks(family: str) -> Iterator[Task]:
    for name, (module, tuned_on, metric, goal) in TRAININGS.items():
        parameters: dict[str, Any] = module.PARAMETERS
        file = sweep(parameters, module.STEPS, metric, goal)
        yield named(f"{family}/{name}", tuned_on, file, Live(name))
