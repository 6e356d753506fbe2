"""Intervals: what they hold, and when there are too few values for one."""

import numpy as np
import pytest

from benchmarks.measure.bootstrap import CORRECTED_FROM, FEWEST, Interval, interval


def test_a_few_values_give_no_interval() -> None:
    assert interval([1.0] * (FEWEST - 1)) is None


def test_equal_values_leave_no_doubt() -> None:
    assert interval([3.0] * 8) == Interval(n=8, median=3.0, low=3.0, high=3.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 3.0]

    assert interval(values, seed=3) == interval(values, seed=3)


def test_one_wild_value_does_not_move_the_median() -> None:
    found = interval([10.0, 11.0, 12.0, 9.0, 10.5, 11.5, 10.2, 9.8, 10.1, 900.0])

    assert found is not None
    assert 10 < found.median < 11
    assert found.high < 13


@pytest.mark.parametrize("n", [12, CORRECTED_FROM + 4])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(n: int) -> None:
    dice = np.random.default_rng(5)
    held = 0
    for trial in range(16):
        found = interval(dice.gamma(2.0, 1.0, n).tolist(), seed=trial)
        assert found is not None
        held += found.holds(1.678)  # the median of this distribution

    assert held >= 13


def test_bias_correction_follows_a_skewed_sample() -> None:
    values = [1.0] * 13 + [5.0] * 11

    found = interval(values)

    assert found is not None
    assert found.low == 1.0
    assert found.high == 5.0


def test_reach_and_half_width() -> None:
    found = Interval(n=9, median=1.0, low=-3.0, high=2.0)

    assert found.half == 2.5
    assert found.reach == 3.0
    assert not found.holds(2.1)


def test_more_certainty_takes_a_wider_interval() -> None:
    values = [float(value**2) for value in range(12)]

    usual, strict = interval(values), interval(values, level=0.995)

    assert usual is not None
    assert strict is not None
    assert strict.low <= usual.low
    assert strict.high >= usual.high
    assert strict.half > usual.half
