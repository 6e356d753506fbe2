"""What grows with open streams."""

import pytest

from benchmarks.report.plots.growth import memory, slope, streams
from benchmarks.report.record import Arm, Block, Record


def test_the_line_through_points_has_offset_and_slope() -> None:
    assert slope([(0.0, 46.0), (1000.0, 84.0), (2000.0, 122.0)]) == pytest.approx((46.0, 0.038))
    assert slope([(5.0, 3.0), (5.0, 5.0)]) == (4.0, 0.0)


def test_memory_has_its_price_per_stream_and_what_was_not_returned() -> None:
    record = Record(command="capacity", arms=[Arm(name="headrace", role="proxy")])
    record.series = {
        "memory:headrace": {
            "open_streams": [0.0, 1024.0, 0.0],
            "rss_mib": [46.0, 86.0, 50.0],
            "closed": [0.0, 0.0, 1.0],
        }
    }

    assert memory(record).rows == (
        ("headrace", "0 streams", "46.0 MiB"),
        ("headrace", "1,024 streams", "86.0 MiB"),
        ("headrace", "after all closed", "50.0 MiB"),
        ("headrace", "per stream", "40.0 KiB"),
    )


def test_lateness_comes_from_blocks_where_no_series_was_kept() -> None:
    record = Record(command="overhead", arms=[Arm(name="headrace", role="proxy")])
    record.blocks = [
        Block(round=n, arm="headrace", figures={"open_streams": n * 10.0, "token_p50_us": n * 40.0})
        for n in range(1, 5)
    ]

    assert streams(record).rows[0][2] == "+4.00 us"
    record.blocks = record.blocks[:1]
    assert streams(record).svg == ""
