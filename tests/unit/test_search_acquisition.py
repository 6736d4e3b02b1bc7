"""Log expected improvement where its plain form works, and where it underflows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from swept.search.acquisition import log_expected_improvement, log_h


def test_it_is_the_logarithm_of_the_expected_improvement() -> None:
    for mean, sd, best in [(0.0, 1.0, 0.5), (2.0, 0.7, 0.5), (-1.0, 0.1, 0.0)]:
        expected, _ = quad(
            lambda f, m=mean, s=sd, b=best: (b - f) * norm.pdf(f, m, s), mean - 12 * sd, best
        )
        found = log_expected_improvement(np.array([mean]), np.array([sd]), best)
        assert found[0] == pytest.approx(np.log(expected), abs=1e-6)


def test_far_in_the_tail_it_follows_the_asymptotic_series() -> None:
    for z in (-30.0, -100.0, -1e4):
        series = -0.5 * z * z - 0.5 * np.log(2 * np.pi) - 2 * np.log(-z) + np.log1p(-3 / z**2)
        assert log_h(np.array([z]))[0] == pytest.approx(series, rel=1e-7)


def test_it_never_falls_and_stays_finite() -> None:
    z = np.concatenate([-np.logspace(12, -3, 4000), np.linspace(0, 50, 1000)])
    values = log_h(z)
    assert np.isfinite(values).all()
    assert (np.diff(values) > 0).all()
