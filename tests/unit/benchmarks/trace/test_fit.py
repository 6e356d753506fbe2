"""Fitting bursts to a trace."""

import numpy as np
import pytest

from benchmarks.load.arrivals import POISSON, parse
from benchmarks.load.bursts import Pair
from benchmarks.load.dispersion import WINDOWS
from benchmarks.load.streams import stream
from benchmarks.trace import fit as fitting
from benchmarks.trace.fit import curve, fit, simulated
from benchmarks.trace.problems import TraceError
from benchmarks.trace.rows import Row, Trace

CODE = (Pair(0.99, 3.2), Pair(0.95, 34.9))
# Measured on the hour of traffic the preset was fitted to.
REAL = (2.53, 5.16, 13.18, 32.4, 71.64, 123.79, 163.96, 205.9)


def trace(times: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Trace:
    rows = tuple(Row(at=at, input_tokens=10, output_tokens=2) for at in times.tolist())
    return Trace(rows=rows, format="csv", name="t")


def test_the_preset_follows_the_traffic_it_was_fitted_to() -> None:
    assert curve(2.567, CODE, WINDOWS) == pytest.approx(REAL, rel=0.05)


def test_the_search_finds_the_preset_again_from_its_curve() -> None:
    windows = np.array(WINDOWS)
    found = fitting._pairs(fitting._search(2.567, windows, np.array(REAL), 3436))

    assert [one.sigma for one in found] == pytest.approx([0.99, 0.95], rel=0.02)
    assert [one.tau for one in found] == pytest.approx([3.2, 34.9], rel=0.02)


def test_small_windows_are_poisson_and_large_ones_level_off() -> None:
    pairs = (Pair(0.5, 1.0),)
    near, far, farther = curve(10, pairs, (1e-6, 300, 1500))
    # 2 m * integral of (exp(s^2 exp(-u/tau)) - 1) over all lags.
    lags = np.linspace(0, 40, 200_001)
    level = 1 + 20 * float(np.trapezoid(np.expm1(0.25 * np.exp(-lags)), lags))

    assert near == pytest.approx(1, abs=1e-4)
    assert far == pytest.approx(level, rel=0.01)
    assert farther == pytest.approx(level, rel=0.01)


def test_a_drawn_trace_is_met_at_every_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "RUNS", 2)
    times = parse("logou:0.8@0.5,0.5@10").times(30, 200, stream(4, "arrivals"))
    found = fit(trace(times))

    assert found.error < 0.1
    assert [point.window for point in found.points] == [0.1, 0.3, 1, 3, 10]
    assert found.pattern.rate == pytest.approx(times.size / 200, rel=0.02)
    assert found.pattern.arrivals.startswith("logou:")
    parse(found.pattern.arrivals)


def test_poisson_traffic_is_told_to_be_poisson() -> None:
    found = fit(trace(POISSON.times(50, 60, stream(1, "arrivals"))))

    assert (found.pattern.arrivals, found.pairs) == ("poisson", ())


def test_a_pair_that_moves_nothing_is_left_out() -> None:
    assert fitting._needed(2.5, (Pair(0.02, 0.05), Pair(0.9, 30)), (1.0, 10.0)) == (Pair(0.9, 30),)
    assert fitting._needed(2.5, CODE, (1.0, 10.0)) == CODE


def test_runs_scatter_around_the_curve() -> None:
    (low, high), none = simulated(20, (Pair(0.4, 0.5),), 60, (1.0, 30.0))

    assert low is not None
    assert high is not None
    assert low < curve(20, (Pair(0.4, 0.5),), (1.0,))[0] < high
    assert none == (None, None)


def test_too_little_to_fit_is_told() -> None:
    with pytest.raises(TraceError, match="too short to fit: 100 rows"):
        fit(trace(np.arange(100.0)))
