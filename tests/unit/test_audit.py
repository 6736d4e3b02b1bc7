"""What early stopping saved and may have cost, and which run is named where runs have different lengths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from swept.analysis.audit import audit
from swept.analysis.best import advised
from swept.analysis.document import best_yaml, results_document
from swept.analysis.recommend import advise, recommend
from swept.analysis.results import Question, results
from swept.analysis.text import lines
from swept.model import (
    ASKED,
    ASKED_HERE,
    STOPPED_THERE,
    Attempt,
    Config,
    Goal,
    History,
    Kind,
    Outcome,
    Point,
    Run,
    RunState,
)
from swept.spec import Spec, parse_mapping
from swept.stopping.forecast import Forecast
from swept.testing.simulate import simulate

STEPS = 16
SWEEP: dict[str, Any] = {
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
    "run_cap": 12,
    "swept": {"epochs": STEPS, "early_stopping": "asha"},
}
QUESTION = Question("loss", Goal.MINIMIZE, epochs=STEPS, epochs_parameter="epochs")


def spec_with(**options: Any) -> Spec:
    return parse_mapping({**SWEEP, "swept": {**SWEEP["swept"], **options}})


def level(x: float) -> float:
    """Where a run ends: best at 0.4."""
    return 0.2 + (x - 0.4) ** 2


def curve(config: Config, seed: int) -> list[float]:
    return [level(config["x"]) + math.exp(-0.4 * step) for step in range(1, STEPS + 1)]


def run(number: int, x: float, steps: int, state: RunState = RunState.FINISHED) -> Run:
    attempt = Attempt(1, "a", "h", 0.0, 36.0 * steps, Outcome.FINISHED)
    points = (Point(step, value) for step, value in enumerate(curve({"x": x}, 0)[:steps], 1))
    return Run(
        id=f"r{number}",
        project="p",
        sweep="s",
        number=number,
        name=f"run-{number}",
        kind=Kind.SEARCH,
        state=state,
        config={"x": x},
        attempts=(attempt,),
        curve=tuple(points),
    )


WHOLE = [run(n, x, STEPS) for n, x in enumerate([0.05, 0.2, 0.35, 0.6, 0.75, 0.95], start=1)]
STOPPED = RunState.STOPPED


class TestSaved:
    def test_steps_that_were_not_taken_by_the_mean_time_of_a_step(self) -> None:
        runs = [*WHOLE, run(7, 0.9, 4, STOPPED), run(8, 0.8, 6, RunState.PAUSED)]
        found = audit(spec_with(), runs)
        assert found is not None
        assert (found.early, found.runs) == (2, 8)
        assert (found.saved, found.full) == (12 + 10, 8 * STEPS)
        assert found.share == 22 / 128
        assert found.hours == pytest.approx(22 * 36 / 3600)

    def test_runs_that_wait_are_not_said_to_have_ended(self) -> None:
        waiting = [run(7, 0.9, 4, STOPPED), run(8, 0.8, 6, RunState.PAUSED)]
        found = audit(spec_with(), [*WHOLE, *waiting])
        assert found is not None
        assert found.waiting == 1
        said = "\n".join(lines(QUESTION, results(QUESTION, [*WHOLE, *waiting], audit=found)))
        assert "so far saved 22 of 128 steps" in said
        assert "1 waits at a rung and may go on, 1 of 8 runs ended early" in said
        assert "if none goes on, may cost" in said
        over = audit(spec_with(), [*WHOLE, waiting[0], replace(waiting[1], state=STOPPED)])
        said = "\n".join(lines(QUESTION, results(QUESTION, WHOLE, audit=over)))
        assert "  saved 22 of 128 steps" in said
        assert "2 of 8 runs ended early" in said

    @pytest.mark.parametrize("why", [ASKED, ASKED_HERE, STOPPED_THERE])
    @pytest.mark.parametrize("state", [STOPPED, RunState.PAUSED])
    def test_what_a_person_ends_is_not_the_searchs_saving(self, why: str, state: RunState) -> None:
        alone = [*WHOLE, run(7, 0.9, 4, STOPPED)]
        asked = run(8, 0.8, 7, state)
        asked = replace(
            asked, ended_because=why, attempts=(replace(asked.attempts[0], reason=why),)
        )
        found = audit(spec_with(), [*alone, asked])
        assert found is not None
        assert (found.early, found.by_hand, found.waiting) == (1, 1, 0)
        assert (found.saved, found.full) == (12, 7 * STEPS + 7)
        said = "\n".join(lines(QUESTION, results(QUESTION, alone, audit=found)))
        assert "1 of 8 runs ended early (and 1 by hand)" in said

    def test_failed_runs_and_those_that_never_began_are_no_saving(self) -> None:
        lost = [run(7, 0.9, 4, RunState.FAILED), run(8, 0.8, 0, RunState.KILLED)]
        found = audit(spec_with(), [*WHOLE, *lost])
        assert found is not None
        assert (found.early, found.saved, found.full) == (0, 0, 6 * STEPS)
        assert "no run ended early" in " ".join(
            lines(QUESTION, results(QUESTION, WHOLE, audit=found))
        )

    @pytest.mark.parametrize("word", ["hyperband", "asha", "median", "auto"])
    def test_every_rule_is_audited(self, word: str) -> None:
        rule = {"type": "median", "min_epochs": 2, "min_runs": 2} if word == "median" else word
        played = simulate(
            {**SWEEP, "swept": {**SWEEP["swept"], "early_stopping": rule}}, curve, 1e3
        )
        found = audit(played.spec, played.runs)
        assert found is not None
        assert found.rule == word
        assert found.saved == sum(STEPS - each.steps for each in played.runs)
        assert found.full - found.saved == len(played.trace)
        assert found.cost is not None
        assert found.cost.loss >= 0.0

    def test_without_early_stopping_or_a_known_length_there_is_nothing_to_say(self) -> None:
        plain = {key: value for key, value in SWEEP.items() if key != "swept"}
        assert audit(parse_mapping(plain), WHOLE) is None
        stopping = {"early_terminate": {"type": "hyperband", "min_iter": 2}}
        assert audit(parse_mapping({**plain, **stopping}), WHOLE) is None

    def test_runs_with_other_constants_do_not_count(self) -> None:
        mapping = {**SWEEP, "parameters": {**SWEEP["parameters"], "batch": {"value": 8}}}
        runs = [replace(each, config={**each.config, "batch": 8}) for each in WHOLE]
        other = replace(run(7, 0.9, 4, STOPPED), config={"x": 0.9, "batch": 4})
        found = audit(parse_mapping(mapping), [*runs, other])
        assert found is not None
        assert found.early == 0


class TestCost:
    def test_one_that_was_about_to_win_is_named(self) -> None:
        near, far = run(7, 0.4, 8, STOPPED), run(8, 1.0, 8, STOPPED)
        found = audit(spec_with(), [*WHOLE, near, far])
        assert found is not None
        assert found.cost is not None
        assert found.cost.best == 3
        assert found.cost.most is not None
        assert found.cost.most.run == 7
        assert found.cost.most.chance > 0.3
        assert found.cost.risky == 1
        assert 0.0 < found.cost.loss < 0.05

    def test_hopeless_ones_have_cost_nothing(self) -> None:
        found = audit(spec_with(), [*WHOLE, run(7, 1.0, 8, STOPPED), run(8, 0.0, 8, STOPPED)])
        assert found is not None
        assert found.cost is not None
        assert found.cost.risky == 0
        assert found.cost.loss < 1e-3
        said = " ".join(lines(QUESTION, results(QUESTION, WHOLE, audit=found)))
        assert "none of them had a chance above 10 %" in said

    @pytest.mark.parametrize("unit", [1e-6, 1e6])
    def test_the_loss_is_in_the_metrics_unit_whatever_its_direction(self, unit: float) -> None:
        plain = [*WHOLE, run(7, 0.42, 6, STOPPED)]
        scaled = [
            replace(each, curve=tuple(Point(p.step, -unit * p.value) for p in each.curve))
            for each in plain
        ]
        mapping = {**SWEEP, "metric": {"name": "score", "goal": "maximize"}}
        ours, theirs = audit(spec_with(), plain), audit(parse_mapping(mapping), scaled)
        assert ours is not None
        assert theirs is not None
        assert ours.cost is not None
        assert theirs.cost is not None
        assert theirs.cost.loss == pytest.approx(unit * ours.cost.loss, rel=1e-3)
        assert theirs.cost.risky == ours.cost.risky

    def test_a_run_that_diverged_has_no_chance(self) -> None:
        values = (Point(1, 0.9), Point(2, math.nan))
        found = audit(spec_with(), [*WHOLE, replace(run(7, 0.4, 2, STOPPED), curve=values)])
        assert found is not None
        assert found.cost is not None
        assert found.cost.most is None

    def test_of_too_little_nothing_is_made_up(self) -> None:
        found = audit(spec_with(), [run(1, 0.4, 1, STOPPED)])
        assert found is not None
        assert found.cost is None
        said = " ".join(lines(QUESTION, results(QUESTION, WHOLE, audit=found)))
        assert "is not known" in said

    def test_the_gain_of_several_is_that_of_a_large_sample(self) -> None:
        forecast = Forecast.of(spec_with(), History(tuple(WHOLE)))
        assert forecast is not None
        assert forecast.scale is not None
        mean, sd, mark = np.array([-1.0, -0.8, 0.5]), np.array([0.3, 0.6, 0.2]), -1.1
        draws = np.random.default_rng(0).normal(mean, sd, (40_000, 3)).min(1)
        outward = np.vectorize(forecast.scale.outward)
        sampled = np.maximum(0.0, forecast.scale.outward(mark) - outward(draws)).mean()
        assert forecast.gain(mark, mean, sd) == pytest.approx(sampled, rel=0.05)
        assert forecast.gain(mark, mean[:0], sd[:0]) == 0.0


class TestNamed:
    AUTO = spec_with(early_stopping="auto")

    def noisy(self, seed: int) -> list[Run]:
        rng = np.random.default_rng(seed)
        places = np.linspace(0.0, 1.0, 20)
        runs = [run(n, float(x), STEPS) for n, x in enumerate(places, start=1)]
        return [
            replace(
                each, curve=tuple(Point(p.step, p.value + 0.05 * rng.normal()) for p in each.curve)
            )
            for each in runs
        ]

    def test_a_lucky_value_is_not_believed(self) -> None:
        lucky = run(21, 0.9, STEPS)
        lucky = replace(lucky, curve=(*lucky.curve[:-1], Point(STEPS, 0.1)))
        found = recommend(self.AUTO, [*self.noisy(1), lucky])
        assert found is not None
        assert found.run.number != 21
        assert level(found.run.config["x"]) < 0.25
        assert found.advice is not None
        assert found.advice.low < found.advice.value < found.advice.high
        assert found.expected.startswith("seen ")
        assert found.note == ""

    @pytest.mark.parametrize(("x", "steps", "named"), [(0.42, 8, 3), (0.4, 12, 7)])
    def test_what_is_half_trained_has_to_promise_more(
        self, x: float, steps: int, named: int
    ) -> None:
        found = recommend(self.AUTO, [*WHOLE, run(7, x, steps, RunState.PAUSED)])
        assert found is not None
        assert found.run.number == named

    def test_only_auto_asks_the_model(self) -> None:
        assert advise(spec_with(), WHOLE) is None
        found = recommend(spec_with(), WHOLE)
        assert found is not None
        assert (found.run.number, found.advice, found.expected) == (3, None, "")

    def test_one_that_was_not_trained_whole_says_so_and_how_to(self) -> None:
        runs: Sequence[Run] = [
            *(replace(each, state=STOPPED, curve=each.curve[:4]) for each in WHOLE[:2]),
            replace(run(3, 0.4, 12, STOPPED)),
            run(4, 1.0, STEPS),
        ]
        advice = advise(self.AUTO, runs)
        assert advice is not None
        assert advice.run == "r3"
        found = results(QUESTION, runs, advice, audit(self.AUTO, runs))
        said = lines(QUESTION, found)
        head = f"Best: run 3 (r3) loss {advice.value:.4g} expected, 12 of {STEPS} steps seen"
        assert said[0] == f"{head} (minimize)"
        assert f"  run 3 went to step 12 of {STEPS}: no training of it is whole" in said
        assert f"  swept train s --epochs {STEPS} trains it whole" in said
        assert "Early stopping (auto)" in said
        document = results_document("s", QUESTION, found)
        assert document["best"]["id"] == "r3"
        assert document["best"]["expected"]["low"] < document["best"]["expected"]["high"]
        assert document["audit"]["saved"] == 2 * (STEPS - 4) + STEPS - 12
        assert "another training of it is expected to end at" in best_yaml("s", QUESTION, found)

    def test_advice_on_a_run_that_is_not_there_is_none(self) -> None:
        advice = advise(self.AUTO, WHOLE)
        assert advice is not None
        assert advised(replace(advice, run="gone"), WHOLE, Goal.MINIMIZE) is None
        found = results(QUESTION, WHOLE, replace(advice, run="gone"))
        assert found.best is not None
        assert found.best.run.number == 3
