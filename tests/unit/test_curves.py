"""The model of learning curves: its gradient, what it says of runs, and what leaving runs out tells."""

from __future__ import annotations

import numpy as np
import pytest

from swept.models.curves import Observations, condition, fit, negative_log_posterior

GROUP = np.array([0, 1, 2, 2])


def _seen(runs: int, seed: int = 0) -> Observations:
    """Runs at random places, each seen at four steps of a curve that falls to its own level."""
    rng = np.random.default_rng(seed)
    places = rng.random((runs, len(GROUP)))
    run = np.repeat(np.arange(runs), 4)
    t = np.tile([0.2, 0.5, 0.8, 1.0], runs)
    level = np.sin(4 * places[:, 0]) + places[:, 1]
    return Observations(places[run], t, run, level[run] + 1.0 - t)


def _theta(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-1.0, 0.3, 11)


def test_the_gradient_is_that_of_the_posterior() -> None:
    seen, theta, step = _seen(6), _theta(), 1e-5
    _, gradient = negative_log_posterior(theta, seen, GROUP)
    by_hand = [
        (
            negative_log_posterior(theta + step * e, seen, GROUP)[0]
            - negative_log_posterior(theta - step * e, seen, GROUP)[0]
        )
        / (2 * step)
        for e in np.eye(len(theta))
    ]
    assert gradient == pytest.approx(by_hand, rel=1e-4, abs=1e-5)


def test_leaving_a_run_out_is_what_the_model_of_the_others_says() -> None:
    seen, theta = _seen(5), _theta()
    observed, predicted = condition(seen, GROUP, theta).without_each_run()
    for run in range(5):
        others = condition(seen.take(seen.run != run), GROUP, theta)
        mean, _ = others.predict(seen.X[seen.run == run][-1:])
        assert predicted[run] == pytest.approx(mean[0], abs=1e-6)
        assert observed[run] == seen.y[seen.run == run][-1]


def test_a_run_that_was_seen_to_its_end_is_known_and_an_unseen_place_is_not() -> None:
    seen = _seen(20)
    model = condition(seen, GROUP, fit(seen, GROUP, 80))
    mean, sd = model.predict(seen.X[3::4], np.arange(20))
    assert np.abs(mean - seen.y[3::4]).max() < 0.1
    _, away = model.predict(np.full((1, 4), 3.0))
    assert away[0] > 3 * sd.max()


def test_the_luck_of_a_run_is_not_expected_of_another_one_of_the_same_configuration() -> None:
    rng = np.random.default_rng(1)
    place = np.repeat(rng.random((10, 4)), 4, axis=0)
    run = np.arange(40)
    lucky = rng.normal(size=40)
    seen = Observations(place, np.ones(40), run, lucky)
    model = condition(seen, GROUP, fit(seen, GROUP, 80))
    best = int(np.argmin(lucky))
    mean, _ = model.predict(seen.X[[best]])
    assert mean[0] > lucky[best] + 0.5


def test_what_is_believed_is_no_longer_uncertain_and_moves_nothing() -> None:
    seen = _seen(8)
    model = condition(seen, GROUP, fit(seen, GROUP, 80))
    place = np.full((1, 4), 0.5)
    mean, sd = model.predict(place)
    believed, less = model.believe(place).predict(place)
    assert believed[0] == pytest.approx(mean[0], abs=1e-3)
    assert less[0] < sd[0]


def test_the_same_data_give_the_same_model() -> None:
    seen = _seen(12)
    assert (fit(seen, GROUP, 30) == fit(seen, GROUP, 30)).all()
