"""A metric along one parameter, or over two, as the model of the runs sees it.

The other parameters are those of the better half of the runs, averaged over: people ask what to change about what works.
Over the whole space the mean would be that of places where nobody wants to be, and at the best run alone it would hang on
that run's luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from swept.analysis.surface import Surface
from swept.models.features import Axis
from swept.space import number
from swept.wire import dumps

Array: TypeAlias = NDArray[np.float64]
Value: TypeAlias = int | float | str

POINTS = 41
CELLS = 24
OTHERS = 64
"""So many of the better runs are averaged over along one parameter, for a pair OTHERS_OF_PAIR."""
OTHERS_OF_PAIR = 24
_AT_ONCE = 4096
"""So many places are predicted together: what bounds the memory."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`mean` at each of `at` (what is neither number nor text as its JSON), and `low` to `high`: one standard deviation of
    what the model does not know of it. The band is the mean of the places' own bands, hence a little too wide. Empty
    without a model."""

    parameter: str
    at: tuple[Value, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """`mean[j][i]` at `x_at[i]` and `y_at[j]`."""

    x: str
    x_at: tuple[Value, ...]
    y: str
    y_at: tuple[Value, ...]
    mean: tuple[tuple[float, ...], ...]


def along(found: Surface | None, parameter: str) -> Slice:
    """Empty where the parameter cannot act, too."""
    place = _axis(found, parameter)
    if found is None or place is None:
        return Slice(parameter, (), (), (), ())
    axis = found.told.features.axes[place]
    levels = _levels(axis, POINTS)
    others = _better(found, OTHERS)
    U = np.repeat(others, len(levels), axis=0)
    U[:, place] = np.tile(levels, len(others))
    mean, sd = found.predict(found.told.features.snap(U))
    shape = (len(others), len(levels))
    middle, half = mean.reshape(shape).mean(0), sd.reshape(shape).mean(0)
    return Slice(
        parameter,
        _values(axis, levels),
        _floats(middle),
        _floats(middle - half),
        _floats(middle + half),
    )


def over(found: Surface | None, x: str, y: str) -> Pair:
    """On a grid of 24 by 24, or of the levels where there are fewer."""
    first, second = _axis(found, x), _axis(found, y)
    if found is None or first is None or second is None or first == second:
        return Pair(x, (), y, (), ())
    axes = found.told.features.axes
    columns, rows = _levels(axes[first], CELLS), _levels(axes[second], CELLS)
    others = _better(found, OTHERS_OF_PAIR)
    cells = len(columns) * len(rows)
    U = np.repeat(others, cells, axis=0)
    U[:, first] = np.tile(columns, len(rows) * len(others))
    U[:, second] = np.tile(np.repeat(rows, len(columns)), len(others))
    U = found.told.features.snap(U)
    parts = [found.mean(U[i : i + _AT_ONCE]) for i in range(0, len(U), _AT_ONCE)]
    grid = np.concatenate(parts).reshape(len(others), len(rows), len(columns)).mean(0)
    return Pair(
        x,
        _values(axes[first], columns),
        y,
        _values(axes[second], rows),
        tuple(_floats(row) for row in grid),
    )


def _axis(found: Surface | None, parameter: str) -> int | None:
    axes = found.told.features.axes if found else ()
    return next((i for i, axis in enumerate(axes) if axis.parameter.name == parameter), None)


def _levels(axis: Axis, most: int) -> Array:
    """Coordinates (k,), rising: every level of a category, else evenly spread, at most `most`."""
    if axis.lattice is not None and (axis.category or len(axis.lattice) <= most):
        return axis.lattice
    return np.unique(axis.snap(np.linspace(0.0, 1.0, most)))


def _better(found: Surface, most: int) -> Array:
    """Places of the better half; of all runs for a metric of which nobody said which way is better."""
    order = np.argsort(found.told.values, kind="stable")
    if found.told.known:
        order = order[: (found.told.runs + 1) // 2]
    every = np.unique(np.linspace(0, len(order) - 1, most).round().astype(np.intp))
    return found.told.U[order[every]]


def _values(axis: Axis, levels: Array) -> tuple[Value, ...]:
    """Written as the board writes its categories, since a page looks them up there."""
    return tuple(
        value if number(value) or isinstance(value, str) else dumps(value)
        for value in axis.values(levels)
    )


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
