"""Distributions as text: what goes in comes out, within three digits."""

import pytest

from benchmarks.measure.hdr import decode, encode


def test_quantiles_survive_within_three_digits() -> None:
    found = decode(encode([float(value) for value in range(1, 10_001)]))

    assert found.get_value_at_percentile(50) == pytest.approx(5_000, rel=1e-3)
    assert found.get_value_at_percentile(99) == pytest.approx(9_900, rel=1e-3)


def test_values_outside_the_range_are_counted_at_its_ends() -> None:
    found = decode(encode([-5.0, 0.2, 1e12]))

    assert found.get_total_count() == 3
    assert found.get_min_value() == 1


def test_distributions_of_several_blocks_add_up() -> None:
    found = decode(encode([10.0] * 3))
    found.add(decode(encode([30.0])))

    assert found.get_total_count() == 4
    assert found.get_max_value() == 30


def test_nothing_is_a_distribution_too() -> None:
    assert decode(encode([])).get_total_count() == 0
