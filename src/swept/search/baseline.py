"""The baseline: the first run of a sweep, at the sweep's own fidelity, which every comparison needs."""

from __future__ import annotations

from swept.model import History, Kind, RunState, Start
from swept.search.numbering import next_number, suggested
from swept.search.seeds import run_seed
from swept.spec import Spec

MOST_TRIES = 3
_FAILED = frozenset({RunState.FAILED, RunState.CRASHED, RunState.KILLED})
_WELL = frozenset({RunState.FINISHED, RunState.STOPPED})


def baseline(spec: Spec, history: History, seed: int) -> list[Start]:
    """The baseline run, if the spec has one and none was started.

    One that failed is tried again once a later run has ended well (what broke it, a missing data set say, has been
    mended since), at most MOST_TRIES times in all.
    """
    config = spec.with_baseline()
    runs = list(suggested(spec, history))
    tries = [run for run in runs if run.kind is Kind.BASELINE]
    if config is None or any(run.state not in _FAILED for run in tries) or len(tries) >= MOST_TRIES:
        return []
    last = max((run.number for run in tries), default=0)
    if tries and not any(run.state in _WELL and run.number > last for run in runs):
        return []
    again = ", tried again: the earlier one failed" if tries else ""
    reason = f"the baseline, which every comparison needs{again}"
    why = {"reason": reason, "strategy": "baseline"}
    return [Start(Kind.BASELINE, config, run_seed(seed, next_number(history)), why)]
