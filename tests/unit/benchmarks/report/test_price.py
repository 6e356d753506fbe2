"""Rows, ratios and bars."""

import pytest

from benchmarks.report.price import ROWS, Bar, Row, Show, against, figures, verdicts
from benchmarks.report.result import Result


def result(**arms: list[float | None]) -> Result:
    found = Result(arms=list(arms))
    for arm, values in arms.items():
        found.record("m", arm, values)
    return found


ADDED = Row(
    metric="m", title="added", unit="ms", show=Show.ADDED, bars=(Bar(limit=1.5, against="nginx"),)
)
VALUE = Row(
    metric="m",
    title="cost",
    unit="us",
    bars=(Bar(limit=30), Bar(limit=1.25, against="nginx"), Bar(limit=1, against="envoy")),
)


def test_what_is_added_is_counted_from_direct_in_the_same_round() -> None:
    run = result(direct=[1.0, 2.0], nginx=[1.5, 3.0], headrace=[2.0, 3.0])

    assert figures(run, ADDED, "headrace") == [1.0, 1.0]
    compared = against(run, ADDED, "headrace", "nginx")
    assert compared is not None
    assert compared.median == 1.5


def test_each_bar_is_held_against_its_own_side() -> None:
    run = result(direct=[None], nginx=[16.0], headrace=[24.0])

    found = verdicts(run, VALUE, "headrace")

    assert [(v.bar.limit, v.figure.median, v.met) for v in found] == [
        (30, 24.0, True),
        (1.25, 1.5, False),
    ], "Envoy was not measured: its bar is left out"


def test_an_arm_that_was_not_measured_has_no_figures() -> None:
    run = result(direct=[1.0])

    assert figures(run, ADDED, "headrace") == []
    assert verdicts(run, ADDED, "headrace") == []


@pytest.mark.parametrize(
    ("bar", "figure", "met"),
    [
        (Bar(limit=1), 1.0, True),
        (Bar(limit=1, strict=True), 1.0, False),
        (Bar(limit=1, strict=True), 0.9, True),
        (Bar(limit=1), 1.1, False),
    ],
)
def test_a_strict_bar_is_not_met_by_its_limit(bar: Bar, figure: float, met: bool) -> None:
    assert bar.met(figure) is met


def test_bars_read_as_in_the_documentation() -> None:
    assert Bar(limit=1.25, against="nginx").text("us") == "<= 1.25 x nginx"
    assert Bar(limit=60).text("MB") == "<= 60 MB"
    assert Bar(limit=1, strict=True).text("s") == "< 1 s"


def test_no_metric_has_two_rows() -> None:
    assert len({row.metric for row in ROWS}) == len(ROWS)
