"""Distributions: HDR blobs decoded and asked."""

import pytest

from benchmarks.measure import hdr
from benchmarks.report.distribution import Distribution, arms_with, distributions
from benchmarks.report.record import Arm, Record


def test_percentiles_are_those_of_the_values_to_three_digits() -> None:
    one = Distribution(hdr.encode([float(value) for value in range(1, 1001)]))

    assert one.count == 1000
    assert one.at(0.5) == pytest.approx(500, rel=2e-3)
    assert one.at(0.99) == pytest.approx(990, rel=2e-3)
    assert one.top == pytest.approx(1000, rel=2e-3)


def test_a_curve_is_thinned_rises_and_ends_at_all() -> None:
    curve = Distribution(hdr.encode([float(value) for value in range(1, 1001)])).curve(50)

    assert len(curve) <= 51
    assert curve == sorted(curve)
    assert curve[-1][1] == 1.0


def test_what_is_no_histogram_is_told() -> None:
    with pytest.raises(ValueError, match="not an HDR histogram"):
        Distribution("AAAA")


def test_names_come_in_report_order_with_or_without_their_unit() -> None:
    blob = hdr.encode([5.0])
    record = Record(
        command="run",
        arms=[Arm(name="a", role="direct")],
        histograms={"a": {"e2e": blob, "odd": blob, "token_us": blob, "empty": hdr.encode([])}},
    )

    assert list(distributions(record, "a")) == ["token", "e2e", "odd"]
    assert arms_with(record, "token") == ["a"]
    assert arms_with(record, "ttft") == []
