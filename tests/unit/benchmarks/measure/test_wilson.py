"""The interval of a counted share."""

import pytest

from benchmarks.measure.wilson import interval


@pytest.mark.parametrize(
    ("good", "number", "low", "high"),
    [(50, 100, 0.4038, 0.5962), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_known_values(good: int, number: int, low: float, high: float) -> None:
    assert interval(good, number) == pytest.approx((low, high), abs=1e-4)


def test_of_nothing_everything_is_possible() -> None:
    assert interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("good", "number"), [(2, 1), (-1, 3)])
def test_what_is_no_share_is_refused(good: int, number: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        interval(good, number)
