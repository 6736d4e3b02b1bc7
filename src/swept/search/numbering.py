"""Which runs a method has already suggested, and the number of the next."""

from __future__ import annotations

from collections.abc import Iterator

from swept.model import SWEEP_KINDS, History, Run, RunState


def next_number(history: History) -> int:
    """The number that the sweep's next run gets, as far as the history can tell."""
    return max((run.number for run in history.runs), default=0) + 1


def suggested(history: History) -> Iterator[Run]:
    """The sweep's runs, without those that were withdrawn before they started."""
    for run in history.runs:
        withdrawn = run.state is RunState.KILLED and not run.attempts
        if run.kind in SWEEP_KINDS and not withdrawn:
            yield run
