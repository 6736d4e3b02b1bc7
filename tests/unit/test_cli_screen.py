"""The terminal view: what a frame shows in which space, and the lines that events make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from swept.analysis.results import Question, results
from swept.cli.changes import changes, tally
from swept.cli.render import bar, clip, duration, pairs, size, sparkline, table
from swept.cli.screen import Look, chosen_runs, frame
from swept.model import Attempt, Checkpoint, Goal, Kind, Point, Run, RunState

QUESTION = Question(
    metric="metrics/mAP50(B)",
    goal=Goal.MAXIMIZE,
    swept=frozenset({"lr0"}),
    targets={"minimum": 0.5, "good": 0.9},
    epochs=10,
    epochs_parameter="epochs",
    max_runs=12,
)


def run(number: int, values: Sequence[float], state: RunState, kind: Kind = Kind.SEARCH) -> Run:
    return Run(
        id=f"r{number}",
        project="p",
        sweep="s",
        number=number,
        name="",
        kind=kind,
        state=state,
        config={"lr0": number / 100, "epochs": 10},
        why={"reason": "space-filling 3 of 8"},
        started=0.0,
        ended=60.0 if state.ended else None,
        attempts=(Attempt(1, "a", "h", 0.0, 60.0 if state.ended else None),),
        curve=tuple(Point(step, value) for step, value in enumerate(values, start=1)),
    )


RUNS = (
    run(1, [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], RunState.FINISHED, Kind.BASELINE),
    run(2, [0.1, 0.2, 0.4, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.61], RunState.FINISHED),
    replace(run(3, [0.1] * 4, RunState.STOPPED), ended_because="epoch 4: 0.1 is below 0.4"),
    run(4, [0.2, 0.3], RunState.RUNNING),
    run(5, [], RunState.RUNNING),
)


def look(runs: Sequence[Run] = RUNS, events: Sequence[str] = ("run 4 started",)) -> Look:
    return Look(
        title="swept  cones (s1)",
        state="running",
        runs=runs,
        question=QUESTION,
        results=results(QUESTION, runs),
        events=events,
        slots=2,
        began=0.0,
        now=100.0,
        page="http://127.0.0.1:4000/sweeps/s1",
        footer="Ctrl+C lets go of the runs",
    )


def text(width: int = 80, height: int = 24, runs: Sequence[Run] = RUNS) -> str:
    return "\n".join(line.plain for line in frame(look(runs), width, height))


def test_a_frame_says_how_the_sweep_stands() -> None:
    shown = text()
    assert "swept  cones (s1)  running" in shown
    assert "time  1 min 40 s elapsed, about" in shown
    assert "runs  3 of 12 done (2 running, 2 finished, 1 stopped)" in shown
    assert "best  run 2: 0.61; baseline 0.5 at step 10: +0.11 (+22.0 %, better)" in shown
    assert "noise unknown" in shown
    assert "✓ minimum 0.5  · good 0.9" in shown
    assert "http://127.0.0.1:4000/sweeps/s1" in shown
    assert shown.splitlines()[-1] == "Ctrl+C lets go of the runs"


def test_a_row_has_progress_curve_value_and_state() -> None:
    row = next(line for line in text().splitlines() if line.startswith("*   2"))
    assert "10/10" in row
    assert "▁▂" in row
    assert "0.61" in row
    assert "finished" in row
    assert "epoch 4: 0.1 is below 0.4" in text(width=140)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 200])
@pytest.mark.parametrize("height", [5, 10, 24, 60])
def test_it_never_leaves_the_terminal(width: int, height: int) -> None:
    many = (*RUNS, *(run(n, [0.1] * 3, RunState.FINISHED) for n in range(6, 60)))
    lines = frame(look(many, ["a long event " * 20] * 30), width, height)
    assert len(lines) <= height
    assert max(line.cell_len for line in lines) <= width


def test_a_sweep_without_runs_has_a_frame() -> None:
    shown = text(runs=())
    assert "no value of metrics/mAP50(B) yet" in shown
    assert "none started" in shown


def test_when_not_all_fit_running_and_latest_are_shown_in_order() -> None:
    old = replace(RUNS[1], ended=10.0)
    assert [r.number for r in chosen_runs([RUNS[0], old, *RUNS[2:]], 3)] == [1, 4, 5]


def test_events_between_two_looks() -> None:
    before = [RUNS[0], replace(RUNS[1], state=RunState.RUNNING, ended=None), RUNS[2]]
    after = [RUNS[0], RUNS[1], RUNS[2], RUNS[3]]
    assert changes(QUESTION, before, after) == [
        "run 2 finished, 0.61 at step 10, 1 min 00 s",
        "run 4 started: lr0=0.04 (space-filling 3 of 8)",
        "best so far: run 2 with 0.61 (baseline 0.5)",
    ]
    assert changes(QUESTION, after, after) == []


def test_the_best_so_far_may_be_behind_the_baseline() -> None:
    before = [RUNS[0], replace(RUNS[1], state=RunState.RUNNING, ended=None)]
    after = [RUNS[0], run(2, [0.1, 0.4], RunState.FINISHED)]
    assert changes(QUESTION, before, after)[-1].startswith(
        "best so far: run 2 with 0.4 (not yet the baseline's "
    )


def test_events_of_trouble_say_why() -> None:
    running = RUNS[3]
    failed = replace(running, state=RunState.FAILED, ended_because="exit code 1", ended=1.0)
    through_a_night = (Attempt(1, "a", "h", 0.0, 4.0), Attempt(2, "a", "h", 40_000.0, 40_006.0))
    stopped = replace(RUNS[2], ended=40_006.0, attempts=through_a_night)
    released = replace(
        running, state=RunState.PENDING, attempts=(replace(running.attempts[0], reason="Ctrl+C"),)
    )
    lost = replace(running.attempts[0], reason="killed by SIGKILL")
    again = replace(running, attempts=(lost, Attempt(2, "a", "h", 9.0)))
    resumed = replace(again, checkpoint=Checkpoint("r4", 1, 2, "p", "h", 8.0))
    assert changes(QUESTION, [running], [failed]) == ["run 4 failed: exit code 1 (0.3 at step 2)"]
    assert changes(QUESTION, [replace(stopped, state=RunState.RUNNING)], [stopped]) == [
        "run 3 stopped, 0.1 at step 4, 10 s: epoch 4: 0.1 is below 0.4"
    ]
    assert changes(QUESTION, [running], [released]) == ["run 4 waits again: Ctrl+C"]
    assert changes(QUESTION, [released], [again]) == ["run 4 begins again"]
    assert changes(QUESTION, [running], [resumed]) == [
        "run 4 was let go: killed by SIGKILL",
        "run 4 goes on from its checkpoint",
    ]
    assert tally([running, failed]) == "1 running, 1 failed"


def test_figures_for_people() -> None:
    assert [duration(s) for s in (None, 4.4, 65, 7384, 187200)] == [
        "–",
        "4 s",
        "1 min 05 s",
        "2 h 03 min",
        "2 d 04 h",
    ]
    assert [size(n) for n in (0, 999, 1_500, 7_400_000)] == ["0 B", "999 B", "1.5 KB", "7.4 MB"]
    assert pairs({"lr0": 0.012345, "optimizer": "SGD"}) == "lr0=0.01235 optimizer=SGD"
    assert clip("a  b\n\x1b[2Jc", 80) == "a  b  [2Jc"
    assert clip("abcdef", 4) == "abc…"


def test_sparklines_and_bars() -> None:
    assert sparkline([0.0, 0.5, 1.0], 10, 0.0, 1.0) == "▁▅█"
    assert sparkline([0.0, math.nan, 1.0], 10, 0.0, 1.0) == "▁ █"
    assert sparkline([], 10, 0.0, 1.0) == ""
    long = sparkline([i / 99 for i in range(100)], 8, 0.0, 1.0)
    assert (len(long), long[0], long[-1]) == (8, "▁", "█")
    assert [len(bar(share, 7)) for share in (-1.0, 0.0, 0.33, 1.0, 9.0)] == [7] * 5
    assert bar(0.5, 4) == "██░░"


def test_tables_align_numbers_to_the_right() -> None:
    assert table(("a", "name"), [(1, "x"), (100, "longer")]) == [
        "  a  name",
        "  1  x",
        "100  longer",
    ]
    assert table(("a",), []) == ["a"]


def test_programs_that_count_from_zero_fill_their_bar_too() -> None:
    points = tuple(Point(step, 0.1) for step in range(10))
    whole = replace(run(2, [], RunState.FINISHED), curve=points)
    begun = replace(run(3, [], RunState.RUNNING), curve=points[:1])
    shown = text(runs=[whole, begun])
    assert "10/10" in shown
    assert " 1/10" in shown


def test_an_early_lead_over_nearly_nothing_is_no_percentage() -> None:
    runs = [
        run(1, [0.0008, 0.1], RunState.RUNNING, Kind.BASELINE),
        run(2, [0.2206], RunState.RUNNING),
    ]
    shown = text(runs=runs)
    assert "best  run 2: 0.2206 so far; baseline 0.0008 at step 1: +0.2198 (ahead so far)" in shown
    assert "may yet turn around" in shown
    assert "%" not in shown
