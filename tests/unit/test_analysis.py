"""What a sweep has found: best run, comparison, noise, targets, outcomes, estimate, text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import yaml

from swept.analysis.best import baseline, best, ranked, value_at
from swept.analysis.comparison import compare
from swept.analysis.document import best_yaml, lineup_document, results_document
from swept.analysis.estimate import remaining
from swept.analysis.lineup import entry, lineup
from swept.analysis.noise import difference_sentence, lucky_lead, noise
from swept.analysis.outcomes import outcomes
from swept.analysis.results import Question, results
from swept.analysis.targets import targets
from swept.analysis.text import difference, lines
from swept.cli.summary import summary_lines
from swept.model import Attempt, Goal, Kind, Point, Run, RunState
from swept.wire import dumps
from swept.wire.sweeps import SweepView

UP = Goal.MAXIMIZE
FIXED = {"batch": 64, "epochs": 3}
QUESTION = Question(
    metric="map",
    goal=UP,
    swept=frozenset({"lr0", "mosaic", "dropout"}),
    fixed=FIXED,
    inert={"dropout": "only `classify` models read it"},
    targets={"good": 0.7, "minimum": 0.5},
    adapter="ultralytics",
    epochs=3,
    epochs_parameter="epochs",
    max_runs=4,
)


def run(
    number: int,
    values: Sequence[float],
    state: RunState = RunState.FINISHED,
    kind: Kind = Kind.SEARCH,
    config: dict[str, Any] | None = None,
    **changes: Any,
) -> Run:
    made = Run(
        id=f"r{number}",
        project="p",
        sweep="s",
        number=number,
        name=f"run-{number}",
        kind=kind,
        state=state,
        config={"lr0": number / 100, "mosaic": 0.5, "dropout": 0.0, **FIXED, **(config or {})},
        curve=tuple(Point(step, value) for step, value in enumerate(values, start=1)),
    )
    return replace(made, **changes)


def attempt(started: float, ended: float | None, **changes: Any) -> Attempt:
    return replace(Attempt(1, "a", "host", started, ended), **changes)


ENDED = cast(
    SweepView,
    {"id": "s", "name": "", "state": "finished", "ended_because": "", "runs": [], "path": ""},
)
BASELINE = run(1, [0.1, 0.3, 0.5], kind=Kind.BASELINE)


class TestBest:
    def test_the_value_at_the_end_decides_not_the_best_along_the_curve(self) -> None:
        """A run that was better for an epoch and fell back does not win."""
        found = best([run(2, [0.1, 0.9, 0.4]), run(3, [0.1, 0.2, 0.6])], UP)
        assert found is not None
        assert (found.run.number, found.value) == (3, 0.6)

    def test_at_best_is_asked_for_in_the_spec(self) -> None:
        found = best([run(2, [0.1, 0.9, 0.4]), run(3, [0.1, 0.2, 0.6])], UP, at="best")
        assert found is not None
        assert (found.run.number, found.value) == (2, 0.9)

    def test_a_stopped_run_cannot_win_while_a_finished_one_exists(self) -> None:
        found = best([run(2, [0.8], RunState.STOPPED), run(3, [0.1, 0.2, 0.3])], UP)
        assert found is not None
        assert found.run.number == 3
        assert found.note == ""

    def test_without_a_finished_run_a_part_has_to_do_and_says_so(self) -> None:
        found = best([run(2, [0.8], RunState.STOPPED), run(3, [0.2], RunState.RUNNING)], UP)
        assert found is not None
        assert found.run.number == 2
        assert "no search run has finished" in found.note

    @pytest.mark.parametrize("state", [RunState.FAILED, RunState.CRASHED, RunState.KILLED])
    def test_a_run_that_broke_is_never_the_best(self, state: RunState) -> None:
        assert best([run(2, [0.9], state)], UP) is None

    def test_runs_of_another_length_are_left_out(self) -> None:
        """After an edit of `epochs` the longer, older runs neither win nor give the yardstick."""
        old = run(2, [0.1, 0.2, 0.3, 0.9], config={"epochs": 4})
        new = run(3, [0.1, 0.2, 0.6])
        found = results(QUESTION, [replace(old, number=1, kind=Kind.BASELINE), old, new])
        assert found.best is not None
        assert found.best.run.number == 3
        assert found.left_out == (1, 2)
        assert [item.run.number for item in found.top] == [3]
        assert any("other fixed values" in line for line in lines(QUESTION, found))

    def test_the_baseline_with_the_best_runs_own_batch_is_the_one_to_compare_with(self) -> None:
        reduced = run(3, [0.6], attempts=(attempt(0, 1, effective_config={**FIXED, "batch": 48}),))
        small = run(4, [0.55], kind=Kind.BASELINE, config={"batch": 48})
        large = run(5, [0.1], kind=Kind.BASELINE)
        found = results(QUESTION, [BASELINE, reduced, small, large])
        assert found.comparison is not None
        assert found.comparison.reference.number == 4
        assert found.comparison.obstacles == ()

    def test_ties_go_to_the_lower_number_in_every_order(self) -> None:
        tied = [run(5, [0.5]), run(2, [0.5]), run(4, [0.5])]
        assert [r.number for r in ranked(tied, UP)] == [2, 4, 5]
        assert [r.number for r in ranked(tied[::-1], UP)] == [2, 4, 5]

    def test_only_search_runs_compete(self) -> None:
        others = [
            run(i, [0.9], kind=kind) for i, kind in enumerate(Kind) if kind is not Kind.SEARCH
        ]
        assert best([*others, run(20, [0.1])], UP) == best([run(20, [0.1])], UP)

    def test_runs_without_a_finite_value_do_not_count(self) -> None:
        assert best([run(2, []), run(3, [math.nan]), run(4, [math.inf])], UP) is None

    def test_minimize(self) -> None:
        found = best([run(2, [0.8]), run(3, [0.1])], Goal.MINIMIZE)
        assert found is not None
        assert found.run.number == 3

    def test_a_finished_baseline_is_preferred_to_a_later_one_that_runs(self) -> None:
        later = run(9, [0.1], RunState.RUNNING, Kind.BASELINE)
        assert baseline([BASELINE, later]) == BASELINE
        assert baseline([]) is None


class TestSpread:
    """G13: all runs perform the same."""

    JITTER = (0.0, 0.02, -0.02, 0.02, -0.02, 0.02, -0.02, 0.02, 0.0)

    def curves(self, *ends: float) -> list[Run]:
        return [run(i, [end + j for j in self.JITTER]) for i, end in enumerate(ends, start=2)]

    def test_smaller_than_single_runs_move_is_said(self) -> None:
        found = results(QUESTION, self.curves(0.7, 0.701, 0.702, 0.703))
        assert found.spread is not None
        assert found.spread.alike
        text = " ".join(lines(QUESTION, found))
        assert "4 finished search runs, from 0.7 to 0.703" in text
        assert "all runs perform the same" in text
        assert "dropout could not have mattered" in text

    def test_larger_is_not(self) -> None:
        found = results(QUESTION, self.curves(0.3, 0.5, 0.6, 0.7))
        assert found.spread is not None
        assert not found.spread.alike
        assert "perform the same" not in " ".join(lines(QUESTION, found))

    def test_repeats_are_the_better_yardstick(self) -> None:
        repeats = [
            run(i, [v], kind=Kind.REPEAT, config={"lr0": 9}) for i, v in ((20, 0.5), (21, 0.9))
        ]
        found = results(QUESTION, [*self.curves(0.3, 0.4, 0.5, 0.6), *repeats])
        assert found.spread is not None
        assert found.spread.alike
        assert "repeated runs" in found.spread.measured

    def test_without_a_yardstick_nothing_is_claimed(self) -> None:
        found = results(QUESTION, [run(i, [0.7 + i / 1e6]) for i in range(2, 8)])
        assert found.spread is not None
        assert found.spread.luck is None
        assert not found.spread.alike

    def test_the_very_same_value_means_that_nothing_reaches_the_program(self) -> None:
        found = results(QUESTION, [run(i, [0.7]) for i in range(2, 8)])
        assert "do not reach the program" in " ".join(lines(QUESTION, found))

    def test_where_others_were_stopped_early_the_finished_ones_do_not_speak_for_all(self) -> None:
        early = [run(i, [i / 20], RunState.STOPPED) for i in range(10, 18)]
        found = results(QUESTION, [*self.curves(0.7, 0.701, 0.702, 0.703), *early])
        assert found.spread is not None
        assert not found.spread.alike
        assert "perform the same" not in " ".join(lines(QUESTION, found))

    def test_few_runs_say_nothing(self) -> None:
        assert results(QUESTION, self.curves(0.7, 0.7, 0.7)).spread is None


class TestComparison:
    def test_no_percentage_that_only_looks_like_knowledge(self) -> None:
        """Next to a value near zero, of the other sign, or before both have ended at the same length."""
        pairs = [
            (run(2, [0.22]), run(1, [0.0008], kind=Kind.BASELINE)),
            (run(2, [0.22]), run(1, [-0.3], kind=Kind.BASELINE)),
            (run(2, [0.22], RunState.RUNNING), run(1, [0.2], kind=Kind.BASELINE)),
            (run(2, [0.22]), run(1, [0.2, 0.3], kind=Kind.BASELINE)),
        ]
        for one, other in pairs:
            found = compare(one, other, UP, {})
            assert found is not None
            assert found.percent is None
            assert "%" not in difference(found)

    def test_before_the_end_it_is_ahead_and_not_better(self) -> None:
        found = compare(run(2, [0.22], RunState.RUNNING), run(1, [0.2], kind=Kind.BASELINE), UP, {})
        assert found is not None
        assert difference(found) == "+0.02 (ahead so far)"

    def test_the_best_along_the_curve_is_taken_up_to_the_common_step(self) -> None:
        found = compare(
            run(2, [0.1, 0.5, 0.2]), run(1, [0.3, 0.1], kind=Kind.BASELINE), UP, {}, "best"
        )
        assert found is not None
        assert (found.value, found.reference_value) == (0.5, 0.3)

    def test_the_same_length_is_compared_at_the_end(self) -> None:
        found = compare(run(2, [0.1, 0.4, 0.6]), BASELINE, UP, FIXED)
        assert found is not None
        assert (found.step, found.value, found.reference_value) == (3, 0.6, 0.5)
        assert found.better
        assert found.obstacles == ()

    def test_different_lengths_are_compared_where_both_have_been_and_said(self) -> None:
        found = compare(run(2, [0.2, 0.4, 0.6, 0.9]), BASELINE, UP, FIXED)
        assert found is not None
        assert (found.step, found.value) == (3, 0.6)
        assert "compared at step 3" in found.obstacles[0]

    def test_a_differing_fixed_value_is_an_obstacle_also_if_only_effective(self) -> None:
        smaller = run(2, [0.1, 0.4, 0.6], attempts=(attempt(0, 1, effective_config={"batch": 48}),))
        found = compare(smaller, BASELINE, UP, FIXED)
        assert found is not None
        assert "`batch` was 48 in run 2 and 64 in run 1" in found.obstacles[0]

    def test_nothing_to_compare_without_a_value(self) -> None:
        assert compare(run(2, []), BASELINE, UP, FIXED) is None
        assert compare(run(2, [math.nan] * 3), BASELINE, UP, FIXED) is None

    def test_the_value_at_a_step_is_the_last_report_up_to_it(self) -> None:
        sparse = replace(BASELINE, curve=(Point(5, 0.1), Point(10, 0.2)))
        assert [value_at(sparse, step) for step in (4, 5, 9, 10)] == [None, 0.1, 0.1, 0.2]


class TestNoise:
    def test_the_best_of_many_leads_by_luck(self) -> None:
        """Against a simulation of 200,000 sweeps each."""
        assert math.isclose(lucky_lead(1), 1.645 * math.sqrt(2), abs_tol=0.01)
        rng = np.random.default_rng(0)
        for tried in (2, 10, 40):
            draws = rng.normal(size=(200_000, tried + 1))
            leads = draws[:, 1:].max(axis=1) - draws[:, 0]
            assert math.isclose(lucky_lead(tried), np.quantile(leads, 0.95), abs_tol=0.03)

    def test_unknown_without_repeats(self) -> None:
        assert noise([BASELINE, run(2, [0.4])], UP) is None
        assert "may be luck" in difference_sentence(0.03, None)

    def test_pooled_over_runs_of_one_configuration(self) -> None:
        same = {"lr0": 0.01}
        runs = [run(i, [value], config=same) for i, value in enumerate([0.4, 0.6])]
        found = noise(runs, UP)
        assert found is not None
        assert math.isclose(found.deviation, math.sqrt(0.02))
        assert "is within what luck alone gives" in difference_sentence(0.1, found)
        assert "is larger than what luck alone gives" in difference_sentence(0.9, found)

    def test_the_seed_is_no_part_of_the_configuration(self) -> None:
        runs = [run(i, [i / 10], config={"lr0": 0.01, "seed": i}) for i in (1, 2)]
        assert noise(runs, UP) is None
        assert noise(runs, UP, ignore=("seed",)) is not None

    @pytest.mark.parametrize("kind", [Kind.FINAL, Kind.COMPARE])
    def test_a_later_training_counts_where_it_repeats_a_run_at_its_length(self, kind: Kind) -> None:
        best, same = run(2, [0.3, 0.6], config={"lr0": 0.01}), {"lr0": 0.01}
        found = noise([best, run(9, [0.3, 0.4], kind=kind, config=same)], UP)
        assert found is not None
        assert found.runs == 2
        assert math.isclose(found.deviation, math.sqrt(0.02))
        for other in (
            run(9, [0.3, 0.4, 0.5], kind=kind, config=same),
            run(9, [0.3, 0.4], kind=kind, config={"lr0": 0.02}),
            run(9, [0.3, 0.4], RunState.STOPPED, kind, config=same),
        ):
            assert noise([best, other], UP) is None
        two_later = [run(i, [0.3, 0.1 * i], kind=kind, config={"lr0": 0.02}) for i in (8, 9)]
        assert noise([best, *two_later], UP) is None, (
            "they repeat each other, and no run of the sweep"
        )

    def test_identical_repeats_mean_that_the_seed_does_not_arrive(self) -> None:
        found = noise([run(i, [0.4], config={"lr0": 0.01}) for i in (1, 2)], UP)
        assert found is not None
        assert found.identical
        assert "noise unknown" in difference_sentence(0.03, found)


def test_targets_go_from_easy_to_hard_in_both_directions() -> None:
    up = targets({"good": 0.7, "minimum": 0.5}, 0.6, UP)
    assert [(t.name, t.reached) for t in up] == [("minimum", True), ("good", False)]
    assert up[1].gap is not None
    assert math.isclose(up[1].gap, 0.1)
    down = targets({"good": 0.1, "minimum": 0.5}, 0.5, Goal.MINIMIZE)
    assert [(t.name, t.reached) for t in down] == [("minimum", True), ("good", False)]
    (unknown,) = targets({"minimum": 0.5}, None, UP)
    assert (unknown.reached, unknown.gap) == (False, None)


def test_outcomes_count_the_sweeps_own_runs_and_group_the_reasons() -> None:
    failed = [run(i, [], RunState.FAILED, ended_because="exit code 1") for i in (4, 6)]
    found = outcomes([BASELINE, *failed, run(9, [0.9], kind=Kind.FINAL)])
    assert found.counts == {RunState.FINISHED: 1, RunState.FAILED: 2}
    assert found.failures == (("exit code 1", (4, 6)),)


class TestEstimate:
    def test_pace_times_what_is_left_over_the_slots(self) -> None:
        """One run of 3 steps took 30 s; 1 of 4 is done, so 9 steps are left: 90 s on one slot, 45 on two."""
        done = run(2, [0.1, 0.2, 0.3], started=0.0, ended=30.0, attempts=(attempt(0.0, 30.0),))
        for slots, seconds in ((1, 90.0), (2, 45.0)):
            found = remaining([done], max_runs=4, epochs=3, slots=slots, now=30.0)
            assert found.seconds == seconds

    def test_never_shorter_than_the_run_under_way(self) -> None:
        going = run(2, [0.1], RunState.RUNNING, started=0.0, attempts=(attempt(0.0, None),))
        found = remaining([going], max_runs=1, epochs=3, slots=8, now=10.0)
        assert found.seconds == 20.0

    def test_a_resumed_attempt_counts_its_own_steps_only(self) -> None:
        resumed = attempt(100.0, None, number=2, first_step=3)
        going = run(2, [0.1, 0.2, 0.3], RunState.RUNNING, attempts=(attempt(0.0, 50.0), resumed))
        found = remaining([going], max_runs=1, epochs=5, slots=1, now=110.0)
        assert found.seconds == 20.0

    def test_stopped_runs_make_the_others_cheaper(self) -> None:
        ended = [
            run(i, [0.1] * steps, RunState.STOPPED, attempts=(attempt(0.0, 10.0 * steps),))
            for i, steps in ((2, 1), (3, 1), (4, 1))
        ]
        found = remaining(ended, max_runs=5, epochs=30, slots=1, now=30.0)
        assert found.seconds == 20.0

    def test_says_why_there_is_none(self) -> None:
        assert "swept.epochs" in remaining([], max_runs=3, epochs=None, slots=1, now=0.0).why
        assert "run_cap" in remaining([], max_runs=None, epochs=3, slots=1, now=0.0).why
        assert "no step" in remaining([], max_runs=3, epochs=3, slots=1, now=0.0).why


class TestText:
    RUNS = (
        BASELINE,
        run(2, [0.2, 0.4, 0.6]),
        run(3, [0.2], RunState.STOPPED),
        run(4, [], RunState.FAILED, ended_because="exit code 1: no such file"),
    )

    def test_the_whole_analysis_is_readable_in_80_columns(self) -> None:
        text = lines(QUESTION, results(QUESTION, self.RUNS))
        joined = "\n".join(text)
        assert "Best: run 2 (r2) map 0.6 at step 3 (maximize)" in joined
        assert "difference +0.1 (+20.0 %, better)" in joined
        assert "noise unknown: one run each, so a difference of 0.1 may be luck" in joined
        assert "Runs: 2 finished, 1 failed, 1 stopped" in joined
        assert "run 4: exit code 1: no such file" in joined
        assert "dropout: only `classify` models read it" in joined
        positions = [joined.index(group) for group in ("learning rate", "augmentation", "fixed")]
        assert positions == sorted(positions)
        assert max(map(len, text)) <= 80

    def test_repeats_are_put_into_words_without_a_baseline_too(self) -> None:
        question = replace(QUESTION, seed="seed", baseline=False)
        same = [run(i, [0.4 + i / 100], config={"lr0": 0.01, "seed": i}) for i in (2, 3)]
        alone = results(question, same)
        said = "\n".join([*lines(question, alone), *summary_lines("u", ENDED, question, alone)])
        words = "runs of one configuration have a standard deviation of 0.00707 (from 2 runs)"
        assert said.count(words) == 2
        assert words in best_yaml("s", question, alone)
        compared = results(question, [BASELINE, *same])
        assert "\n".join(lines(question, compared)).count("runs of one configuration") == 1

    def test_a_sweep_without_runs_is_no_error(self) -> None:
        text = lines(QUESTION, results(QUESTION, ()))
        assert text[0] == "No run has reported `map` yet: there is no best configuration."

    def test_best_yaml_is_the_whole_configuration_with_its_origin(self) -> None:
        text = best_yaml("s1", QUESTION, results(QUESTION, self.RUNS))
        assert text.startswith("# Best configuration of sweep s1: run 2 (r2)\n")
        assert "noise unknown" in text
        assert yaml.safe_load(text) == self.RUNS[1].config

    def test_the_document_is_strict_json_also_with_nan(self) -> None:
        odd = run(5, [math.nan], config={"lr0": math.inf})
        found = results(QUESTION, (*self.RUNS, odd))
        document = results_document("s1", QUESTION, found)
        assert '"best":{"id":"r2"' in dumps(document)
        assert document["outcomes"] == {"finished": 3, "failed": 1, "stopped": 1}


def test_a_lineup_warns_of_different_lengths_and_reads_test_metrics() -> None:
    long = run(9, [0.1] * 30, kind=Kind.FINAL, summary={"test/mAP50": 0.7, "model/parameters": 2e6})
    found = lineup([entry("best", run(2, [0.1] * 3), UP), entry("full", long, UP)])
    assert found.entries[1].test == {"mAP50": 0.7}
    assert found.entries[1].parameters == 2e6
    assert "3 and 30 steps" in found.warnings[0]
    assert lineup_document("s1", "map", found)["entries"][1]["steps"] == 30
