"""Rates over time, and processes carried along them."""

import numpy as np
import pytest

from benchmarks.load.courses import (
    Course,
    Flash,
    Growth,
    Ramp,
    Steady,
    cumulative,
    expected,
    parse_ramp,
    warp,
)
from benchmarks.load.wording import WorkloadError


def test_a_linear_ramp_has_the_mean_of_its_ends_and_goes_on_at_the_last() -> None:
    ramp = parse_ramp("10..200@60s")

    assert ramp.mean(60) == pytest.approx(105, rel=1e-5)
    assert ramp.rates(np.array([0.0, 30.0, 60.0, 90.0]), 90).tolist() == [10, 105, 200, 200]


def test_an_exponential_ramp_grows_by_equal_factors() -> None:
    ramp = parse_ramp("1..100@10s:exponential")

    assert ramp == Ramp(first=1, last=100, over=10, growth=Growth.EXPONENTIAL)
    assert ramp.rates(np.array([0.0, 5.0, 10.0]), 10) == pytest.approx([1, 10, 100])


@pytest.mark.parametrize("text", ["10..200", "10@60s", "10..0@60s", "10..20@0s", "1..2@3s:steep"])
def test_a_ramp_that_is_none(text: str) -> None:
    with pytest.raises(WorkloadError):
        parse_ramp(text)


def test_a_flash_keeps_the_mean_and_has_its_height() -> None:
    flash = Flash(rate=10, height=12)
    rates = flash.rates(np.linspace(0, 30, 10_001), 30)

    assert expected(flash, 30) == 300
    assert rates.mean() == pytest.approx(10, rel=1e-3)
    assert np.max(rates) / np.min(rates) == pytest.approx(12, rel=1e-2)


@pytest.mark.parametrize(
    "course",
    [Steady(3.0), Ramp(first=1, last=9, over=5), Flash(rate=4)],
    ids=["steady", "ramp", "flash"],
)
def test_speed_and_scale_multiply_what_is_expected(course: Course) -> None:
    assert expected(course.scaled(3), 8) == pytest.approx(3 * expected(course, 8))
    # Half the time at twice the rate: the same requests.
    assert expected(course.sped(2), 4) == pytest.approx(expected(course, 8))


def test_warp_carries_operational_time_back() -> None:
    ramp = Ramp(first=0.001, last=20, over=10)
    times, total = cumulative(ramp, 10)
    places = warp(ramp, np.array([25.0, 99.0, 500.0]), 10)

    # Expected requests grow with the square of time: a quarter of them in half of it.
    assert places == pytest.approx([5.0, 9.95], abs=0.01)
    assert np.interp(places, times, total) == pytest.approx([25, 99])
