"""What failed runs have in common, and how specs differ: pure."""

from __future__ import annotations

from typing import Any

from swept.changes import changes
from swept.failures import failed_in_a_row, failures_in_common
from swept.model import Attempt, Kind, Point, Run, RunState


def run(number: int, state: RunState, *, host: str = "a", because: str = "", **config: Any) -> Run:
    well = state in (RunState.FINISHED, RunState.STOPPED)
    return Run(
        id=f"r{number}",
        project="p",
        sweep="s",
        number=number,
        name=f"run {number}",
        kind=Kind.SEARCH,
        state=state,
        config=config,
        ended_because=because,
        ended=float(number) if state.ended else None,
        attempts=(Attempt(1, "agent", host, started=0.0, ended=4.0),),
        curve=(Point(1, 0.5),) if well else (),
    )


def test_the_value_that_only_failed_runs_have_is_named() -> None:
    runs = [
        run(1, RunState.FINISHED, batch=32, device=0),
        run(2, RunState.FAILED, batch=128, device=0),
        run(3, RunState.FAILED, batch=128, device=0),
    ]
    said = failures_in_common(runs)
    assert "batch = 128" in said
    assert "device" not in said


def test_a_range_that_only_failed_runs_reach_is_named() -> None:
    good = [run(number, RunState.FINISHED, lr=value) for number, value in ((1, 0.01), (2, 0.02))]
    bad = [run(number, RunState.CRASHED, lr=value) for number, value in ((3, 0.5), (4, 0.9))]
    assert "lr from 0.5 up (others at most 0.02)" in failures_in_common([*good, *bad])


def test_the_host_on_which_nothing_ends_well_is_named() -> None:
    runs = [run(1, RunState.FINISHED), *(run(n, RunState.FAILED, host="b") for n in (2, 3))]
    assert "host b, where no run has ended well" in failures_in_common(runs)


def test_the_reason_and_the_early_end_are_named() -> None:
    said = failures_in_common([run(n, RunState.FAILED, because="no such file") for n in (1, 2)])
    assert "“no such file”" in said
    assert "within 4 s before the first report" in said


def test_one_failure_has_nothing_in_common() -> None:
    assert failures_in_common([run(1, RunState.FAILED)]) == ""


def test_failures_that_share_nothing_are_said_to() -> None:
    failed = [
        Run(
            id=str(number),
            project="p",
            sweep="s",
            number=number,
            name="",
            kind=Kind.SEARCH,
            state=RunState.FAILED,
            config={},
            ended_because=f"because {number}",
            curve=(Point(1, 1.0),),
            attempts=(Attempt(1, "agent", f"host {number}", started=0.0),),
        )
        for number in (1, 2)
    ]
    assert "nothing that other runs have not" in failures_in_common(failed)


def test_a_row_of_failures_begins_after_the_last_run_that_ended_well() -> None:
    states = [RunState.FAILED, RunState.STOPPED, RunState.FAILED, RunState.KILLED, RunState.CRASHED]
    runs = [run(number, state) for number, state in enumerate(states)]
    runs.append(run(9, RunState.RUNNING))
    assert [failed.number for failed in failed_in_a_row(runs)] == [2, 4]


def test_changes_name_each_parameter() -> None:
    old = {
        "method": "random",
        "parameters": [{"path": ["lr"], "low": 0.1}, {"path": ["momentum"], "low": 0.0}],
        "constants": [{"path": ["epochs"], "value": 10}],
        "derived": {"inert": {}},
    }
    new = {
        "method": "bayes",
        "parameters": [{"path": ["lr"], "low": 0.1, "high": 1}],
        "constants": [{"path": ["epochs"], "value": 20}],
        "derived": {"inert": {"lr": 1}},
    }
    assert changes(old, new) == [
        'method: "random" → "bayes"',
        "parameters.epochs.value: 10 → 20",
        "parameters.lr.high: added, 1",
        "parameters.momentum.low: removed (was 0.0)",
    ]
    assert changes(old, old) == []
