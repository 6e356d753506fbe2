"""Arrival processes: rate, burstiness and beginning."""

import math

import numpy as np
import pytest

from benchmarks.load.arrivals import POISSON, Constant, Renewal, course_of, parse
from benchmarks.load.bursts import LogOu, Pair
from benchmarks.load.courses import Ramp, Steady
from benchmarks.load.dispersion import gap_cv
from benchmarks.load.streams import stream
from benchmarks.load.wording import WorkloadError

PROCESSES = ["constant", "poisson", "gamma:0.5", "gamma:4", "weibull:0.6"]


@pytest.mark.parametrize("text", [*PROCESSES, "logou:0.4@0.5,0.3@2"])
def test_the_mean_rate_is_the_one_asked_for(text: str) -> None:
    """20 000 expected: six standard errors are below 3 %, 8 % where counts are overdispersed."""
    times = parse(text).times(200, 100, stream(5, text))

    assert times.size == pytest.approx(20_000, rel=0.08)
    assert times[0] >= 0
    assert times[-1] < 100
    assert (np.diff(times) >= 0).all()


@pytest.mark.parametrize("shape", [0.25, 0.5, 1.0, 4.0])
def test_gamma_burstiness_is_one_over_the_squared_gap_cv(shape: float) -> None:
    times = Renewal("gamma", shape).times(100, 200, stream(6, "arrivals"))

    assert gap_cv(times) == pytest.approx(1 / math.sqrt(shape), rel=0.06)


def test_weibull_gaps_have_the_cv_of_their_shape() -> None:
    times = Renewal("weibull", 0.5).times(100, 200, stream(7, "arrivals"))

    assert gap_cv(times) == pytest.approx(math.sqrt(5), rel=0.1)  # sqrt(24/4 - 1)


@pytest.mark.parametrize("process", [Renewal("gamma", 0.1), Renewal("weibull", 0.4)])
def test_a_bursty_process_does_not_begin_with_a_burst(process: Renewal) -> None:
    """An ordinary renewal process has (CV^2 - 1)/2 arrivals too many: here 4.5 above 10."""
    seen = [process.times(10, 1, stream(seed, "arrivals")).size for seed in range(600)]

    assert np.mean(seen) == pytest.approx(10, abs=1.6)


def test_constant_arrivals_are_exact() -> None:
    assert Constant().times(10, 0.5, stream(1, "a")).tolist() == [0, 0.1, 0.2, 0.3, 0.4]
    assert Constant().times(3, 1, stream(1, "a")).size == 3


def test_a_renewal_process_follows_a_ramp() -> None:
    ramp = Ramp(first=1, last=199, over=100)
    times = POISSON.times(ramp, 100, stream(8, "arrivals"))

    assert times.size == pytest.approx(10_000, rel=0.05)
    assert (times < 50).sum() == pytest.approx(2525, rel=0.1)
    assert Constant().times(ramp, 100, stream(8, "a")).size == pytest.approx(10_000, abs=2)


def test_burstiness_one_is_poisson_and_infinite_is_constant() -> None:
    assert parse("gamma:1") == POISSON == parse("poisson")
    assert parse("gamma:inf") == Constant()
    assert parse("logou:0.9@2") == LogOu(pairs=(Pair(0.9, 2),))
    assert parse("weibull:0.4") == Renewal("weibull", 0.4)


def test_speed_touches_only_time_constants() -> None:
    assert POISSON.sped(4) == POISSON
    assert Constant().sped(4) == Constant()
    assert parse("logou:0.9@2").sped(4) == parse("logou:0.9@0.5")


def test_a_number_is_a_steady_course() -> None:
    assert course_of(3) == Steady(3.0)
    assert course_of(Steady(2.0)) == Steady(2.0)


@pytest.mark.parametrize("text", ["", "fractal", "gamma", "poisson:2", "gamma:0", "gamma:1e9"])
def test_what_is_no_process_is_told(text: str) -> None:
    with pytest.raises(WorkloadError):
        parse(text)
