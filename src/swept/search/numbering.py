"""Which runs a method has already suggested, and the number of the next."""

from __future__ import annotations

from collections.abc import Iterator

from swept.model import History, Run
from swept.spec import Spec
from swept.stopping.comparable import comparable, withdrawn


def next_number(history: History) -> int:
    """The number that the sweep's next run gets, as far as the history can tell."""
    return max((run.number for run in history.runs), default=0) + 1


def suggested(spec: Spec, history: History) -> Iterator[Run]:
    """The sweep's comparable runs, without those that were withdrawn before they started."""
    for run in comparable(spec, history):
        if not withdrawn(run):
            yield run
