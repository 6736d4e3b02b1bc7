"""What a sweep will cost in epochs, from its file alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from swept.spec import Spec


@dataclass(frozen=True, slots=True)
class Outlook:
    """`runs`: how many at most, the baseline among them (None: no limit). `epochs`: least and most of a full run.

    `total`: epochs of all runs without early stopping, least and most. `stopped`: about how many with Hyperband, if
    every stop is obeyed and the runs come in random order, from all side by side to one after another. `rungs` are
    those below a run's last epoch.
    """

    runs: int | None
    epochs: tuple[int, int] | None
    total: tuple[int, int] | None
    rungs: tuple[int, ...]
    stopped: tuple[int, int] | None
    grid: int | None


def outlook(spec: Spec, rungs: Sequence[int]) -> Outlook:
    """`rungs`: `swept.stopping.hyperband.rungs` of the spec's `early_terminate`, () without one."""
    epochs = _epochs(spec)
    grid = spec.grid_size if spec.method == "grid" else None
    runs = _runs(spec, grid)
    total = (runs * epochs[0], runs * epochs[1]) if runs is not None and epochs else None
    below = tuple(dict.fromkeys(r for r in rungs if epochs is None or r < epochs[1]))
    stopped = None
    if spec.early_terminate is not None and below and runs and epochs and epochs[0] == epochs[1]:
        fixed = 1 if spec.options.baseline is not None else 0
        eta = spec.early_terminate.eta
        costs = [
            round(fixed * epochs[0] + _cost(runs - fixed, below, epochs[0], passing, eta))
            for passing in (_together, _one_by_one)
        ]
        stopped = (min(costs), max(costs))
    return Outlook(runs, epochs, total, below, stopped, grid)


def _runs(spec: Spec, grid: int | None) -> int | None:
    limits = [spec.max_runs] if spec.max_runs is not None else []
    if grid is not None:
        limits.append(grid + (1 if spec.options.baseline is not None else 0))
    return min(limits, default=None)


def _epochs(spec: Spec) -> tuple[int, int] | None:
    named = spec.options.epochs
    parameter = spec.space.parameter(named) if isinstance(named, str) else None
    if parameter is not None:
        least, most = parameter.range
        return int(least), int(most)
    epochs = spec.epochs_of(spec.space.config({}))
    return None if epochs is None else (epochs, epochs)


def _cost(
    runs: float,
    rungs: Sequence[int],
    epochs: int,
    passing: Callable[[float, float], float],
    eta: float,
) -> float:
    """Epochs of `runs` runs that are judged at each rung."""
    cost, last = 0.0, 0
    for rung in rungs:
        cost += runs * (rung - last)
        runs, last = passing(runs, eta), rung
    return cost + runs * (epochs - last)


def _together(runs: float, eta: float) -> float:
    """Of n runs judged at once, those pass that are not worse than the one at place ⌊n / η⌋."""
    return min(runs, int(runs / eta) + 1)


def _one_by_one(runs: float, eta: float) -> float:
    """The n-th run passes if it is among the best ⌊n / η⌋ + 1 of the n so far."""
    whole = int(runs)
    passed = sum(min(1.0, (int(n / eta) + 1) / n) for n in range(1, whole + 1))
    return min(runs, passed + (runs - whole) * (passed / whole if whole else 1.0))
