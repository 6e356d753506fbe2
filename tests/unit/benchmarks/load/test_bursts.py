"""Log-OU modulated arrivals."""

import math

import numpy as np
import pytest

from benchmarks.load.bursts import LogOu, Pair, ornstein_uhlenbeck, parse_pairs, show_pairs
from benchmarks.load.courses import Ramp
from benchmarks.load.streams import stream
from benchmarks.load.wording import WorkloadError


@pytest.mark.parametrize("width", [0.01, 0.5])
def test_the_process_is_exact_at_any_width(width: float) -> None:
    """Standard deviation and correlation do not depend on the grid, even one as wide as tau."""
    path = ornstein_uhlenbeck(Pair(0.8, 0.5), 40_000, width, stream(1, "ou"))
    apart = round(0.5 / width)
    correlation = float(np.corrcoef(path[:-apart], path[apart:])[0, 1])

    assert path.std() == pytest.approx(0.8, rel=0.1)
    assert correlation == pytest.approx(math.exp(-1), abs=0.06)


def test_the_modulation_has_mean_one() -> None:
    factors = LogOu(pairs=(Pair(0.9, 0.2), Pair(0.5, 1.0))).modulation(50_000, 0.1, stream(2, "m"))

    assert factors.mean() == pytest.approx(1.0, rel=0.1)
    assert np.min(factors) > 0


def test_arrivals_follow_a_ramp() -> None:
    times = LogOu(pairs=(Pair(0.3, 0.2),)).times(
        Ramp(first=1, last=199, over=100), 100, stream(3, "a")
    )

    assert times.size == pytest.approx(10_000, rel=0.1)
    assert (times < 50).sum() == pytest.approx(2500, rel=0.15)
    assert (np.diff(times) >= 0).all()
    assert times[-1] < 100


def test_speed_divides_time_constants_only() -> None:
    assert LogOu(pairs=(Pair(0.9, 3.2),)).sped(4) == LogOu(pairs=(Pair(0.9, 0.8),))


def test_a_long_run_has_a_bounded_grid() -> None:
    assert LogOu(pairs=(Pair(0.9, 0.001),)).cells(1e6) == 2_000_001


def test_pairs_are_read_as_they_are_shown() -> None:
    pairs = parse_pairs("0.99@3.2,0.95@34.9s")

    assert pairs == (Pair(0.99, 3.2), Pair(0.95, 34.9))
    assert parse_pairs(show_pairs(pairs)) == pairs


@pytest.mark.parametrize("text", ["0.9", "0@1s", "4@1s", "1@0.1ms", "1@1,1@1,1@1,1@1,1@1"])
def test_pairs_out_of_range(text: str) -> None:
    with pytest.raises(WorkloadError):
        parse_pairs(text)
