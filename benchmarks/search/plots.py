"""Mean regret over the budget, a line a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from job import Result
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from peers import METHODS
from score import mean
from views import View, observed, timed

MOST: Final = 8
ALWAYS: Final = ("swept", "asha", "wandb-bayes-hyperband", "random")
mpl.rcParams["svg.hashsalt"] = "swept"
mpl.rcParams["svg.fonttype"] = "none"


def draw(view: View, results: Mapping[str, Sequence[Result]], path: Path) -> None:
    """The best by the last mark, and the ones that are always shown."""
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    for method in _shown(view, results):
        _line(axes, view, method, results[method])
    axes.set_yscale("log")
    axes.set_xlabel("evaluations" if view.marks[-1] == 50 else "full trainings paid for")
    axes.set_ylabel("mean regret")
    axes.set_title(view.title)
    axes.grid(True, which="both", alpha=0.2)
    axes.legend(fontsize=8, frameon=False)
    figure.savefig(path, metadata={"Date": None})


def _shown(view: View, results: Mapping[str, Sequence[Result]]) -> list[str]:
    last = view.marks[-1]
    order = sorted(results, key=lambda m: mean(list(view.cells(results[m], last).values())))
    return order[:MOST] + [m for m in order[MOST:] if m in ALWAYS]


def _line(axes: Axes, view: View, method: str, results: Sequence[Result]) -> None:
    continuous = view.figure in (observed, timed)
    places = np.linspace(1, view.marks[-1], 77) if continuous else np.array(view.marks, float)
    values = [mean([view.figure(result, place) for result in results]) for place in places]
    label = METHODS[method].title if method in METHODS else method
    width, order = (2.6, 3) if method == "swept" else (1.2, 2)
    marker = "" if continuous else "o"
    axes.plot(places, np.maximum(values, 1e-3), label=label, lw=width, zorder=order, marker=marker)
