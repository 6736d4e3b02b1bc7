"""The benchmark's tasks: `load(["lcbench", "live"])`. Run with `benchmarks/search` and `src` on the Python path.

| family | what it is |
|---|---|
| lcbench | 13 smooth learning curves of a surrogate |
| lcbench-noisy, lcbench-warped | the same with luck; with slow starters |
| tabular | final values measured on grids |
| rugged | curves looked up from the nearest of 1,000 configurations, or made; divergence, noise, plateaus |
| live | real trainings, each a fraction of a second |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from tasks import lcbench, live, rugged, tabular
from tasks.task import Task

__all__ = ["FAMILIES", "Task", "load"]

_SOURCES: Final[Mapping[str, Callable[[str], Iterator[Task]]]] = {
    "lcbench": lcbench.tasks,
    "lcbench-noisy": lcbench.tasks,
    "lcbench-warped": lcbench.tasks,
    "tabular": tabular.tasks,
    "rugged": rugged.tasks,
    "live": live.tasks,
}
FAMILIES: Final = tuple(_SOURCES)


def load(families: Iterable[str] = FAMILIES) -> list[Task]:
    """The tasks of the families, in a fixed order. Raises KeyError for a family that there is not."""
    return [task for family in families for task in _SOURCES[family](family)]
