"""What one suggestion costs: `OMP_NUM_THREADS=1 PYTHONPATH=src python benchmarks/suggest_cost.py`.

Bayesian search over thirteen parameters (the YOLO example's) at 20, 100, 1,000 and 10,000 runs, and over thirty at
500; with one BLAS thread, as in the server's search worker. Prints the median and the slowest of `REPEATS` calls, and
the median of their CPU time, which tells a slow search from a busy machine.
"""

from __future__ import annotations

import platform
import statistics
import time
from typing import Any

import numpy as np

from swept.model import History, Kind, RunState, Start
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.testing.search_contract import extend

REPEATS = 9
YOLO: dict[str, Any] = {
    "lr0": {"distribution": "log_uniform_values", "min": 0.005, "max": 0.02},
    "lrf": {"min": 0.01, "max": 0.1},
    "warmup_epochs": {"values": [1, 3, 5]},
    "hsv_h": {"min": 0.0, "max": 0.03},
    "hsv_s": {"min": 0.5, "max": 0.9},
    "hsv_v": {"min": 0.3, "max": 0.6},
    "mosaic": {"min": 0.5, "max": 1.0},
    "close_mosaic": {"values": [0, 5, 10, 15, 20]},
    "mixup": {"min": 0.0, "max": 0.3},
    "copy_paste": {"min": 0.0, "max": 0.3},
    "degrees": {"min": 0.0, "max": 10.0},
    "weight_decay": {"min": 0.0001, "max": 0.001},
    "dropout": {"min": 0.0, "max": 0.2},
}
THIRTY: dict[str, Any] = {f"x{i:02d}": {"min": 0.0, "max": 1.0} for i in range(30)}


def spec(parameters: dict[str, Any]) -> Spec:
    metric = {"name": "metrics/mAP50(B)", "goal": "maximize"}
    return parse_mapping({"method": "bayes", "metric": metric, "parameters": parameters})


def history(sweep: Spec, runs: int) -> History:
    """Finished runs at random places, with a noisy value that two parameters decide."""
    rng = np.random.default_rng(0)
    starts = [Start(Kind.SEARCH, sweep.space.sample(rng), i, {}) for i in range(runs)]

    def value(start: Start) -> tuple[float]:
        u = sweep.space.to_unit(start.config)
        return (0.7 - 0.1 * float((u[0] - 0.3) ** 2 + u[1]) + 0.003 * float(rng.normal()),)

    return extend(History(), starts, RunState.FINISHED, value)


def measure(sweep: Spec, runs: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each call: by the wall clock, and of CPU time."""
    past = history(sweep, runs)
    taken, worked = [], []
    for seed in range(REPEATS):
        before, busy = time.perf_counter(), time.process_time()
        suggest(sweep, past, 1, seed=seed)
        taken.append(1e3 * (time.perf_counter() - before))
        worked.append(1e3 * (time.process_time() - busy))
    return taken, worked


def main() -> None:
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(f"{'parameters':>10} {'runs':>6} {'median ms':>10} {'slowest ms':>11} {'CPU ms':>8}")
    sizes = [(YOLO, 20), (YOLO, 100), (YOLO, 1_000), (YOLO, 10_000), (THIRTY, 500)]
    for parameters, runs in sizes:
        taken, worked = measure(spec(parameters), runs)
        median, cpu = statistics.median(taken), statistics.median(worked)
        print(f"{len(parameters):>10} {runs:>6} {median:>10.1f} {max(taken):>11.1f} {cpu:>8.1f}")


if __name__ == "__main__":
    main()
