"""Load over time and how late tokens were."""

from benchmarks.report.amounts import Unit
from benchmarks.report.plots.timeline import LEVELS, Heat, timeline
from benchmarks.report.record import Arm, Record

US = Unit(symbol="us", factor=1.0, digits=0)


def test_shades_are_even_steps_or_even_ratios_where_values_lie_decades_apart() -> None:
    near = Heat(least=50.0, most=100.0, shown=US)
    far = Heat(least=1.0, most=1e6, shown=US)

    assert [near.level(v) for v in (0, 50, 100)] == [0, LEVELS // 2, LEVELS]
    assert [far.level(v) for v in (1, 1e3, 1e6)] == [0, LEVELS // 2, LEVELS]
    assert near.ends() == ("0", "100 us")
    assert far.ends() == ("1 us", "1,000,000 us")
    assert Heat(least=0.0, most=0.0, shown=US).level(0.0) == 0


def test_neighbours_of_one_shade_are_one_box() -> None:
    record = Record(command="replay", arms=[Arm(name="headrace", role="proxy")])
    record.series = {
        "timeline:headrace": {
            "at_s": [0.0, 1.0, 2.0, 3.0],
            "arrivals_per_s": [5.0] * 4,
            "open_streams": [2.0] * 4,
            "token_p99_us": [10.0, 10.0, 100.0, 10.0],
        }
    }
    drawn = timeline(record).svg

    assert drawn.count("headrace, ") == 3
    assert "headrace, 0 to 2 s: 10 us" in drawn


def test_load_alone_is_drawn_without_a_strip() -> None:
    record = Record(command="run", arms=[Arm(name="e", role="direct")])
    record.series = {
        "timeline:e": {"at_s": [0.0, 1.0], "arrivals_per_s": [1.0, 2.0], "open_streams": [1.0, 1.0]}
    }
    plot = timeline(record)

    assert plot.title == "Load over time"
    assert plot.heads == ("second", "begun per s", "open")
