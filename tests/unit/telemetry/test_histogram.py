"""Every observation lands under the first bound that is not below it."""

from proxy.telemetry.histogram import Histogram


def test_a_bound_belongs_to_its_own_bucket() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.11, 1.0, 1.01, 99.0):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 2]
    assert histogram.total == 0.05 + 0.1 + 0.11 + 1.0 + 1.01 + 99.0


def test_buckets_are_cumulative_when_told() -> None:
    histogram = Histogram((25e-6, 0.5, 10.0))
    for value in (0.0, 0.3, 0.4, 11.0):
        histogram.observe(value)
    assert histogram.cumulative() == [("2.5e-05", 1), ("0.5", 3), ("10", 3), ("+Inf", 4)]


def test_two_histograms_do_not_share_counts() -> None:
    bounds = (1.0,)
    one, other = Histogram(bounds), Histogram(bounds)
    one.observe(0.5)
    assert other.counts == [0, 0]
