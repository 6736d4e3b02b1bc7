"""Prior runs: the search starts where they were good; nothing else counts, compares or names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from swept.analysis.best import baseline, best
from swept.analysis.outcomes import outcomes
from swept.model import (
    Attempt,
    Config,
    Done,
    Goal,
    History,
    Kind,
    Point,
    Run,
    RunState,
    Start,
)
from swept.search.budget import slot_hours
from swept.search.prior import unused
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.stopping.decide import decide
from swept.testing.search_contract import started

PARAMETERS = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}, "epochs": {"value": 9}}


def spec(method: str = "bayes", parameters: dict[str, Any] = PARAMETERS, **top: Any) -> Spec:
    metric = {"name": "loss", "goal": "minimize"}
    return parse_mapping({"method": method, "metric": metric, "parameters": parameters, **top})


def bowl(config: Config) -> float:
    return float((config["x"] - 0.2) ** 2 + (config["y"] - 0.8) ** 2)


def prior(
    number: int, value: float | None, state: RunState = RunState.FINISHED, **config: Any
) -> Run:
    return Run(
        id=f"p{number}",
        project="",
        sweep="s",
        number=number,
        name=f"prior-{number}",
        kind=Kind.PRIOR,
        state=state,
        config=config,
        attempts=(Attempt(1, "", "host", started=0.0, ended=7200.0),),
        curve=() if value is None else (Point(8, value),),
    )


@pytest.fixture
def priors() -> History:
    rng = np.random.default_rng(5)
    places = [{"x": float(x), "y": float(y)} for x, y in rng.random((16, 2))]
    return History(
        tuple(
            prior(i, bowl(place), RunState.FINISHED, **place) for i, place in enumerate(places, 1)
        )
    )


def away(starts: Sequence[Start]) -> float:
    return float(np.mean([np.hypot(s.config["x"] - 0.2, s.config["y"] - 0.8) for s in starts]))


def test_a_search_with_good_priors_starts_near_them(priors: History) -> None:
    informed = started(suggest(spec(), priors, 3, seed=1))
    assert [start.why["strategy"] for start in informed] == ["model"] * 3
    assert "with 16 prior" in informed[0].why["reason"]
    assert away(informed) < 0.2
    assert away(started(suggest(spec(), History(), 3, seed=1))) > 0.3


def test_priors_that_were_trained_otherwise_say_nothing(priors: History) -> None:
    others = History(
        tuple(prior(run.number, run.value, **run.config, epochs=3) for run in priors.runs)
    )
    (start,) = started(suggest(spec(), others, 1, seed=1))
    assert start.why["strategy"] == "space-filling"
    assert unused(spec(), others.runs[0]) == "not used: it ran with epochs 3, and this sweep has 9"


@pytest.mark.parametrize(
    ("run", "method", "said"),
    [
        (prior(1, 0.5, x=0.5, y=0.5), "bayes", ""),
        (prior(1, None, RunState.FAILED, x=0.5, y=0.5), "bayes", ""),
        (prior(1, 0.5, x=0.5), "bayes", "no place among this sweep's parameters"),
        (prior(1, None, RunState.KILLED, x=0.5, y=0.5), "bayes", "killed, without a value of loss"),
        (prior(1, 0.5, x=0.5, y=0.5), "random", "a random search learns from no run"),
    ],
)
def test_what_nothing_is_learnt_from_is_said(run: Run, method: str, said: str) -> None:
    found = unused(spec(method), run)
    assert said in found
    assert bool(said) == bool(found)


def test_priors_use_up_no_budget(priors: History) -> None:
    capped = spec(run_cap=2, swept={"budget": {"hours": 1}})
    assert len(started(suggest(capped, priors, 5, seed=1))) == 2
    assert slot_hours(priors) == 0
    assert priors.counted() == 0


def test_a_grid_tries_the_points_of_priors_too() -> None:
    grid = spec("grid", {"x": {"values": [1, 2]}, "y": {"value": 0}})
    history = History((prior(1, 0.0, x=1, y=0),))
    assert [start.config["x"] for start in started(suggest(grid, history, 5, seed=1))] == [1, 2]


def test_a_prior_reaches_no_target_and_is_neither_best_nor_baseline(priors: History) -> None:
    wanted = {"name": "loss", "goal": "minimize", "target": 1e9}
    sweep = parse_mapping({"method": "bayes", "metric": wanted, "parameters": PARAMETERS})
    assert not isinstance(suggest(sweep, priors, 1, seed=1), Done)
    assert best(priors.runs, Goal.MINIMIZE) is None
    assert baseline(priors.runs) is None
    assert outcomes(priors.runs) == outcomes(())


def test_early_stopping_compares_with_no_prior(priors: History) -> None:
    rules = {"type": "hyperband", "min_iter": 1, "eta": 2}
    sweep = spec(early_terminate=rules)
    running = Run("r", "", "s", 99, "", Kind.SEARCH, RunState.RUNNING, {"x": 0.9, "y": 0.1})
    reporting = replace(running, curve=(Point(0, 5.0), Point(1, 5.0)))
    assert decide(sweep, History((*priors.runs, reporting))) == []
