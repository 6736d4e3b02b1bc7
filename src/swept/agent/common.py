"""What a sweep's failed runs have in common, from the server's view of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from swept.failures import failed_in_a_row, failures_in_common
from swept.model import Attempt, Kind, Point, Run, RunState
from swept.wire.runs import RunView
from swept.wire.sweeps import SweepView


def explain(view: SweepView) -> str:
    """A sentence about the last failures in a row, "" with fewer than two."""
    runs = [_run(run) for run in view["runs"] if run["kind"] != Kind.PRIOR]
    well = [run for run in runs if run.state in (RunState.FINISHED, RunState.STOPPED)]
    return failures_in_common([*failed_in_a_row(runs), *well])


def _run(view: RunView) -> Run:
    """What `swept.failures` looks at; the rest is left out."""
    return Run(
        id=view["id"],
        project=view["project"],
        sweep=view["sweep"],
        number=view["number"],
        name=view["name"],
        kind=Kind(view["kind"]),
        state=RunState(view["state"]),
        config=view["config"],
        ended_because=view["ended_because"],
        ended=view["ended"],
        attempts=tuple(_attempt(attempt) for attempt in view["attempts"]),
        curve=tuple(
            Point(int(step), value if isinstance(value, int | float) else math.nan)
            for step, value in view["curve"]
        ),
    )


def _attempt(view: Mapping[str, Any]) -> Attempt:
    return Attempt(view["number"], view["agent"], view["host"], view["started"], view["ended"])
