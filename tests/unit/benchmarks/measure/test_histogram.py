"""Quantiles and summaries of samples."""

import pytest

from benchmarks.measure.histogram import quantile, summarize


@pytest.mark.parametrize(("q", "expected"), [(0.0, 1.0), (0.5, 2.5), (1.0, 4.0), (0.25, 1.75)])
def test_quantiles_lie_between_neighbours(q: float, expected: float) -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], q) == expected


def test_no_samples_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="no samples"):
        quantile([], 0.5)


def test_summary_scales_and_sorts() -> None:
    found = summarize([3000, 1000, 2000], scale=1000)

    assert found is not None
    assert (found.n, found.p50, found.top) == (3, 2.0, 3.0)


def test_summary_of_nothing_is_none() -> None:
    assert summarize([]) is None
