"""How far a sweep has come, what it has cost, and what is left of it; the option that says what an hour costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from swept.analysis.forecasts import forecasts
from swept.analysis.progress import Progress, progress
from swept.errors import SpecError
from swept.model import Attempt, Kind, Outcome, Point, Run, RunState
from swept.spec import Spec, from_canonical, parse, parse_mapping
from swept.sweepfile.options import Price

STEPS = 16
SWEEP: dict[str, Any] = {
    "method": "random",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
    "run_cap": 12,
}
NOW = 10_000.0


def spec_with(**options: Any) -> Spec:
    return parse_mapping({**SWEEP, "swept": {"epochs": STEPS, **options}})


def run(
    number: int, steps: int = STEPS, state: RunState = RunState.FINISHED, x: float | None = None
) -> Run:
    """Of 10 s a step; a running one has been at it until NOW."""
    x = number / 20.0 if x is None else x
    going = state is RunState.RUNNING
    start = NOW - 10.0 * steps if going else 0.0
    attempt = Attempt(1, "a", "h", start, None if going else 10.0 * steps, Outcome.FINISHED)
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
        curve=tuple(Point(step, (x - 0.3) ** 2 + 1.0 / step) for step in range(1, steps + 1)),
    )


def progress_of(
    spec: Spec, runs: list[Run], hours: float = 1.0, over: bool = False, slots: int = 1
) -> Progress:
    return progress(spec, runs, hours=hours, over=over, slots=slots, now=NOW)


class TestEta:
    def test_the_mean_pace_of_the_steps_to_come_over_the_slots(self) -> None:
        runs = [run(n) for n in range(1, 5)]
        found = progress_of(spec_with(), runs)
        assert (found.ended, found.cap) == (4, 12)
        assert found.eta == pytest.approx(8 * STEPS * 10.0)
        assert progress_of(spec_with(), runs, slots=4).eta == pytest.approx(2 * STEPS * 10.0)

    def test_with_early_stopping_a_run_costs_what_runs_cost_so_far(self) -> None:
        spec = spec_with(early_stopping="asha")
        runs = [run(1), run(2), *(run(n, 4, RunState.STOPPED) for n in range(3, 9))]
        mean = (2 * STEPS + 6 * 4) / 8
        assert progress_of(spec, runs).eta == pytest.approx(4 * mean * 10.0)

    def test_what_is_under_way_counts_as_far_as_it_has_come(self) -> None:
        runs = [run(n) for n in range(1, 12)]
        assert progress_of(spec_with(), [*runs, run(12, 6, RunState.RUNNING)]).eta == pytest.approx(
            10 * 10.0
        )

    def test_the_hours_that_are_left_where_they_are_used_up_first(self) -> None:
        spec = spec_with(budget={"hours": 2.0})
        runs = [run(n) for n in range(1, 5)]
        assert progress_of(spec, runs, hours=1.95).eta == pytest.approx(0.05 * 3600.0)

    def test_where_the_file_says_no_length_the_finished_runs_do(self) -> None:
        """W&B's hyperband knows no epochs: most runs are stopped, and the few that finished say how long a full one is."""
        spec = parse_mapping(
            {**SWEEP, "early_terminate": {"type": "hyperband", "min_iter": 4, "eta": 2}}
        )
        stopped = [run(n, 4, RunState.STOPPED) for n in range(1, 8)]
        going = run(8, 6, RunState.RUNNING)
        found = progress_of(spec, [*stopped, going])
        assert found.eta is None
        assert found.eta_why.startswith("no run has finished yet")
        assert "`swept.epochs`" in found.eta_why
        found = progress_of(spec, [*stopped, going, run(9)])
        typical = (7 * 4 + STEPS) / 8
        assert found.eta == pytest.approx(10.0 * (STEPS - 6 + 3 * typical))
        assert found.eta_why == ""

    @pytest.mark.parametrize(
        ("why", "said"),
        [
            ("no agent", "no agent is at work"),
            ("no run cap", "the number of runs is open"),
            ("no step", "no step has been reported yet"),
        ],
    )
    def test_nothing_where_it_is_not_known(self, why: str, said: str) -> None:
        spec, runs, slots = spec_with(), [run(1)], 1
        if why == "no agent":
            slots = 0
        elif why == "no run cap":
            spec = parse_mapping(
                {**{k: v for k, v in SWEEP.items() if k != "run_cap"}, "swept": {"epochs": STEPS}}
            )
        else:
            runs = []
        found = progress_of(spec, runs, slots=slots)
        assert found.eta is None
        assert found.eta_why.startswith(said)

    def test_an_ended_sweep_has_nothing_left(self) -> None:
        assert progress_of(spec_with(), [run(1)], over=True, slots=0).eta == 0.0


class TestCost:
    def test_hours_by_price_and_energy(self) -> None:
        price = {"per_hour": 0.35, "currency": "EUR", "watts": 320, "per_kwh": 0.3}
        found = progress_of(spec_with(price=price), [run(1)], hours=10.0)
        assert found.hours_used == 10.0
        assert found.energy == pytest.approx(3.2)
        assert found.cost == pytest.approx(3.5 + 0.96)
        assert found.currency == "EUR"

    def test_energy_alone(self) -> None:
        found = progress_of(spec_with(price={"watts": 320}), [run(1)], hours=10.0)
        assert found.energy == pytest.approx(3.2)
        assert (found.cost, found.currency) == (None, "")

    def test_without_a_price_nothing_is_said(self) -> None:
        found = progress_of(spec_with(), [run(1)])
        assert (found.energy, found.cost, found.currency) == (None, None, "")

    def test_hours_saved_are_the_steps_not_taken(self) -> None:
        runs = [run(1), run(2), run(3, 4, RunState.STOPPED)]
        found = progress_of(spec_with(early_stopping="asha"), runs)
        assert found.hours_saved == pytest.approx(12 * 10.0 / 3600.0)
        assert progress_of(spec_with(), runs).hours_saved is None


class TestWhatIsReached:
    def test_noise_from_repeats_and_targets_by_finished_runs(self) -> None:
        spec = spec_with(targets={"good": 0.2, "better": 0.01})
        found = progress_of(spec, [run(1), run(6, x=0.3)])
        assert [(each.name, each.reached) for each in found.targets] == [
            ("good", True),
            ("better", False),
        ]
        assert found.noise is None

    def test_why_the_noise_is_not_known(self) -> None:
        """The best trained again after the search is a repeat at the search's length alone."""
        runs = [run(1), run(6)]
        again = replace(run(7), config=runs[1].config, kind=Kind.COMPARE)
        assert progress_of(spec_with(), [*runs, again]).noise is not None
        longer = replace(again, curve=(*again.curve, Point(STEPS + 1, 0.5)))
        found = progress_of(spec_with(), [*runs, longer])
        assert found.noise is None
        assert found.noise_why == "no configuration was run twice to its end, at one length"
        same = [replace(run(7), config=runs[1].config, curve=runs[1].curve)]
        assert "the last digit" in progress_of(spec_with(), [*runs, *same]).noise_why
        other = [replace(same[0], curve=(*runs[1].curve[:-1], Point(STEPS, 0.5)))]
        found = progress_of(spec_with(), [*runs, *other])
        assert found.noise is not None
        assert found.noise_why == ""


class TestForecasts:
    def test_runs_under_way_are_expected_to_end_where_their_like_did(self) -> None:
        spec = spec_with()
        runs = [run(n) for n in range(1, 13)]
        going = [run(13, 6, RunState.RUNNING, x=0.3), run(14, 6, RunState.PAUSED, x=0.9)]
        low, high = forecasts(spec, [*runs, *going])
        assert (low.run, high.run) == ("r13", "r14")
        assert low.low <= low.mean <= low.high
        assert low.mean == pytest.approx(1.0 / STEPS, abs=0.06)
        assert high.mean > low.mean

    def test_none_where_the_length_is_not_known_or_nothing_was_seen(self) -> None:
        assert forecasts(parse_mapping(SWEEP), [run(1), run(2, 6, RunState.RUNNING)]) == ()
        assert forecasts(spec_with(), []) == ()
        assert forecasts(spec_with(), [run(1, 1, RunState.RUNNING)]) == ()


class TestTheOption:
    def test_it_survives_the_store(self) -> None:
        spec = spec_with(price={"per_hour": 0.35, "currency": "EUR"})
        assert spec.options.price == Price(per_hour=0.35, currency="EUR")
        assert from_canonical(spec.canonical()).options.price == spec.options.price

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("0.35", "takes a mapping"),
            ("{}", "needs `per_hour` or `watts`"),
            ("{currency: EUR}", "needs `per_hour` or `watts`"),
            ("{per_hour: 0.35}", "needs `currency`"),
            ("{per_hour: -1, currency: EUR}", "must be above 0"),
            ("{per_hour: cheap, currency: EUR}", "takes a number"),
            ("{per_hour: 1, per_kwh: 0.3, currency: EUR}", "per_kwh` needs `watts`"),
            ("{per_hour: 1, currency: 7}", "takes text"),
            ("{per_hours: 1, watts: 3}", "unknown key `per_hours`"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_line(self, written: str, said: str) -> None:
        text = "method: random\nparameters: {x: {min: 0.0, max: 1.0}}\nswept:\n  price: "
        with pytest.raises(SpecError) as caught:
            parse(text + written)
        assert [problem.line for problem in caught.value.problems] == [4]
        assert said in caught.value.problems[0].message
