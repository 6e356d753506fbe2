"""Figures of a trace."""

import math

import numpy as np
import pytest

from benchmarks.load.streams import stream
from benchmarks.trace.info import info, quantiles
from benchmarks.trace.problems import TraceError
from benchmarks.trace.rows import Row, Trace


def trace(times: list[float], **more: object) -> Trace:
    rows = tuple(Row(at=at, input_tokens=10, output_tokens=2) for at in times)
    return Trace(rows=rows, format="csv", name="t", **more)  # type: ignore[arg-type]


def test_figures() -> None:
    found = info(trace([10, 10.2, 10.4, 13, 30]))

    assert (found.rows, found.first_s, found.span_s, found.requests_per_s) == (5, 10, 20, 0.25)
    assert (found.peak_1s, found.peak_10s, found.longest_silence_s) == (3, 4, 17)
    assert found.dispersion[2] == (1.0, pytest.approx(2.3))
    assert found.dispersion[-1] == (120.0, None)


def test_poisson_looks_like_poisson() -> None:
    times = np.cumsum(stream(1, "t").exponential(0.05, 8000)).tolist()
    found = info(trace(times))

    assert found.gap_cv == pytest.approx(1, rel=0.05)
    assert [value for _, value in found.dispersion[:5]] == pytest.approx([1] * 5, rel=0.35)


def test_within_a_step_of_the_clock_nothing_is_told() -> None:
    times = (np.floor(np.cumsum(stream(1, "t").exponential(0.5, 2000)) / 3) * 3).tolist()
    found = info(trace(times))

    assert found.clock_step_s == 3
    assert [value for _, value in found.dispersion[:3]] == [None] * 3
    assert found.dispersion[4][1] == pytest.approx(1, rel=0.5)


def test_prefix_hits_of_a_cache_without_end() -> None:
    rows = tuple(
        Row(at=at, input_tokens=9, output_tokens=1, prefix=ids)
        for at, ids in ((0.0, (1, 2)), (1.0, (1, 2)), (2.0, (1, 3)))
    )

    assert info(Trace(rows=rows, format="csv")).prefix_hit_share == 0.5
    assert info(trace([1, 2])).prefix_hit_share is None


def test_one_row_has_few_figures() -> None:
    found = info(trace([3]))

    assert (found.span_s, found.requests_per_s, found.gap_cv, found.dispersion) == (
        0,
        None,
        None,
        (),
    )
    with pytest.raises(TraceError, match="no row"):
        info(trace([]))


def test_quantiles_are_those_of_a_pattern() -> None:
    found = quantiles(list(range(1, 102)))

    assert (found[0], found[4], found[-1]) == ((0.0, 1), (50.0, 51), (100.0, 101))
    assert not any(math.isnan(size) for _, size in found)
