"""Distributions as text: what goes in comes out, within three digits."""

import pytest

from benchmarks.measure.hdr import decode, encode, merged, quantile


def test_quantiles_survive_within_three_digits() -> None:
    blob = encode([float(value) for value in range(1, 10_001)])

    assert quantile(blob, 0.5) == pytest.approx(5_000, rel=1e-3)
    assert quantile(blob, 0.99) == pytest.approx(9_900, rel=1e-3)


def test_values_outside_the_range_are_counted_at_its_ends() -> None:
    blob = encode([-5.0, 0.2, 1e12])

    assert decode(blob).get_total_count() == 3
    assert decode(blob).get_min_value() == 1


def test_distributions_add_up() -> None:
    blob = merged([encode([10.0] * 3), encode([30.0])])

    assert decode(blob).get_total_count() == 4
    assert quantile(blob, 1.0) == 30


def test_an_empty_distribution_has_no_quantile() -> None:
    assert quantile(encode([]), 0.5) is None
