"""Hearing streams of the Responses API."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.retelling.items import ToldItems
from tests.fixtures.retold import RESPONSES, gone_on, heard, native, read


def event(kind: str, **fields: Any) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode({"type": f"response.{kind}", **fields})


RESPONSE = {"id": "resp_x", "model": "native", "status": "in_progress", "output": [], "user": "u"}
BEGIN = event("created", response=RESPONSE, sequence_number=0)
ITEM = event("output_item.added", item={"type": "message", "id": "msg_x"}, sequence_number=1)
PART = event("content_part.added", part={"type": "output_text"}, sequence_number=2)
ONE = event("output_text.delta", delta="one", sequence_number=3)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([event("output_item.added", item={"type": "reasoning"})], "has been reasoning"),
        ([event("output_item.added", item={"type": "function_call"})], "a tool is being called"),
        ([event("output_item.added", item={"type": "web_search_call"})], "more than one message"),
        ([ITEM, PART, ONE, ITEM], "more than one message"),
        ([ITEM, PART, ONE, PART], "more than one message"),
        ([ITEM, event("content_part.added", part={"type": "refusal"})], "more than one message"),
        ([ITEM, PART, ONE, event("output_text.annotation.added")], "more than one message"),
        ([ITEM, PART, event("output_text.delta", delta="a", logprobs=[{}])], "probabilities"),
    ],
)
def test_more_than_one_text_binds(events: list[bytes], why: str) -> None:
    told = heard(RESPONSES, BEGIN, *events)

    assert why in told.objection
    assert not told.said


def test_the_rest_goes_under_the_ids_and_numbers_of_the_beginning() -> None:
    told = heard(RESPONSES, BEGIN, ITEM, PART, ONE)

    got = read(RESPONSES, gone_on(RESPONSES, told, [" two"]))

    assert [one["sequence_number"] for one in got] == list(range(4, 4 + len(got)))
    assert {one["item_id"] for one in got if "item_id" in one} == {"msg_x"}
    response = got[-1]["response"]
    assert (response["id"], response["model"], response["user"]) == ("resp_x", "native", "u")
    assert response["status"] == "completed"
    assert [item["id"] for item in response["output"]] == ["msg_x"]
    assert response["output"][0]["content"][0]["text"] == "one two"


def test_an_item_without_its_part_begins_anew() -> None:
    told = ToldItems(1000)
    assert told.feed(BEGIN + ITEM) == BEGIN
    told.break_off()

    got = read(RESPONSES, gone_on(RESPONSES, told, ["one"]))

    assert got[0]["type"] == "response.output_item.added"
    assert got[0]["sequence_number"] == 1


def test_the_end_of_a_text_waits_for_the_end_of_the_response() -> None:
    said = native(RESPONSES, ["one"])
    at = said.index(b"event: response.output_text.done")
    last = said.index(b"event: response.completed")
    told = ToldItems(1000)
    told.feed(said[:at])

    assert told.feed(said[at:last]) == b""
    assert told.feed(said[last:]) == said[at:]
    assert (told.done, told.finish) == (True, "response.completed")


def test_what_the_beginning_says_of_the_request_counts_as_kept() -> None:
    long = event("created", response={**RESPONSE, "instructions": "x" * 900})
    told = heard(
        RESPONSES, long, ITEM, PART, event("output_text.delta", delta="y" * 200), room=1000
    )

    assert "limits.continuation" in told.objection


def test_events_without_numbers_are_counted() -> None:
    bare = event("created", response=RESPONSE)
    told = heard(RESPONSES, bare, event("in_progress", response=RESPONSE))

    assert read(RESPONSES, gone_on(RESPONSES, told, ["a"]))[0]["sequence_number"] == 2
