"""What runs that failed have in common: pure, from runs to a sentence.

A value that every run shares explains nothing, so the failed ones are compared with those that did not fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from swept.model import Config, Run, RunState

FAILED = frozenset({RunState.FAILED, RunState.CRASHED})
HELD_AFTER = 3
"""From so many failures in a row on, it is worth saying what they share."""


def failed_in_a_row(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The failures since the last run that ended well, oldest first; runs that are under way do not count."""
    ended = sorted(
        (
            run
            for run in runs
            if run.state.ended and run.attempts and run.state is not RunState.KILLED
        ),
        key=lambda run: (run.ended or 0.0, run.number),
    )
    row: list[Run] = []
    for run in reversed(ended):
        if run.state not in FAILED:
            break
        row.append(run)
    return tuple(reversed(row))


def failures_in_common(runs: Sequence[Run]) -> str:
    """A sentence about the failed ones among `runs`, "" with fewer than two.

    Names the host, the reason and the parameter values that all failed runs share and no other run has. Other
    runs are those that ended well or report; runs that have not reported yet tell nothing.
    """
    failed = [run for run in runs if run.state in FAILED]
    if len(failed) < 2:
        return ""
    well = [run for run in runs if run.state not in FAILED and run.curve]
    facts = [*_reason(failed), *_host(failed, well), *_speed(failed), *_values(failed, well)]
    if not facts:
        facts = ["nothing that other runs have not"]
    return f"the {len(failed)} failed runs have in common: {'; '.join(facts)}"


def _reason(failed: Sequence[Run]) -> Iterator[str]:
    reasons = {run.ended_because for run in failed}
    if len(reasons) == 1 and "" not in reasons:
        yield f"“{reasons.pop()}”"


def _host(failed: Sequence[Run], well: Sequence[Run]) -> Iterator[str]:
    hosts = {run.attempts[-1].host for run in failed if run.attempts}
    good = {attempt.host for run in well for attempt in run.attempts}
    if len(hosts) == 1 and not hosts & good:
        (host,) = hosts
        yield f"host {host}" + (", where no run has ended well" if good else "")


def _speed(failed: Sequence[Run]) -> Iterator[str]:
    """Runs that never reported failed at their start: a missing file, a bad node, a wrong argument."""
    if not any(run.curve for run in failed):
        lasted = [
            attempt.ended - attempt.started
            for run in failed
            for attempt in run.attempts[-1:]
            if attempt.ended is not None
        ]
        within = f" within {max(lasted):.0f} s" if lasted else ""
        yield f"they ended{within} before the first report"


def _values(failed: Sequence[Run], well: Sequence[Run]) -> Iterator[str]:
    bad = [dict(flat(run.config)) for run in failed]
    good = [dict(flat(run.config)) for run in well]
    for name in sorted(set.intersection(*(set(config) for config in bad))):
        values = [config[name] for config in bad]
        others = [config[name] for config in good if name in config]
        if others:
            yield from _parameter(name, values, others)


def _parameter(name: str, values: Sequence[Any], others: Sequence[Any]) -> Iterator[str]:
    if all(value == values[0] for value in values):
        if values[0] not in others:
            yield f"{name} = {_text(values[0])}"
    elif all(map(_number, (*values, *others))):
        if min(values) > max(others):
            yield f"{name} from {_text(min(values))} up (others at most {_text(max(others))})"
        elif max(values) < min(others):
            yield f"{name} up to {_text(max(values))} (others at least {_text(min(others))})"


def flat(config: Config, above: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of a nested config."""
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
