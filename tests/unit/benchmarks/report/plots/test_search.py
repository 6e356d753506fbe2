"""The path of a capacity search."""

from benchmarks.report.plots.search import search
from benchmarks.report.record import Arm, Record


def test_every_try_has_a_mark_for_its_verdict() -> None:
    record = Record(command="capacity", arms=[Arm(name="headrace", role="proxy")])
    record.series = {
        "search:headrace": {"streams": [100.0, 200.0, 150.0], "verdict": [1.0, -1.0, 0.0]}
    }
    plot = search(record)

    assert plot.heads[2] == "open streams"
    assert [row[3] for row in plot.rows] == ["kept", "missed", "cannot tell"]
    assert "headrace, try 2: 200: missed" in plot.svg
