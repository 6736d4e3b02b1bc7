"""What the benchmark of a suggestion's cost makes of its figures, and the histories that it asks about."""

from __future__ import annotations

from typing import Any

from benchmarks.suggest_cost import (
    CURVES,
    DECIDING,
    GOALS,
    SIZES,
    VALUES,
    Cell,
    decisions,
    duration,
    figure,
    page,
    patience,
    read,
    strategies,
    verdict,
)
from cost import STEPS, World, brought_on, sweep_of
from peers import METHODS

from swept.model import History, RunState
from swept.search.suggest import suggest
from swept.spec import parse_mapping
from swept.stopping.auto import FLOOR
from swept.stopping.ladder import rungs_of

AUTO = METHODS["swept"]


def call(seconds: float, new: bool = True, reports: tuple[float, ...] = ()) -> dict[str, Any]:
    made = {"seconds": seconds, "cpu": seconds, "new": new, "strategy": "model"}
    return {**made, "reports": list(reports)}


def cell(*seconds: float) -> Cell:
    return Cell(asked=[call(each) for each in seconds])


def history(runs: int) -> History:
    spec = parse_mapping(sweep_of(AUTO))
    return brought_on(spec, World(spec, STEPS, seed=3).runs(runs))


# -- what is measured -----------------------------------------------------------------------------


def test_a_history_with_curves_has_runs_of_every_sort_at_the_rungs() -> None:
    runs = history(200).runs
    places = {*rungs_of(STEPS).levels, STEPS}
    assert len(runs) == 200
    assert {run.state for run in runs} == {RunState.PAUSED, RunState.STOPPED, RunState.FINISHED}
    assert {run.steps for run in runs} == places
    assert all((run.steps == STEPS) == (run.state is RunState.FINISHED) for run in runs)


def test_most_steps_of_it_were_spent_on_continuing_as_far_as_auto_guarantees() -> None:
    runs, rungs = history(200).runs, rungs_of(STEPS)
    spent = sum(run.steps for run in runs)
    first = sum(rungs.first(run, rungs.levels) for run in runs)
    assert FLOOR - 0.05 < 1 - first / spent < FLOOR + 0.05


def test_the_search_takes_it_for_a_history_of_its_own() -> None:
    spec = parse_mapping(sweep_of(AUTO))
    answer = suggest(spec, history(60), 1, seed=0)
    assert isinstance(answer, tuple)
    assert answer[0].why["strategy"] in ("model", "random", "continue")


def test_all_methods_of_the_page_are_in_the_search_benchmark() -> None:
    assert {*VALUES, *CURVES, *DECIDING} <= set(METHODS)


# -- what came of it ------------------------------------------------------------------------------


def test_events_become_cells_by_size_and_a_failure_ends_the_row() -> None:
    events = [
        *({"event": "tell", "runs": 20}, {"event": "told", "runs": 20, "seconds": 0.5}),
        *({"event": "ask", "runs": 20}, {"event": "asked", "runs": 20, **call(0.25)}),
        *({"event": "tell", "runs": 100}, {"event": "told", "runs": 100, "seconds": 2.0}),
        *({"event": "ask", "runs": 100}, {"event": "failed", "text": "over 20 s"}),
    ]
    row = read(events, SIZES)
    assert list(row) == [20, 100]
    assert (row[20].told, row[20].median, row[20].problem) == (0.5, 0.25, "")
    assert (row[100].told, row[100].median) == (2.0, None)
    assert figure(row[100]) == "over 20 s"
    assert figure(row.get(1_000)) == "–"


def test_a_method_that_never_starts_has_its_problem_at_the_first_size() -> None:
    row = read([{"event": "failed", "text": "ImportError: a | b\nc"}], SIZES)
    assert figure(row[20]) == "ImportError: a / b c"


def test_an_unanswered_question_is_over_the_limit() -> None:
    assert patience({"event": "ask"}) == (10.0, "over 10 s")
    assert patience({"event": "tell"})[1] == "history not told in 1 min"


def test_the_figure_is_the_median_of_new_runs_and_the_slowest() -> None:
    some = cell(0.01, 0.03, 0.02)
    some.asked += [call(5.0, new=False), call(7.0, new=False)]
    assert figure(some) == "20 ms (30 ms)"


def test_where_new_runs_are_rare_all_answers_count_and_a_star_says_so() -> None:
    some = cell(0.01)
    some.asked += [call(1.0, new=False), call(3.0, new=False)]
    assert figure(some) == "1.0 s* (3.0 s)"


def test_a_decision_is_the_slowest_report_of_a_run() -> None:
    reports = [(0.001, 0.001, 0.2), (0.001, 0.4), ()]
    some = Cell(asked=[call(1.0, reports=each) for each in reports])
    assert decisions(some) == "300 ms (1 ms)"
    assert decisions(cell(1.0)) == "–"


def test_durations_have_two_digits() -> None:
    found = [duration(each) for each in (0.00001, 0.0012, 0.0456, 0.5678, 0.999, 12.34)]
    assert found == ["under 0.1 ms", "1.2 ms", "46 ms", "570 ms", "1.0 s", "12.3 s"]


def test_the_verdict_names_each_goal_that_is_missed() -> None:
    good = {size: cell(*3 * [goal / 2]) for size, goal in GOALS.items()}
    late = {**good, 100: cell(*3 * [0.9])}
    assert verdict({"swept": good, "swept-off": good}, SIZES) == "swept meets each goal here."
    assert "at 100 runs (900 ms (900 ms))" in verdict({"swept": good, "swept-off": late}, SIZES)
    del good[10_000]
    assert "at 10,000 runs (–)" in verdict({"swept": good}, SIZES)


def test_the_page_says_which_runs_were_not_the_models() -> None:
    some = cell(0.1, 0.1, 0.1)
    some.asked[0]["strategy"] = "space-filling"
    assert "`early_stopping: auto` at 20" in strategies({"swept": {20: some}})


def test_the_page_has_a_row_for_each_method_that_was_asked() -> None:
    rows = {"swept": {20: cell(0.1, 0.1, 0.1)}, "optuna-tpe": {20: Cell(problem="over 20 s")}}
    made = page(rows, (20, 100), "A machine.")
    assert "| *the goal for swept* | *under 50 ms* | *under 200 ms* |" in made
    assert "| Optuna TPE, optuna 5.0.0 | over 20 s | – |" in made
    assert "HEBO, HEBO" not in made
