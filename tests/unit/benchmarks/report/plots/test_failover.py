"""Answers while a backend breaks."""

from benchmarks.report.plots.failover import failover
from benchmarks.report.record import Record


def test_failures_and_events_are_marked_with_their_time() -> None:
    record = Record(command="faults")
    record.series = {
        "failover:headrace": {"at_s": [0.0, 0.5], "ok": [10.0, 5.0], "failed": [0.0, 2.0]},
        "events": {"backend killed": [0.5]},
    }
    plot = failover(record)

    assert "backend killed, 0.5 s" in plot.svg
    assert "0.5 s: 10 well, 4 failed per second" in plot.svg  # of half a second
    assert plot.rows == (("headrace", "0", "10", "0"), ("headrace", "0.5", "5", "2"))


def test_columns_that_are_missing_are_told_and_not_guessed() -> None:
    record = Record(command="faults")
    record.series = {"failover:headrace": {"at_s": [0.0], "ok": [1.0]}}

    assert failover(record).svg == ""
