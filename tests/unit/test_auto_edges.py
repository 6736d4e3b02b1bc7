"""`early_stopping: auto` where sweeps are odd: many runs, rare reports, failures, huge figures, short trainings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.unit.test_asha import run

from swept.model import Continue, Done, History, Kind, Point, Run, RunState, Start
from swept.search.auto import _feasible, _Proposals
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.stopping.auto import standings
from swept.stopping.decide import promotions
from swept.stopping.exhausted import exhausted
from swept.stopping.forecast import Forecast
from swept.testing.simulate import simulate

STEPS = 32
SWEEP: Mapping[str, Any] = {
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}},
    "swept": {"epochs": STEPS, "early_stopping": "auto"},
}
PAUSED, FINISHED = RunState.PAUSED, RunState.FINISHED


def spec(epochs: int = STEPS, **more: Any) -> Spec:
    return parse_mapping({**SWEEP, "swept": {"epochs": epochs, "early_stopping": "auto"}, **more})


def at(number: int, values: list[float], state: RunState = PAUSED, **more: Any) -> Run:
    """Run `number`, at a place of its own."""
    config = {"x": number * 0.618 % 1.0, "y": number * 0.414 % 1.0}
    return run(number, values, state, **{"config": config, "seed": number, **more})


def forecast(*runs: Run, epochs: int = STEPS) -> Forecast:
    found = Forecast.of(spec(epochs), History(runs))
    assert found is not None
    assert found.model is not None
    return found


# -- many runs --------------------------------------------------------------------------------------


def test_of_many_runs_the_model_keeps_the_best_and_some_of_the_others() -> None:
    runs = [at(n, [1.0 + n % 97, (1.0 + n % 97) / 2.0], PAUSED) for n in range(1, 901)]
    model = forecast(*runs).model
    assert model is not None
    assert len(model.seen.y) <= 1000
    kept = {runs[place].number for place in model.seen.run}
    assert len(kept) == 500
    assert {n for n in range(1, 901) if n % 97 < 30} <= kept


def test_ends_predicted_together_are_those_predicted_one_by_one() -> None:
    runs = [at(n, [2.0 + n % 7, 1.0 + n % 7], PAUSED) for n in range(1, 41)]
    found = forecast(*runs)
    assert found.model is not None
    for place in (0, 17, 39):
        X = found.features.columns(found.places[place][None])
        mean, sd = found.model.predict(X, np.array([place], dtype=np.intp))
        assert found.final(place) == pytest.approx((mean[0], sd[0]))


# -- reports every k steps --------------------------------------------------------------------------


def test_a_rare_report_is_one_observation_at_its_own_step() -> None:
    runs = [at(n, [1.0 / n], steps=[10]) for n in range(1, 9)]
    model = forecast(*runs).model
    assert model is not None
    assert model.seen.run.tolist() == list(range(8))
    assert model.seen.t == pytest.approx(math.log(10) / math.log(STEPS))


def test_rare_reports_are_not_taken_for_steps_continued() -> None:
    """Without any step beyond the first judgement no run is refused, hopeless as the model may think it."""
    runs = [at(n, [float(n)], steps=[10]) for n in range(1, 17)]
    assert len(promotions(spec(), History(tuple(runs)))) == 8


# -- what is no data point, and what is a whole training --------------------------------------------


@pytest.mark.parametrize("state", [RunState.KILLED, RunState.FAILED, RunState.CRASHED])
def test_a_run_that_was_cancelled_or_failed_teaches_the_model_nothing(state: RunState) -> None:
    others = [at(n, [2.0 + n, 1.0 + n]) for n in range(1, 9)]
    without = forecast(*others)
    found = forecast(*others, at(9, [-50.0, -60.0], state))
    assert found.model is not None
    assert 8 not in found.model.seen.run
    assert found.scale == without.scale
    assert found.best == without.best


def test_what_was_cancelled_on_its_way_to_a_record_is_not_varied() -> None:
    paused = [at(n, [2.0 + n * 0.37 % 1.0]) for n in range(1, 30)]
    records = [at(n, [0.1] * 8, RunState.KILLED, config=near(n)) for n in range(30, 60)]
    answer = suggest(spec(), History((*paused, *records)), 40, seed=1)
    assert isinstance(answer, tuple)
    varied = [each for each in answer if each.why["strategy"] == "variation"]
    assert varied
    assert not any(isinstance(each, Start) and inside_corner(each.config) for each in varied)


def test_a_bad_baseline_and_its_repeats_are_not_varied_although_they_were_trained_to_their_end() -> (
    None
):
    paused = [at(n, [2.0 + n * 0.37 % 1.0]) for n in range(1, 40)]
    kinds = (Kind.BASELINE, Kind.REPEAT, Kind.REPEAT, Kind.REPEAT)
    bad = [
        at(n, [8.0] * STEPS, FINISHED, kind=kind, config=near(40))
        for n, kind in enumerate(kinds, 40)
    ]
    answer = suggest(spec(), History((*paused, *bad)), 40, seed=1)
    assert isinstance(answer, tuple)
    varied = [each for each in answer if each.why["strategy"] == "variation"]
    assert varied
    assert not any(isinstance(each, Start) and inside_corner(each.config) for each in varied)


def near(number: int) -> dict[str, float]:
    return {"x": 0.97 + number / 3000, "y": 0.97 + number % 7 / 300}


def inside_corner(config: Mapping[str, Any]) -> bool:
    return bool(min(config.values()) > 0.95)


def test_a_place_that_a_person_cancelled_teaches_no_feasibility() -> None:
    """What failed there is believed, whatever a cancelled run had reported."""
    failed = [at(n, [], RunState.FAILED, saved=False) for n in range(1, 5)]
    fine = [at(n, [1.0 + n, 1.0 + n]) for n in range(5, 9)]
    killed = at(9, [0.1, 0.1], RunState.KILLED, config=failed[0].config)

    def chance(*runs: Run) -> float:
        found = _feasible(forecast(*runs))
        where = found.features.locate(failed[0].config, {})
        return float(found.log_chance(np.array([where]))[0])

    assert chance(*failed, *fine, killed) == chance(*failed, *fine)


def test_a_program_that_ends_by_itself_has_been_trained_to_its_end() -> None:
    """Its last value is what it has at the end of the training too: the model has no doubt about it."""
    runs = [at(n, [3.0 + n / 9] * 2) for n in range(1, 12)]
    patient = at(12, [1.0 + 1.0 / step for step in range(1, 10)], FINISHED)
    found = forecast(*runs, patient)
    assert found.model is not None
    assert found.model.seen.t[found.model.seen.run == 11].max() == 1.0
    expected, doubt = found.final(11)
    assert found.own(expected) == pytest.approx(patient.value, abs=0.05)
    assert doubt < 0.5 * found.final(10)[1]


def _patient(config: Mapping[str, Any], seed: int) -> list[float]:
    """Falls to a level, which is lowest in the middle, and ends three steps after it came near."""
    level = abs(config["x"] - 0.5) + abs(config["y"] - 0.5)
    length = 8 + int(20 * config["x"])
    return [level + math.exp(-step / 2) for step in range(1, min(length, STEPS) + 1)]


@pytest.mark.parametrize(("resume", "workers"), [(True, 1), (False, 3)])
def test_a_sweep_of_programs_that_end_by_themselves_ends_and_names_the_best(
    resume: bool, workers: int
) -> None:
    file = {**SWEEP, "run_cap": 30}
    simulation = simulate(file, _patient, 40 * STEPS, workers=workers, can_resume=resume)
    assert simulation.ended_because == "the budget of 30 runs is used up"
    found = simulation.recommended()
    assert found is not None
    assert found.state is FINISHED
    assert found.value is not None
    assert found.value < 0.3


# -- the end of a sweep -----------------------------------------------------------------------------


def flat(level: float, count: int = 2) -> list[float]:
    return [level + 1.0 / step for step in range(1, count + 1)]


def test_once_a_program_ended_by_itself_no_hopeless_run_is_brought_to_its_end() -> None:
    whole = at(1, flat(0.1, 9), FINISHED)
    hopeless = [at(n, flat(5.0 + n)) for n in range(2, 9)]
    capped = spec(run_cap=8)
    assert isinstance(suggest(capped, History((whole, *hopeless)), 1, seed=0), Done)


def test_at_the_end_idle_workers_bring_on_runs_side_by_side() -> None:
    """The farthest is under way; of the others those that may still win go on, not the hopeless ones."""
    ahead = at(1, flat(1.0, 16), RunState.RUNNING, desired_why="step 16: passed")
    going = at(2, flat(1.002, 8), RunState.PENDING)
    near = [at(n, flat(1.0 + n / 1000, 8)) for n in (3, 4)]
    far = [at(n, flat(50.0 + n)) for n in range(5, 13)]
    history = History((ahead, going, *near, *far))
    answer = suggest(spec(run_cap=12), history, 6, seed=0)
    assert isinstance(answer, tuple)
    assert [each.run for each in answer if isinstance(each, Continue)] == ["r3", "r4"]


def _worse_and_worse(steps: int) -> Callable[[Mapping[str, Any], int], list[float]]:
    started: dict[tuple[float, float], int] = {}

    def curve(config: Mapping[str, Any], seed: int) -> list[float]:
        level = started.setdefault((config["x"], config["y"]), len(started))
        return [level + 1.0 / step for step in range(1, steps + 1)]

    return curve


@pytest.mark.parametrize("cap", [9, 17, 40])
def test_without_checkpoints_one_run_is_trained_to_its_end_even_if_each_is_worse(cap: int) -> None:
    """Eight steps have rungs at 1, 2 and 4: of eight runs one passes by its rank, but here none does."""
    options = {"epochs": 8, "early_stopping": "auto", "baseline": {"x": 0.5, "y": 0.5}}
    file = {**SWEEP, "method": "random", "run_cap": cap, "swept": options}
    simulation = simulate(file, _worse_and_worse(8), 10_000, can_resume=False)
    assert len(simulation.runs) == cap
    searched = [run for run in simulation.runs if run.kind is Kind.SEARCH]
    assert any(run.state is FINISHED for run in searched)


@pytest.mark.parametrize("method", ["grid", "bayes"])
def test_without_checkpoints_the_best_of_a_small_space_is_trained_to_its_end(method: str) -> None:
    values = {"x": {"values": [0.0, 0.5]}, "y": {"values": [0.0, 0.3, 0.6]}}
    file = {**SWEEP, "method": method, "parameters": values}

    def falling(config: Mapping[str, Any], seed: int) -> list[float]:
        return [config["x"] + config["y"] + 1 / step for step in range(1, STEPS + 1)]

    simulation = simulate(file, falling, 10_000, can_resume=False)
    assert len(simulation.runs) == 6
    best = simulation.recommended()
    assert best is not None
    assert best.config == {"x": 0.0, "y": 0.0}
    assert best.state is FINISHED


def test_grid_points_of_before_an_edit_and_a_baseline_do_not_count_as_tried() -> None:
    file = {**SWEEP, "method": "grid", "parameters": {"x": {"values": [0.4, 0.5, 0.6]}}}
    old = [
        run(n, [1.0], FINISHED, config={"x": x}, kind=kind)
        for n, x, kind in (
            (1, 0.45, Kind.BASELINE),
            (2, 0.1, Kind.SEARCH),
            (3, 0.2, Kind.SEARCH),
            (4, 0.4, Kind.SEARCH),
        )
    ]
    sweep = parse_mapping(file)
    assert not exhausted(sweep, History(tuple(old)))
    rest = [run(n, [1.0], FINISHED, config={"x": x}) for n, x in ((5, 0.5), (6, 0.6))]
    assert exhausted(sweep, History((*old, *rest)))


def test_the_last_configurations_of_a_finite_space_are_not_paused_to_be_continued_at_once() -> None:
    file = {**SWEEP, "parameters": {"x": {"values": [0.1, 0.4, 0.9]}, "y": {"value": 0.5}}}
    simulation = simulate(file, lambda c, _: [c["x"] + 1 / s for s in range(1, 33)], 10_000)
    assert len(simulation.runs) == 3
    whole = [run for run in simulation.runs if run.state is FINISHED]
    assert len(whole) == 1
    assert whole[0].config["x"] == 0.1
    assert len(whole[0].attempts) == 2, "paused once, at its first rung; then only it goes on"


# -- figures beyond all measure ---------------------------------------------------------------------


def w_of(found: Forecast, numbers: range) -> np.ndarray:
    assert found.scale is not None
    ends = np.array([run.run.value for run in found.runs if run.run.number in numbers])
    return found.scale.inward(ends)


def test_huge_values_on_the_bad_side_are_cut() -> None:
    """Two runs in three are beyond all measure, and those that are not are still told apart."""
    fine = [at(n, flat(1.0 + n / 10)) for n in range(1, 7)]
    found = forecast(*fine, *[at(n, flat(10.0 ** (n % 9 + 6))) for n in range(7, 20)])
    assert np.ptp(w_of(found, range(1, 7))) > 0.5
    model = found.model
    assert model is not None
    assert np.isfinite(model.seen.y).all()
    assert model.seen.y.max() < 10.0


@pytest.mark.parametrize("huge", [1e3, 1e6, 1e300])
def test_one_huge_value_on_the_good_side_does_not_flatten_the_others(huge: float) -> None:
    fine = [at(n, flat(1.0 + n / 10)) for n in range(1, 21)]
    without = np.ptp(w_of(forecast(*fine), range(1, 21)))
    found = forecast(*fine, at(21, [-huge, -huge]))
    assert np.ptp(w_of(found, range(1, 21))) > 0.15 * without
    assert w_of(found, range(21, 22))[0] == found.leading < found.best
    assert found.own(found.leading) == pytest.approx(-huge, rel=1e-6)


def test_an_improvement_is_never_cut() -> None:
    """One run far ahead is the best whatever its lead; once another comes near, both are told apart as well as before."""
    stuck = [at(n, flat(5.0 + n / 1000)) for n in range(1, 21)]
    leads = [forecast(*stuck, at(21, flat(level))) for level in (4.0, 1.0, 0.5)]
    assert [found.own(found.leading) for found in leads] == pytest.approx([4.5, 1.5, 1.0])
    both = forecast(*stuck, at(21, flat(1.0)), at(22, flat(1.2)))
    assert both.best == both.leading
    assert np.ptp(w_of(both, range(21, 23))) > 0.3


# -- earlier sweeps ---------------------------------------------------------------------------------


def prior_of(number: int, level: Callable[[Mapping[str, Any]], float]) -> Run:
    earlier = at(number, [], FINISHED, kind=Kind.PRIOR, saved=False)
    points = (Point(STEPS, level(earlier.config)),)
    return replace(earlier, id=f"p{number}", number=-number, curve=points)


def slow_starter(config: Mapping[str, Any]) -> list[float]:
    """The better it ends, the worse it begins."""
    end = (config["x"] - 0.5) ** 2
    return [end + (1.0 - 3.0 * end) * max(0.0, 1.0 - step / 8) for step in range(1, STEPS + 1)]


def test_an_earlier_sweep_is_believed_although_the_best_begin_worst() -> None:
    """It is held against what runs end at, not against what they are at the first rung."""
    own = []
    for number in range(1, 13):
        begun = at(number, [], saved=False)
        values = slow_starter(begun.config)
        whole = number % 2 == 0
        own.append(at(number, values if whole else values[:2], FINISHED if whole else PAUSED))
    priors = [prior_of(n, lambda config: slow_starter(config)[-1]) for n in range(1, 31)]
    proposals = _Proposals(forecast(*own), History((*priors, *own)), 0)
    assert proposals.sources.runs == 30


def test_of_many_prior_runs_some_are_modelled() -> None:
    priors = [prior_of(n, lambda config: config["x"]) for n in range(1, 2001)]
    own = [at(n, flat(1.0 + n * 0.618 % 1.0)) for n in range(1, 6)]
    proposals = _Proposals(forecast(*own), History((*priors, *own)), 0)
    assert proposals.sources.runs == 500
    assert sum(place[0] < 0.1 for place in proposals.sources.located) > 190, "the best of them"


# -- who goes on ------------------------------------------------------------------------------------


def continued(*runs: Run) -> dict[int, str]:
    """Which of the paused runs go on, and why."""
    found = promotions(spec(), History(runs))
    return {int(each.run[1:]): each.why["reason"] for each in found}


def test_of_the_first_runs_a_third_goes_on() -> None:
    first = [at(n, [float(n)]) for n in range(1, 7)]
    assert list(continued(*first[:2])) == []
    assert list(continued(*first[:5])) == [1]
    assert list(continued(*first)) == [1, 2]


def test_a_run_that_begins_badly_goes_on_where_runs_like_it_ended_best() -> None:
    def begun(number: int, x: float, steps: int) -> Run:
        values = slow_starter({"x": x})[:steps]
        state = FINISHED if steps == STEPS else PAUSED
        return at(number, values, state, config={"x": x, "y": 0.5})

    whole = [begun(n, x, STEPS) for n, x in enumerate((0.0, 0.1, 0.2, 0.3, 0.7, 0.8, 0.9, 1.0), 1)]
    hopeful, hopeless = begun(9, 0.5, 2), begun(10, 0.05, 2)
    found = continued(*whole, hopeful, hopeless)
    assert list(found) == [9]
    assert found[9].startswith("likely to end best at step 2")


def test_without_checkpoints_the_last_run_goes_on_where_it_may_win_by_any_margin() -> None:
    """Nothing else could use its steps. While other runs may come, one that is hardly better makes way for them."""

    def nearly_alike(config: Mapping[str, Any], seed: int) -> list[float]:
        end = 1.0 + config["x"] + 0.001 * config["y"]
        return [end + 2.0 / step for step in range(1, STEPS + 1)]

    file = {**SWEEP, "run_cap": 24}
    simulation = simulate(file, nearly_alike, 10_000, can_resume=False)
    runs = list(simulation.runs)
    best = simulation.recommended()
    assert best is not None
    last = runs[-1]
    config = {"x": best.config["x"], "y": 0.0}
    half = tuple(best.curve[: STEPS // 2])
    runs[-1] = replace(last, config=config, state=RunState.RUNNING, curve=half, ended=None)
    found = standings(parse_mapping(file), History(tuple(runs)))
    assert found is not None
    assert found.closing
    track = next(each for each in found.tracks if each.run.number == last.number)
    assert replace(found, closing=False).refuses(track)
    assert not found.refuses(track)
