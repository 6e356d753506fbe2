"""Variance over mean of counts, peaks and gaps."""

import math

import numpy as np
import pytest

from benchmarks.load.arrivals import POISSON, Constant, parse
from benchmarks.load.bursts import LogOu, Pair
from benchmarks.load.dispersion import counts, dispersion, gap_cv, peak
from benchmarks.load.streams import stream


def test_counts_leave_out_the_window_that_is_not_whole() -> None:
    assert counts(np.array([0.1, 0.2, 1.5, 2.7]), 1.0, 2.5).tolist() == [2, 1]


def test_poisson_has_dispersion_one_at_every_window() -> None:
    found = dispersion(POISSON.times(50, 300, stream(1, "a")), 300, (0.1, 1.0, 3.0))

    assert found == pytest.approx([1, 1, 1], rel=0.25)


def test_gamma_levels_off_at_its_squared_gap_cv() -> None:
    found = dispersion(parse("gamma:0.25").times(50, 600, stream(2, "a")), 600, (1.0, 3.0))

    assert found == pytest.approx([4, 4], rel=0.25)


def test_equal_gaps_have_none() -> None:
    found = dispersion(Constant().times(100, 20, stream(1, "a")), 20, (0.1, 1.0))

    assert found == pytest.approx([0, 0], abs=0.2)


def test_bursts_have_the_dispersion_of_the_theory() -> None:
    """1 + (2 rate/w) integral of (w - u)(exp(C(u)) - 1), averaged over 20 runs: within 15 %."""
    process, rate, span = LogOu(pairs=(Pair(0.5, 0.5), Pair(0.4, 5.0))), 20.0, 300.0
    windows = (0.1, 1.0, 10.0)
    seen = [
        dispersion(process.times(rate, span, stream(seed, "a")), span, windows)
        for seed in range(20)
    ]
    theory = []
    for window in windows:
        lag = np.linspace(0, window, 4001)
        covariance = np.expm1(0.25 * np.exp(-lag / 0.5) + 0.16 * np.exp(-lag / 5.0))
        theory.append(1 + 2 * rate / window * np.trapezoid((window - lag) * covariance, lag))

    assert np.mean(np.array(seen, dtype=float), axis=0) == pytest.approx(theory, rel=0.15)


def test_too_few_windows_have_no_dispersion() -> None:
    times = np.linspace(0, 70, 100)

    assert dispersion(times, 70, (10.0, 1.0))[0] is None
    assert dispersion(np.array([]), 70, (1.0,)) == [None]


def test_gap_cv_needs_gaps() -> None:
    assert gap_cv(np.array([0.0, 1.0, 2.0, 3.0])) == 0
    assert math.isnan(gap_cv(np.array([1.0])))
    assert math.isnan(gap_cv(np.array([1.0, 1.0, 1.0])))


def test_peak_is_the_fullest_window() -> None:
    assert peak(np.array([0.1, 0.9, 1.0, 1.1, 1.2]), 1.0) == 3
    assert peak(np.array([]), 1.0) == 0
