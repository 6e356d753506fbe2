"""Axes, legend and looks."""

from benchmarks.report.plots.axes import RIGHT, legend, looks, stairs, x_axis, y_axis
from benchmarks.report.plots.scale import linear
from benchmarks.report.record import Arm, Record
from tests.fixtures.bench import records


def test_proxies_get_colours_and_marks_of_their_own_and_the_rest_greys() -> None:
    found = looks(records.overhead(["headrace", "nginx"], rounds=8))

    assert [look.css for look in found.values()] == ["a-direct", "a-again", "a-floor", "a-0", "a-1"]
    assert found["headrace"].shape != found["nginx"].shape


def test_an_endpoint_by_itself_is_no_background() -> None:
    assert looks(Record(command="run", arms=[Arm(name="e", role="direct")]))["e"].css == "a-0"


def test_ticks_and_titles_are_written() -> None:
    drawn = x_axis(linear([0, 10], 0, 100), "seconds") + y_axis(linear([0, 4], 100, 0), "ms")

    assert ">seconds<" in drawn
    assert ">ms<" in drawn
    assert ">10<" in drawn


def test_a_long_legend_takes_a_second_line_instead_of_leaving_the_picture() -> None:
    record = Record(
        command="overhead",
        arms=[Arm(name=f"proxy-number-{n}", role="proxy") for n in range(6)],
    )
    drawn = legend([arm.name for arm in record.arms], looks(record))

    places = [float(part.split('"')[1]) for part in drawn.split("<text x=")[1:]]
    assert max(places) < RIGHT
    assert len({part.split('y="')[1].split('"')[0] for part in drawn.split("<text")[1:]}) == 2


def test_stairs_hold_each_value_until_the_next() -> None:
    assert stairs([(0, 1), (2, 5)]) == [(0, 1), (2, 1), (2, 5)]
    assert stairs([(0, 1)]) == [(0, 1)]
