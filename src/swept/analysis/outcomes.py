"""How the runs ended, and what the failed ones had in common that the others had not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swept.analysis.configuration import flat
from swept.model import SWEEP_KINDS, Run, RunState

FAILED = frozenset({RunState.FAILED, RunState.CRASHED})
_FEWEST = 2  # with one failed run everything about it is "in common"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """`counts`: state → number of the sweep's own runs. `failures`: (reason, run numbers), most frequent first."""

    counts: Mapping[RunState, int]
    failures: tuple[tuple[str, tuple[int, ...]], ...]
    in_common: tuple[str, ...]


def outcomes(runs: Iterable[Run]) -> Outcomes:
    ours = [run for run in runs if run.kind in SWEEP_KINDS]
    counts = Counter(run.state for run in ours)
    failed = [run for run in ours if run.state in FAILED]
    good = [run for run in ours if run.state in (RunState.FINISHED, RunState.STOPPED)]
    return Outcomes(
        counts={state: counts[state] for state in RunState if counts[state]},
        failures=tuple(_by_reason(failed)),
        in_common=tuple(in_common(failed, good)),
    )


def in_common(failed: Sequence[Run], good: Sequence[Run]) -> list[str]:
    """What every failed run shares and no good one has: values, ranges, hosts. Sentences for people.

    With few runs such a pattern is a clue and no proof: the text says how many runs stand behind it.
    """
    if len(failed) < _FEWEST:
        return []
    found = _shared_host(failed, good)
    bad_configs = [flat(run.config) for run in failed]
    good_configs = [flat(run.config) for run in good]
    for name in bad_configs[0]:
        values = [config.get(name) for config in bad_configs]
        others = [config[name] for config in good_configs if name in config]
        sentence = _separates(name, values, others)
        if sentence:
            found.append(sentence)
    return found


def _by_reason(failed: Iterable[Run]) -> list[tuple[str, tuple[int, ...]]]:
    reasons: dict[str, list[int]] = {}
    for run in failed:
        reasons.setdefault(run.ended_because or "no reason recorded", []).append(run.number)
    ordered = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[1]))
    return [(reason, tuple(numbers)) for reason, numbers in ordered]


def _shared_host(failed: Sequence[Run], good: Sequence[Run]) -> list[str]:
    hosts = {run.attempts[-1].host for run in failed if run.attempts}
    healthy = {attempt.host for run in good for attempt in run.attempts}
    if len(hosts) != 1 or hosts & healthy or not healthy:
        return []
    return [f"all {len(failed)} were on host `{hosts.pop()}`, where no other run ended well"]


def _separates(name: str, values: Sequence[Any], others: Sequence[Any]) -> str:
    if not others:
        return ""
    if len(set(map(repr, values))) == 1 and values[0] not in others:
        return f"all {len(values)} had {name}={values[0]}, none of the {len(others)} good runs had"
    numbers = [value for value in (*values, *others) if _is_number(value)]
    if len(numbers) != len(values) + len(others):
        return ""
    if min(values) > max(others):
        return f"all {len(values)} had {name} ≥ {min(values):.4g}; the good runs stayed ≤ {max(others):.4g}"
    if max(values) < min(others):
        return f"all {len(values)} had {name} ≤ {max(values):.4g}; the good runs stayed ≥ {min(others):.4g}"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
