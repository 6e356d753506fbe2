"""Pointers lead where they say or nowhere, and replies are judged by what they hold."""

import pytest

from proxy.dialects.base import Reply
from proxy.dialects.pointers import at, first, highest, judge, parsed, total
from proxy.dialects.profile import Expect, Type

DOCUMENT = {
    "a": {"b": [1, 2, {"c": True}]},
    "x/y": {"~": 5},
    "none": None,
    "loads": [{"n": 2, "u": 0.25}, {"n": 3, "u": 0.75}],
    "text": "v1.2",
}


def reply(body: bytes, status: int = 200) -> Reply:
    return Reply(status=status, body=body)


@pytest.mark.parametrize(
    ("pointer", "values"),
    [
        ("", [DOCUMENT]),
        ("/a/b/0", [1]),
        ("/a/b/2/c", [True]),
        ("/x~1y/~0", [5]),
        ("/none", [None]),
        ("/loads/*/n", [2, 3]),
        ("/a/*/0", [1]),
        ("/a/b/9", []),
        ("/a/b/-1", []),
        ("/a/b/c", []),
        ("/text/*", []),
        ("/missing/*/x", []),
    ],
)
def test_a_pointer_leads_to_what_is_there(pointer: str, values: list[object]) -> None:
    assert list(at(DOCUMENT, pointer)) == values


def test_the_first_pointer_that_has_a_value_counts() -> None:
    assert first(DOCUMENT, ("/none", "/missing", "/text")) == "v1.2"
    assert first(DOCUMENT, ()) is None


def test_numbers_are_summed_or_the_highest_taken_and_true_counts_one() -> None:
    assert total(DOCUMENT, ("/missing", "/loads/*/n")) == 5.0
    assert total([{"busy": True}, {"busy": False}], ("/*/busy",)) == 1.0
    assert highest(DOCUMENT, ("/loads/*/u",)) == 0.75
    assert total(DOCUMENT, ("/text",)) is None
    assert highest(DOCUMENT, ("/text",)) is None


def test_what_is_no_json_is_nothing() -> None:
    assert parsed(reply(b"<html>")) is None


GOOD = reply(b'{"name":"Olla","version":"0.1","flag":true,"list":[],"n":1.5,"o":{},"z":null}')


@pytest.mark.parametrize(
    "expect",
    [
        Expect(),
        Expect(equal={"/name": "Olla", "/flag": True}),
        Expect(match={"/version": r"\d"}),
        Expect(has={"/list": Type.LIST, "/n": Type.NUMBER, "/o": Type.OBJECT}),
        Expect(has={"/flag": Type.BOOLEAN, "/name": Type.STRING, "/z": Type.PRESENT}),
        Expect(lacks=("/other",)),
    ],
)
def test_a_reply_that_is_as_expected_passes(expect: Expect) -> None:
    assert judge(expect, GOOD) == ""


@pytest.mark.parametrize(
    "expect",
    [
        Expect(equal={"/name": "olla"}),
        Expect(equal={"/flag": 1}),  # JSON's true is no number
        Expect(match={"/version": r"v\d"}),
        Expect(match={"/flag": "t"}),
        Expect(has={"/flag": Type.NUMBER}),
        Expect(has={"/missing": Type.PRESENT}),
        Expect(lacks=("/z",)),
        Expect(text="Olla"),
    ],
)
def test_a_reply_that_differs_in_one_thing_does_not(expect: Expect) -> None:
    assert judge(expect, GOOD) == "the answer is not this engine's"


def test_the_status_goes_first_and_speaks_for_itself() -> None:
    assert judge(Expect(problem="x"), reply(b'{"error":"busy"}', 503)) == "status 503: busy"
    assert judge(Expect(status=(204,)), reply(b"", 200)) == "status 200"


def test_a_problem_has_the_words_of_the_profile() -> None:
    assert judge(Expect(text="hi", problem="no greeting"), reply(b"ho")) == "no greeting"
    assert judge(Expect(text="hi"), reply(b" hi\n")) == ""


def test_an_empty_body_passes_only_where_it_may() -> None:
    assert judge(Expect(equal={"/status": "healthy"}, empty=True), reply(b"")) == ""
    assert judge(Expect(equal={"/status": "healthy"}), reply(b"")) != ""
