"""The yardsticks: `nice python -m tasks.measure [FAMILY or TASK …]` writes `measured.json`.

Random configs and a local search around the best of them give the best known, the median, and a default that a quarter of
random configs beat. LCBench and the tables were searched further by others: of those only the default is found here, and
`best` and `median` are kept as they stand in the file.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from swept.space import Space
from swept.spec import parse_mapping
from tasks import load
from tasks.live import FRESH
from tasks.rugged import LookedUp
from tasks.task import MEASURED, Config, Task

DRAWS: Final = 300
KNOWN: Final = ("lcbench", "tabular")


def worth(task: Task, config: Config, quick: bool = False) -> float:
    """What a minimiser sees: diverged is the worst. `quick`: of a live task, the end of one training instead of three."""
    sign = 1.0 if task.sweep["metric"]["goal"] == "minimize" else -1.0
    one = quick and task.family == "live"
    value = list(task.curve(config, FRESH[0]))[-1] if one else task.truth(config)
    return sign * value if math.isfinite(value) else math.inf


def near(space: Space, config: Config, rng: np.random.Generator, spread: float) -> Config:
    """The config with about half of its parameters moved."""
    u = space.to_unit(config)
    moved = np.clip(u + spread * rng.standard_normal(len(u)), 0, 1)
    jumped = np.where(rng.random(len(u)) < 0.2, rng.random(len(u)), moved)
    found: Config = space.from_unit(np.where(rng.random(len(u)) < 0.5, jumped, u))
    return found


def measure(task: Task, known: dict[str, Any] | None) -> dict[str, Any]:
    """`best`, `median`, `default`."""
    space, rng = parse_mapping(task.sweep).space, np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(DRAWS)]
    ranked = sorted(
        ((worth(task, config, quick=True), i, config) for i, config in enumerate(drawn))
    )
    default = ranked[DRAWS // 4][2]
    if known is not None:
        return {**known, "default": default}
    sign = 1.0 if task.sweep["metric"]["goal"] == "minimize" else -1.0
    first = [(worth(task, config), config) for _, _, config in ranked[:8]]
    best = refined(task, space, sorted(first, key=lambda it: it[0])[:4], rng)
    if isinstance(task.problem, LookedUp):
        best = sign * task.problem.best()
    return {"best": sign * best, "median": sign * ranked[DRAWS // 2][0], "default": default}


def refined(
    task: Task, space: Space, best: Sequence[tuple[float, Config]], rng: np.random.Generator
) -> float:
    """The best value of a local search from the best draws."""
    for spread in (0.2, 0.1, 0.05, 0.02) * (1 if task.family == "live" else 12):
        moved = [near(space, config, rng, spread) for _, config in best for _ in range(4)]
        hopeful = sorted(moved, key=lambda config: worth(task, config, quick=True))[:4]
        tried = [(worth(task, config), config) for config in hopeful]
        best = sorted([*best, *tried], key=lambda it: it[0])[:4]
    return best[0][0]


def main(wanted: Iterable[str]) -> None:
    found: dict[str, Any] = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    for task in load():
        if task.family in ("lcbench-noisy", "lcbench-warped"):
            continue
        if wanted and not {task.family, task.name} & set(wanted):
            continue
        before = time.process_time()
        found[task.name] = measure(task, found[task.name] if task.family in KNOWN else None)
        print(f"{task.name:40} {time.process_time() - before:8.1f} s  {found[task.name]}")
        MEASURED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
