"""The yardsticks: `nice python -m tasks.measure [--draws N] [FAMILY or TASK …]` writes `measured.json`.

Random configs and a local search around the best of them give the best known, the median, and a default that a quarter of
random configs beat. LCBench and the tables were searched further by others: of those only the default is found here, and
`best` and `median` are kept as they stand in the file.
"""

from __future__ import annotations

import json
import math
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from swept.space import Space
from swept.spec import parse_mapping
from tasks import load
from tasks.live import FRESH
from tasks.rugged import LookedUp
from tasks.task import MEASURED, Config, Task

DRAWS: Final = 300
"""Below a third of these, a live task's local search is cut short as well: a rough yardstick, to go on with."""
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


def measure(task: Task, draws: int, known: dict[str, Any] | None) -> dict[str, Any]:
    """`best`, `median`, `default`, and from how many `draws`."""
    space, rng = parse_mapping(task.sweep).space, np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(draws)]
    ranked = sorted(
        ((worth(task, config, quick=True), i, config) for i, config in enumerate(drawn))
    )
    default = ranked[draws // 4][2]
    if known is not None:
        return {**known, "default": default}
    sign = 1.0 if task.sweep["metric"]["goal"] == "minimize" else -1.0
    rounds: tuple[float, ...] = (0.1,) if draws < DRAWS // 3 else (0.2, 0.1, 0.05, 0.02)
    first = [(worth(task, config), config) for _, _, config in ranked[: 2 * len(rounds)]]
    rounds *= 1 if task.family == "live" else 12
    best = refined(task, space, sorted(first, key=lambda it: it[0])[:4], rounds, rng)
    if isinstance(task.problem, LookedUp):
        best = sign * task.problem.best()
    median = sign * ranked[draws // 2][0]
    return {"best": sign * best, "median": median, "default": default, "draws": draws}


def refined(
    task: Task,
    space: Space,
    best: Sequence[tuple[float, Config]],
    spreads: Iterable[float],
    rng: np.random.Generator,
) -> float:
    """The best value of a local search from the best draws."""
    for spread in spreads:
        moved = [near(space, config, rng, spread) for _, config in best for _ in range(4)]
        hopeful = sorted(moved, key=lambda config: worth(task, config, quick=True))[:4]
        tried = [(worth(task, config), config) for config in hopeful]
        best = sorted([*best, *tried], key=lambda it: it[0])[:4]
    return best[0][0]


def keep(name: str, found: Mapping[str, Any]) -> None:
    """Into the file, beside what others have written meanwhile."""
    known = {**json.loads(MEASURED.read_text()), name: found}
    MEASURED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def main(wanted: Iterable[str], draws: int) -> None:
    for task in load():
        if task.family in ("lcbench-noisy", "lcbench-warped"):
            continue
        if wanted and not {task.family, task.name} & set(wanted):
            continue
        before = time.process_time()
        known = json.loads(MEASURED.read_text())
        found = measure(task, draws, known[task.name] if task.family in KNOWN else None)
        keep(task.name, found)
        print(f"{task.name:40} {time.process_time() - before:8.1f} s  {found}", flush=True)


if __name__ == "__main__":
    asked = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    asked.add_argument("names", nargs="*")
    asked.add_argument("--draws", type=int, default=DRAWS)
    given = asked.parse_args()
    main(given.names, given.draws)
