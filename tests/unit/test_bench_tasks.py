"""The benchmark's tasks: the same (config, seed) gives the same curve, and the yardsticks are what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from tasks import FAMILIES, Task, load
from tasks.live import factors
from tasks.live.cnn import Convolution
from tasks.live.net import ACTIVATIONS, Net
from tasks.live.recurrent import Cell

from swept.spec import parse_mapping
from swept.testing.simulate import simulate

Array: TypeAlias = NDArray[Any]

TASKS = load()
STEPS = 2
"""Taken of a live training: enough to see all of its code."""

each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def named(name: str) -> Task:
    return next(task for task in TASKS if task.name == name)


def draw(task: Task, seed: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = parse_mapping(task.sweep).space.sample(np.random.default_rng(seed))
    return found


def start(task: Task, config: dict[str, Any], seed: int) -> list[float]:
    return [float(value) for value in islice(task.curve(config, seed), STEPS)]


def test_every_family_is_tuned_on_in_part() -> None:
    for family in FAMILIES:
        tasks = load([family])
        assert 0.25 <= sum(task.tuned_on for task in tasks) / len(tasks) <= 0.6
        assert {task.family for task in tasks} == {family}
    assert len({task.name for task in TASKS}) == len(TASKS)


@each_task
def test_the_sweep_is_one_and_the_default_is_of_it(task: Task) -> None:
    spec = parse_mapping(task.sweep)
    assert spec.epochs_of({}) == task.steps
    assert spec.early_terminate is None
    assert set(task.default) == set(task.sweep["parameters"])
    assert spec.space.to_unit(dict(task.default)).min() >= 0
    assert spec.space.to_unit(dict(task.default)).max() <= 1


@each_task
def test_same_config_and_seed_same_curve(task: Task) -> None:
    config = dict(task.default)
    first = start(task, config, 7)
    assert first == start(task, config, 7)
    assert all(map(math.isfinite, first))


@each_task
def test_whole_numbers_may_be_floats_and_other_keys_do_not_matter(task: Task) -> None:
    config = dict(task.default)
    loose = {k: float(v) if type(v) is int else v for k, v in config.items()}
    assert start(task, {**loose, "epochs": 3}, 7) == start(task, config, 7)


@each_task
def test_regret_is_0_at_the_best_known_and_1_from_the_median_on(task: Task) -> None:
    worse = task.median + (task.median - task.best)
    assert task.regret(task.best) == 0
    assert task.regret(task.median) == pytest.approx(1)
    assert task.regret(worse) == 1
    assert task.regret(math.nan) == 1
    goal = task.sweep["metric"]["goal"]
    assert (task.best < task.median) == (goal == "minimize")


@pytest.mark.parametrize(
    "task", [task for task in TASKS if task.family != "live"], ids=lambda task: task.name
)
def test_curves_are_whole_and_the_default_beats_the_median(task: Task) -> None:
    assert len(list(task.curve(dict(task.default), 1))) == task.steps
    assert 0 < task.regret(task.truth(task.default)) < 1


@pytest.mark.parametrize("family", ["lcbench", "rugged"])
def test_the_median_is_that_of_random_configs(family: str) -> None:
    for task in load([family]):
        regrets = [task.regret(task.truth(draw(task, seed))) for seed in range(40)]
        assert 0.25 <= np.mean(np.array(regrets) >= 1) <= 0.75, task.name


@pytest.mark.parametrize("name", ["lcbench-noisy/3945", "rugged/measured-7593", "live/ratings"])
def test_seeds_matter_where_there_is_luck(name: str) -> None:
    task = named(name)
    assert start(task, dict(task.default), 1) != start(task, dict(task.default), 2)


def test_a_warped_curve_starts_later_and_ends_the_same() -> None:
    plain, warped = named("lcbench/3945"), named("lcbench-warped/3945")
    for seed in range(5):
        config = draw(plain, seed)
        straight, slow = list(plain.curve(config, 0)), list(warped.curve(config, 0))
        assert slow[-1] == straight[-1]
        assert np.interp(slow[9], straight[::-1], range(52, 0, -1)) <= 10


def test_a_diverged_training_costs_nothing_more_and_stays_so() -> None:
    task = named("live/ratings")
    curve = list(task.curve({**task.default, "lr": 100.0, "scale": 10.0, "momentum": 0.99}, 1))
    assert len(curve) == factors.STEPS
    assert math.isnan(curve[0])
    assert math.isnan(curve[-1])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_task_can_be_played(family: str) -> None:
    task = load([family])[0]
    simulation = simulate({**task.sweep, "method": "random"}, task.curve, budget=4, seed=3)
    assert simulation.spent == 4


# -- gradients --------------------------------------------------------------------------------------


def differences(value: Callable[[], float], parameters: list[Array]) -> Iterator[Array]:
    """By central differences, in all entries."""
    for parameter in parameters:
        found = np.zeros_like(parameter)
        for at in np.ndindex(parameter.shape):
            kept, places, ends = parameter[at], [], []
            for step in (1e-5, -1e-5):
                parameter[at] = kept + step
                places.append(float(parameter[at]))
                ends.append(value())
            parameter[at] = kept
            found[at] = (ends[0] - ends[1]) / (places[0] - places[1])
        yield found


def check(value: Callable[[], float], parameters: list[Array], gradients: list[Array]) -> None:
    for found, gradient in zip(differences(value, parameters), gradients, strict=True):
        assert found == pytest.approx(gradient, rel=0.02, abs=0.02)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_of_dense_layers(activation: str) -> None:
    rng = np.random.default_rng(0)
    net = Net([3, 4, 4, 2], activation, rng)
    for bias in net.biases:
        bias[:] = rng.standard_normal(len(bias))  # 0 is where the ReLU bends
    x, pull = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    net.forward(x, 0.5, np.random.default_rng(1))
    gradients, below = net.backward(pull)

    def value() -> float:
        return float((net.forward(x, 0.5, np.random.default_rng(1)) * pull).sum())

    check(value, [*net.parameters, x], [*gradients, below])


def test_gradients_of_the_convolution() -> None:
    rng = np.random.default_rng(0)
    layer = Convolution(3, 2, rng)
    x, pull = rng.standard_normal((3, 8, 8)), rng.standard_normal((3, 32))
    layer.forward(x)
    check(
        lambda: float((layer.forward(x) * pull).sum()),
        [layer.kernel, layer.bias],
        layer.backward(pull),
    )


def test_gradients_of_the_recurrent_cell() -> None:
    rng = np.random.default_rng(0)
    cell = Cell(4, "tanh", 1.0, rng)
    x, pull = rng.standard_normal((3, 8, 8)), rng.standard_normal((3, 4))
    cell.forward(x)
    check(lambda: float((cell.forward(x) * pull).sum()), cell.parameters, cell.backward(pull))
