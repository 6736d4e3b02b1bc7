"""The Gaussian process: gradients, predictions, fantasies, and data that a textbook would not print."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import approx_fprime

from swept.models import gp

Array = NDArray[np.float64]


def wave(n: int, d: int, noise: float, seed: int = 0) -> tuple[Array, Array]:
    """Inputs (n, d) and standardised observations that depend on the first two columns only."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    y = np.sin(6 * X[:, 0]) + 0.5 * X[:, min(1, d - 1)] + noise * rng.normal(size=n)
    return X, (y - y.mean()) / y.std()


def test_the_gradient_is_that_of_the_posterior() -> None:
    rng = np.random.default_rng(3)
    X, y = rng.random((14, 6)), rng.normal(size=14)
    group = np.array([0, 1, 2, 3, 4, 4])  # one parameter of two columns
    theta = 0.3 * rng.normal(size=8)
    theta[6] = -3.0

    def value(at: Array) -> float:
        return gp.negative_log_posterior(at, X, y, group)[0]

    numeric = approx_fprime(theta, value, 1e-6)
    np.testing.assert_allclose(
        gp.negative_log_posterior(theta, X, y, group)[1], numeric, rtol=1e-4, atol=1e-4
    )


def test_it_predicts_a_smooth_function() -> None:
    X, y = wave(60, 3, noise=0.0)
    model = gp.fit(X[:50], y[:50], np.arange(3))
    mean, sd = model.predict(X[50:])
    assert np.sqrt(np.mean((mean - y[50:]) ** 2)) < 0.1
    assert np.all(sd < 0.5)
    np.testing.assert_allclose(model.mean(X[50:]), mean)


def test_the_noise_is_fitted() -> None:
    X, y = wave(150, 2, noise=0.5)
    quiet = gp.fit(*wave(150, 2, noise=0.0), np.arange(2))
    noisy = gp.fit(X, y, np.arange(2))
    assert noisy.hyperparameters.noise_sd == pytest.approx(0.5 / 0.95, rel=0.4)
    assert quiet.hyperparameters.noise_sd < 0.1


def test_a_parameter_without_effect_gets_a_long_lengthscale() -> None:
    model = gp.fit(*wave(80, 5, noise=0.05), np.arange(5))
    scales = model.hyperparameters.log_lengthscales
    assert scales[0] < scales[2:].min() - 1.0


def test_before_any_data_another_category_is_as_far_as_another_number() -> None:
    group, half = np.array([0, 1, 1]), np.sqrt(0.5)
    model = gp.fit(np.array([[0.3, half, 0.0]]), np.array([0.0]), group)
    _, sd = model.predict(np.array([[0.3 + np.sqrt(1 / 6), half, 0.0], [0.3, 0.0, half]]))
    assert sd[0] == pytest.approx(sd[1], rel=0.01)


def test_believing_keeps_the_mean_and_removes_the_doubt() -> None:
    X, y = wave(20, 2, noise=0.3)
    model = gp.fit(X, y, np.arange(2))
    place = np.array([[0.31, 0.77]])
    mean, sd = model.predict(place)
    mean_after, sd_after = model.believe(place).predict(place)
    assert mean_after == pytest.approx(mean, abs=1e-6)
    assert sd_after < 0.05
    assert sd_after < sd


def test_far_from_all_data_it_knows_nothing() -> None:
    X, y = wave(20, 1, noise=0.1)
    model = gp.fit(X, y, np.arange(1))
    _, sd = model.predict(np.array([[50.0]]))
    assert sd[0] == pytest.approx(np.exp(0.5 * model.hyperparameters.log_amplitude), rel=1e-3)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.array([[0.5, 0.5]]), np.array([0.0])),
        (np.full((9, 2), 0.25), np.linspace(-1, 1, 9)),  # the same place, other values
        (np.random.default_rng(0).random((9, 2)), np.zeros(9)),
        (np.repeat(np.random.default_rng(0).random((3, 2)), 5, axis=0), np.tile([-1.0, 0, 1], 5)),
        (np.linspace(0, 1e-9, 20).reshape(10, 2), np.linspace(-1, 1, 10)),
        (np.random.default_rng(0).random((9, 2)), np.array([0.0] * 8 + [1e6])),
    ],
)
def test_odd_data_give_finite_predictions(X: Array, y: Array) -> None:
    mean, sd = gp.fit(X, y, np.arange(2)).predict(np.random.default_rng(1).random((50, 2)))
    assert np.isfinite(mean).all()
    assert np.isfinite(sd).all()
    assert (sd > 0).all()


def test_the_same_data_give_the_same_model() -> None:
    X, y = wave(30, 4, noise=0.2)
    first, second = gp.fit(X, y, np.arange(4)), gp.fit(X.copy(), y.copy(), np.arange(4))
    assert np.array_equal(first.predict(X)[0], second.predict(X)[0])
    assert first.hyperparameters.noise_sd == second.hyperparameters.noise_sd
