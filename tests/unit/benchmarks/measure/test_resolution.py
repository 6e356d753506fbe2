"""Which differences a run can see."""

import pytest

from benchmarks.measure.resolution import resolution


def test_resolution_is_the_far_end_of_direct_against_itself() -> None:
    assert resolution([-0.1] * 7) == pytest.approx(0.1)


def test_noise_on_both_sides_counts_by_its_larger_side() -> None:
    again = [-0.5, -0.4, -0.3, -0.2, 0.1, 0.1, 0.2]

    found = resolution(again)

    assert found is not None
    assert 0.2 < found <= 0.5


def test_too_few_pairs_have_no_resolution() -> None:
    assert resolution([0.1, 0.2]) is None
