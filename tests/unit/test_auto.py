"""`early_stopping: auto` through the simulator: what it pauses, continues and recommends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from tests.unit.test_asha import attempt, run

from swept.model import Desired, History, Kind, Point, Run, RunState, Start
from swept.search.auto import skill, starts
from swept.search.suggest import suggest
from swept.spec import parse_mapping
from swept.stopping.decide import decide
from swept.stopping.forecast import Forecast
from swept.stopping.ladder import ladder
from swept.stopping.track import LEAST_REPORTS
from swept.testing.simulate import Simulation, simulate

STEPS = 32
SWEEP: Mapping[str, Any] = {
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
        "width": {"min": 4, "max": 64},
    },
    "swept": {"epochs": STEPS, "early_stopping": "auto"},
}


def curve(config: Mapping[str, Any], seed: int) -> list[float]:
    """Falls to a level that is lowest at lr = 0.01, width = 40; diverges beyond lr = 0.5."""
    off = math.log10(config["lr"]) + 2.0
    level = 0.1 + 0.2 * off * off + 0.01 * abs(config["width"] - 40) / 10
    values = [level + math.exp(-0.2 * step) for step in range(1, STEPS + 1)]
    return [*values[:3], *[math.nan] * (STEPS - 3)] if config["lr"] > 0.5 else values


def play(budget: float = 10 * STEPS, **arguments: Any) -> Simulation:
    sweep = {**SWEEP, **arguments.pop("sweep", {})}
    return simulate(sweep, arguments.pop("curve", curve), budget, **arguments)


def test_many_runs_begin_few_are_trained_to_the_end_and_one_of_the_best_is_named() -> None:
    simulation = play()
    states = Counter(run.state for run in simulation.runs)
    assert len(simulation.runs) > 20
    assert 1 <= states[RunState.FINISHED] < 10
    found = simulation.recommended()
    assert found is not None
    assert curve(found.config, 0)[-1] < 0.13


def test_a_run_pauses_at_a_rung_and_says_why() -> None:
    simulation = play()
    paused = [run for run in simulation.runs if run.state is RunState.PAUSED]
    assert {run.steps for run in paused} <= set(ladder(STEPS))
    assert all("loss is expected to end at" in run.desired_why for run in paused[-3:])


def test_nothing_that_diverged_goes_on() -> None:
    def diverging(config: Mapping[str, Any], seed: int) -> list[float]:
        values = curve(config, seed)
        return [*values[:1], *[math.nan] * (STEPS - 1)] if config["lr"] > 0.1 else values

    runs = play(curve=diverging).runs
    lost = [sum(math.isnan(point.value) for point in run.curve) for run in runs]
    assert 0 < max(lost) <= LEAST_REPORTS


def test_after_the_start_a_run_now_and_then_is_judged_late_so_that_one_that_starts_slowly_is_seen() -> (
    None
):
    def crossing(config: Mapping[str, Any], seed: int) -> list[float]:
        """The better a run ends, the later it begins to fall."""
        end = curve({**config, "lr": min(config["lr"], 0.5)}, seed)[-1]
        return [max(end, 1.0 - max(0.0, step - 8.0 / (0.2 + end)) / 8) for step in range(1, 33)]

    simulation = play(10 * STEPS, curve=crossing)
    rungs = ladder(STEPS)
    late = [run for run in simulation.runs if run.number in (25, 33)]
    assert [run.steps >= rungs[3] for run in late] == [True, True]


def test_without_checkpoints_runs_are_stopped_and_never_paused() -> None:
    simulation = play(can_resume=False)
    states = Counter(run.state for run in simulation.runs)
    assert states[RunState.PAUSED] == 0
    assert states[RunState.STOPPED] > 10
    assert states[RunState.FINISHED] >= 1


@pytest.mark.parametrize("workers", [4, 16])
def test_workers_side_by_side_get_different_places(workers: int) -> None:
    simulation = play(workers=workers)
    assert len({(run.config["lr"], run.config["width"]) for run in simulation.runs}) == len(
        simulation.runs
    )


def test_the_baseline_is_never_paused() -> None:
    options = {"swept": {**SWEEP["swept"], "baseline": {"lr": 0.3, "width": 4}}}
    simulation = play(sweep=options)
    (first,) = [run for run in simulation.runs if run.kind is Kind.BASELINE]
    assert first.number == 1
    assert first.state is RunState.FINISHED


@pytest.mark.parametrize("unit", [1e-12, 1e9])
def test_the_unit_and_the_direction_of_the_metric_change_nothing(unit: float) -> None:
    """Nothing but rounding: the first runs are alike, and what is found is as good."""
    plain = play()
    other = play(
        sweep={"metric": {"name": "score", "goal": "maximize"}},
        curve=lambda config, seed: [-unit * value for value in curve(config, seed)],
    )
    assert [run.config for run in other.runs[:9]] == [run.config for run in plain.runs[:9]]
    found = other.recommended()
    assert found is not None
    assert curve(found.config, 0)[-1] < 0.13


def test_the_same_history_gives_the_same_answers() -> None:
    simulation = play(budget=5 * STEPS)
    history = History(simulation.runs)
    spec = simulation.spec
    again = History(tuple(simulation.runs))
    assert suggest(spec, history, 2, seed=3) == suggest(spec, again, 2, seed=3)
    assert decide(spec, history) == decide(spec, again)
    assert play(budget=5 * STEPS).runs == simulation.runs


def test_the_ladder_begins_early_doubles_and_ends_with_the_training() -> None:
    assert ladder(52) == (2, 4, 8, 16, 32, 52)
    assert ladder(100) == (4, 8, 16, 32, 64, 100)
    assert ladder(1) == (1,)
    assert ladder(5) == (1, 2, 5)


# -- what it shares with asha -----------------------------------------------------------------------


def asked(*runs: Run, epochs: int = STEPS) -> dict[str, Desired]:
    spec = parse_mapping({**SWEEP, "swept": {"epochs": epochs, "early_stopping": "auto"}})
    return {each.run: each.desired for each in decide(spec, History(runs))}


def at(number: int, values: list[float], state: RunState = RunState.RUNNING, **more: Any) -> Run:
    return run(number, values, state, config={"lr": 0.1, "width": 4 + number}, **more)


PAUSED = at(1, [5.0, 5.0], RunState.PAUSED), at(2, [4.0, 4.0], RunState.PAUSED)


def test_a_run_that_was_let_pass_is_not_called_back() -> None:
    assert asked(*PAUSED, at(3, [3.0, 3.0])) == {"r3": Desired.GO}
    passed = at(3, [3.0, 3.0, 3.0], desired_why="step 2: among the best")
    better = at(4, [1.0, 1.0], RunState.PAUSED)
    assert asked(*PAUSED, passed, better) == {}
    assert asked(*PAUSED, replace(passed, desired_why=""), better) == {"r3": Desired.PAUSE}


def test_one_report_without_a_checkpoint_says_nothing() -> None:
    """Trainings as short as this are judged at their first step; its checkpoint comes a moment later."""
    assert asked(at(1, [5.0], saved=False), epochs=8) == {}
    assert asked(at(1, [5.0, 5.0]), epochs=8) == {"r1": Desired.PAUSE}
    assert asked(at(1, [5.0, 5.0], saved=False), epochs=8) == {}
    assert asked(at(1, [5.0] * 3, saved=False), epochs=8) == {"r1": Desired.STOP}
    waited = at(1, [5.0] * 3, RunState.STOPPED, saved=False)
    assert asked(waited, at(2, [6.0], saved=False), epochs=8) == {"r2": Desired.STOP}, "at once"
    assert asked(waited, at(2, [4.0], saved=False), epochs=8) == {"r2": Desired.GO}


def test_a_new_attempt_that_has_not_reported_is_not_judged_by_the_old_curve() -> None:
    silent = (attempt(), attempt(2, reported=False))
    assert asked(*PAUSED, at(3, [6.0, 6.0], attempts=silent)) == {}


def test_numbers_that_are_missing_at_first_are_waited_for() -> None:
    nan = math.nan
    others = at(1, [nan, 5.0], RunState.PAUSED), at(2, [nan, 6.0], RunState.PAUSED)
    assert asked(*others, at(3, [nan]), epochs=8) == {}
    assert asked(at(1, [nan, nan, 5.0]), *PAUSED) == {"r1": Desired.PAUSE}
    assert asked(*others, at(3, [6.0, nan, nan, nan]), at(4, [5.0] * 5, RunState.PAUSED)) == {
        "r3": Desired.STOP
    }


@pytest.mark.parametrize("runs", [1, 3, 5])
@pytest.mark.parametrize("resume", [True, False])
def test_of_a_few_runs_one_is_trained_to_its_end(runs: int, resume: bool) -> None:
    simulation = play(budget=1000, sweep={"run_cap": runs}, can_resume=resume)
    states = Counter(run.state for run in simulation.runs)
    assert len(simulation.runs) == runs
    assert states[RunState.FINISHED] >= 1
    assert simulation.ended_because == f"the budget of {runs} runs is used up"
    if resume:
        assert states[RunState.FINISHED] == 1


def test_a_run_near_its_end_is_let_finish() -> None:
    """Of unequal lengths: at rung 4 of 5 steps nothing is left to save."""
    options = {**SWEEP, "swept": {"epochs": "epochs", "early_stopping": "auto"}}
    options["parameters"] = {**SWEEP["parameters"], "epochs": {"values": [5, 100]}}
    spec = parse_mapping(options)

    def decided(epochs: int) -> list[Desired]:
        config = {"lr": 0.1, "width": 9, "epochs": epochs}
        others = [run(n, [1.0] * 4, RunState.PAUSED, config=config) for n in (1, 2)]
        found = decide(spec, History((*others, run(3, [2.0] * 4, config=config))))
        return [each.desired for each in found]

    assert decided(5) == []
    assert decided(100) == [Desired.PAUSE]


def test_a_finite_space_ends_when_each_configuration_was_tried_once() -> None:
    parameters = {"lr": {"values": [0.001, 0.01, 0.1]}, "width": {"values": [8, 40]}}
    simulation = play(budget=100 * STEPS, sweep={"parameters": parameters})
    assert len({(run.config["lr"], run.config["width"]) for run in simulation.runs}) == 6
    assert len(simulation.runs) == 6
    assert "every configuration of this space was tried" in simulation.ended_because


def test_one_parameter_is_searched_by_the_model_too() -> None:
    parameters = {"lr": SWEEP["parameters"]["lr"], "width": {"value": 40}}
    simulation = play(sweep={"parameters": parameters})
    strategies = Counter(run.why["strategy"] for run in simulation.runs)
    assert strategies["model"] > strategies["random"]


# -- what happens to runs ---------------------------------------------------------------------------

CUBE = {name: {"min": 0.0, "max": 1.0} for name in ("a", "b", "c")}


def played(
    parameters: Mapping[str, Any],
    ran: Callable[[Run], Run],
    runs: int,
    epochs: int = 2,
    seed: int = 1,
) -> list[Run]:
    """One run after the other; `ran` says what became of each."""
    options = {"epochs": epochs, "early_stopping": "auto"}
    spec = parse_mapping({**SWEEP, "parameters": parameters, "swept": options})
    played: list[Run] = []
    for number in range(1, runs + 1):
        answer = suggest(spec, History(tuple(played)), 1, seed=seed)
        if not isinstance(answer, tuple):
            break
        (start,) = answer
        assert isinstance(start, Start)
        played.append(ran(run(number, [], config=start.config, why=start.why, saved=False)))
    return played


def finished(run: Run, value: float, **more: Any) -> Run:
    points = tuple(Point(step, value) for step in (1, 2))
    return replace(run, state=RunState.FINISHED, curve=points, **more)


def test_a_region_that_fails_is_left() -> None:
    def ran(run: Run) -> Run:
        if run.config["a"] > 0.5:
            return replace(run, state=RunState.FAILED)
        return finished(run, sum((value - 0.4) ** 2 for value in run.config.values()))

    late = [run for seed in range(1, 7) for run in played(CUBE, ran, 40, seed=seed)[20:]]
    failed = sum(run.state is RunState.FAILED for run in late)
    assert failed <= 48, "half of all places fail, and the best ones lie beside them: 42 of 120"


def test_a_program_that_changes_a_value_is_not_given_the_same_again() -> None:
    def clamped(run: Run) -> Run:
        used = {**run.config, "a": min(run.config["a"], 0.4)}
        tried = replace(attempt(), effective_config=used)
        return finished(run, used["b"] - used["a"], attempts=(tried,))

    runs = played(CUBE, clamped, 40)
    assert len({tuple(run.config.values()) for run in runs}) == 40
    small = {"a": {"values": [0.1, 0.2, 0.8]}, "b": {"values": [1, 2]}}
    assert len(played(small, clamped, 20)) == 6


def test_a_training_of_one_step_is_searched_by_values() -> None:
    """There is no curve to learn from: five spread-out runs, then the model."""
    simulation = play(
        budget=12,
        sweep={"swept": {"epochs": 1, "early_stopping": "auto"}},
        curve=lambda config, seed: curve(config, seed)[-1:],
    )
    assert [run.why["strategy"] for run in simulation.runs][5:] == ["model"] * 7


def test_of_a_limited_number_of_runs_at_most_half_are_spread_out() -> None:
    simulation = play(sweep={"run_cap": 10})
    strategies = [run.why["strategy"] for run in simulation.runs]
    assert strategies.count("space-filling") == 5


def test_while_nothing_gives_a_value_the_runs_are_spread_out_further() -> None:
    runs = played({"a": CUBE["a"]}, lambda run: replace(run, state=RunState.FAILED), 16)
    assert {run.why["strategy"] for run in runs} == {"space-filling"}
    places = sorted(run.config["a"] for run in runs)
    assert min(b - a for a, b in pairwise(places)) > 0.005


def test_of_a_small_budget_at_most_half_is_spread_out() -> None:
    assert [starts(7, most) for most in (None, 50, 20, 4)] == [24, 24, 10, 3]


def test_few_levels_do_not_crowd_the_other_parameters() -> None:
    parameters = {
        "lr": SWEEP["parameters"]["lr"],
        "opt": {"values": ["sgd", "adam"]},
        "aug": {"values": [0, 1]},
    }

    def ran(run: Run) -> Run:
        off = (math.log10(run.config["lr"]) + 2.0) ** 2
        return finished(run, off + (run.config["opt"] == "sgd") + run.config["aug"])

    runs = played(parameters, ran, 50)
    assert Counter(run.why["strategy"] for run in runs[15:])["model"] > 25


def test_a_parameter_added_in_mid_sweep_is_spread_out_like_the_others() -> None:
    before = played(CUBE, lambda run: finished(run, run.config["a"]), 20)
    wider = {**CUBE, "d": {"min": 0.0, "max": 1.0}}
    spec = parse_mapping({**SWEEP, "parameters": wider})
    answer = suggest(spec, History(tuple(before), spec_version=2), 1, seed=1)
    assert isinstance(answer, tuple)
    assert answer[0].why["reason"] == "space-filling 1 of 15"


def test_what_longer_curves_have_in_common_is_no_skill() -> None:
    """Nothing depends on the configuration: the later a run is seen, the lower it is."""

    def noise(config: Mapping[str, Any], seed: int) -> list[float]:
        return [seed % 97 / 970 + 2 * math.exp(-step / 5) for step in range(1, STEPS + 1)]

    simulation = play(curve=noise)
    forecast = Forecast.of(simulation.spec, History(simulation.runs))
    assert forecast is not None
    assert skill(forecast) < 0.4


def lottery(config: Mapping[str, Any], seed: int) -> list[float]:
    """Good in one narrow valley; elsewhere a level that no model of the configuration can tell."""
    lr, width = math.log10(config["lr"]), config["width"]
    off = abs(lr + 2.0) + abs(width - 40) / 40
    level = 0.2 + off if off < 0.3 else 1.0 + math.modf(math.sin(lr * 1e4 + width) * 1e4)[0]
    return [level + math.exp(-0.2 * step) for step in range(1, STEPS + 1)]


def test_the_less_the_model_predicts_the_more_often_good_runs_are_varied() -> None:
    def not_modelled(of: Callable[[Mapping[str, Any], int], list[float]]) -> float:
        runs = [run for run in play(curve=of).runs if run.why["strategy"] != "space-filling"]
        assert runs
        varied = Counter(run.why["strategy"] for run in runs)
        assert set(varied) <= {"model", "random", "variation"}
        return (varied["variation"] + varied["random"]) / len(runs)

    assert not_modelled(curve) < 0.3
    assert not_modelled(lottery) > 0.4
    assert any(run.why["strategy"] == "variation" for run in play(curve=lottery).runs)
