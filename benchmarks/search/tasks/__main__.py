"""`PYTHONPATH=src:benchmarks/search python -m tasks [FAMILY …]`: the tasks, their size, and what a full training costs."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from swept.spec import parse_mapping
from tasks import FAMILIES, load
from tasks.task import Task

TRAININGS = 5


def cost(task: Task) -> float:
    """CPU seconds of a full training, median of random configs."""
    space, rng = parse_mapping(task.sweep).space, np.random.default_rng(0)
    taken = []
    for seed in range(TRAININGS):
        config = space.sample(rng)
        before = time.process_time()
        list(task.curve(config, seed))
        taken.append(time.process_time() - before)
    return statistics.median(taken)


def main(families: list[str]) -> None:
    print(
        f"{'task':38} {'tuned':5} {'steps':>5} {'parameters':>10} {'best':>10} {'median':>10} {'CPU s':>7}"
    )
    for task in load(families or FAMILIES):
        tuned, count = "yes" if task.tuned_on else "no", len(task.sweep["parameters"])
        print(
            f"{task.name:38} {tuned:5} {task.steps:5} {count:10} {task.best:10.4g} {task.median:10.4g} {cost(task):7.3f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
