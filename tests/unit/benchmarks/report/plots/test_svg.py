"""SVG text."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.report.plots import svg


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)  # noqa: S314 - our own text


def test_words_and_attributes_are_escaped() -> None:
    element = parsed(svg.text(1, 2, '<&"', 'c"l'))

    assert element.text == '<&"'
    assert element.get("class") == 'c"l'


def test_numbers_are_short_and_missing_attributes_left_out() -> None:
    assert svg.tag("line", x1=1.0, x2=2.345, y1=None) == '<line x1="1" x2="2.3"/>'


def test_a_path_goes_through_its_points_and_may_close() -> None:
    assert svg.path([(0, 0), (1, 2)], "l") == '<path d="M0 0L1 2" class="l"/>'
    assert svg.path([(0, 0), (1, 2)], "l", closed=True).count("Z") == 1
    assert svg.path([], "l") == ""


@pytest.mark.parametrize("shape", ["dot", "square", "up", "diamond", "cross", "ring"])
def test_every_mark_tells_its_value(shape: str) -> None:
    assert parsed(svg.marker(shape, 5, 5, "m", "a: 3 us"))[0].text == "a: 3 us"


def test_boxes_are_never_negative() -> None:
    assert parsed(svg.rect(1, 1, -3, 2, "r")).get("width") == "0"


def test_a_drawing_has_title_and_description_for_those_who_cannot_see() -> None:
    whole = parsed(svg.drawing([], height=100, key="k", title="T", desc="D"))

    assert whole.get("role") == "img"
    assert whole.get("aria-labelledby") == "k-t k-d"
    assert [child.text for child in whole] == ["T", "D"]
