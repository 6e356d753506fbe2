"""Every plot of a record: drawn, or the reason why not."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.report.plots.gallery import gallery
from benchmarks.report.plots.intervals import intervals
from benchmarks.report.record import Arm, Record
from tests.fixtures.bench import records

KEYS = [
    "ecdf-token",
    "ecdf-first",
    "shift",
    "slopes",
    "waterfall",
    "timeline",
    "streams",
    "cpu",
    "memory",
    "search",
    "failover",
]
MANY = ["headrace", "nginx", "litellm"]


@pytest.mark.parametrize("arms", [["headrace"], MANY])
def test_a_full_record_has_every_plot(arms: list[str]) -> None:
    plots = gallery(records.overhead(arms))

    assert [one.key for one in plots if one.svg] == KEYS


@pytest.mark.parametrize("place", range(len(KEYS)))
def test_each_is_well_formed_tells_its_words_and_its_figures(place: int) -> None:
    one = gallery(records.overhead(MANY))[place]
    picture = ET.fromstring(one.svg)  # noqa: S314 - our own text

    assert picture[0].text
    assert picture[1].text
    assert one.caption
    assert one.rows
    assert {len(row) for row in one.rows} == {len(one.heads)}


@pytest.mark.parametrize("place", range(len(KEYS)))
def test_no_coordinate_is_lost(place: int) -> None:
    one = gallery(records.overhead(MANY))[place]

    assert "nan" not in one.svg
    assert "inf" not in one.svg.replace("information", "")


def test_an_empty_record_has_a_sentence_for_each() -> None:
    plots = gallery(Record(command="overhead"))

    assert [one.key for one in plots] == KEYS
    assert not [one for one in plots if one.svg]
    assert all(one.why.endswith(".") for one in plots)


def test_an_endpoint_has_what_it_can_have() -> None:
    drawn = {one.key for one in gallery(records.endpoint()) if one.svg}

    assert drawn == {"ecdf-token", "ecdf-first", "waterfall", "timeline"}


def test_names_of_arms_cannot_break_a_picture() -> None:
    record = records.overhead(rounds=8)
    record.arms.append(Arm(name="<b>&", role="proxy"))
    record.histograms["<b>&"] = record.histograms["headrace"]

    for one in gallery(record):
        assert not one.svg or ET.fromstring(one.svg) is not None  # noqa: S314 - our own text


def test_intervals_compare_proxies_and_one_alone_has_none() -> None:
    found = intervals(records.overhead(MANY))

    assert [one.key for one in found] == ["intervals-first", "intervals-token", "intervals-cpu"]
    assert [row[0] for row in found[0].rows] == MANY
    assert intervals(records.overhead()) == []
