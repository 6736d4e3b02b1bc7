"""How the runs ended, and what the failed ones had in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from swept.failures import FAILED, failures_in_common
from swept.model import SWEEP_KINDS, Run, RunState


@dataclass(frozen=True, slots=True)
class Outcomes:
    """`counts`: state → number of the sweep's own runs. `failures`: (reason, run numbers), most frequent first."""

    counts: Mapping[RunState, int]
    failures: tuple[tuple[str, tuple[int, ...]], ...]
    in_common: str


def outcomes(runs: Iterable[Run]) -> Outcomes:
    ours = [run for run in runs if run.kind in SWEEP_KINDS]
    counts = Counter(run.state for run in ours)
    failed = [run for run in ours if run.state in FAILED]
    return Outcomes(
        counts={state: counts[state] for state in RunState if counts[state]},
        failures=tuple(_by_reason(failed)),
        in_common=failures_in_common(ours),
    )


def _by_reason(failed: Iterable[Run]) -> list[tuple[str, tuple[int, ...]]]:
    reasons: dict[str, list[int]] = {}
    for run in failed:
        reasons.setdefault(run.ended_because or "no reason recorded", []).append(run.number)
    ordered = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[1]))
    return [(reason, tuple(numbers)) for reason, numbers in ordered]
