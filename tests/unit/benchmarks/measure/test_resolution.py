"""Which differences a run can see."""

import pytest

from benchmarks.measure.bootstrap import Interval
from benchmarks.measure.resolution import Sight, resolution, sight

CLEAR = Interval(n=12, median=0.5, low=0.4, high=0.6)


def test_resolution_is_the_far_end_of_direct_against_itself() -> None:
    assert resolution([-0.1] * 7) == pytest.approx(0.1)


def test_too_few_pairs_have_no_resolution() -> None:
    assert resolution([0.1, 0.2]) is None


@pytest.mark.parametrize(
    ("found", "resolved_from", "expected"),
    [
        (CLEAR, 0.1, Sight.RESOLVED),
        (CLEAR, None, Sight.RESOLVED),
        (CLEAR, 0.55, Sight.BELOW),
        (Interval(n=12, median=0.5, low=-0.1, high=0.9), 0.1, Sight.BELOW),
        (None, 0.1, Sight.UNKNOWN),
    ],
)
def test_a_difference_is_real_when_clear_of_zero_and_of_direct_against_itself(
    found: Interval | None, resolved_from: float | None, expected: Sight
) -> None:
    assert sight(found, resolved_from) is expected
