"""Hearing Anthropic's streams."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.retelling.messages import ToldMessages
from tests.fixtures.retold import MESSAGES, gone_on, heard, native, read


def event(kind: str, **fields: Any) -> bytes:
    data = msgspec.json.encode({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def start(index: int = 0, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(text: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


USAGE = {"input_tokens": 5, "cache_read_input_tokens": 4, "output_tokens": 1}
BEGIN = event("message_start", message={"id": "m", "content": [], "usage": USAGE})
TEXT = start(type="text", text="")
STOP = event("content_block_stop", index=0)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([start(type="thinking", thinking="")], "the model has been reasoning"),
        ([start(type="redacted_thinking", data="x")], "the model has been reasoning"),
        ([start(type="tool_use", id="t", name="f", input={})], "a tool is being called"),
        ([start(type="image")], "its answer is more than one block of text"),
        ([TEXT, delta("a"), STOP, start(1, type="text", text="")], "more than one block"),
        (
            [TEXT, event("content_block_delta", index=0, delta={"type": "citations_delta"})],
            "its answer is more than text",
        ),
    ],
)
def test_more_than_one_text_binds(events: list[bytes], why: str) -> None:
    told = heard(MESSAGES, BEGIN, *events)

    assert why in told.objection
    assert not told.said


def test_the_end_of_a_block_waits_for_what_follows() -> None:
    told = ToldMessages(1000)
    told.feed(BEGIN + TEXT + delta("one"))
    reason = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1})

    assert told.feed(STOP) == b""
    assert told.feed(event("ping")) == event("ping")
    assert told.feed(reason) == STOP + reason
    assert told.finish == "end_turn"


def test_the_next_engine_goes_on_in_the_block_whose_end_was_held() -> None:
    told = heard(MESSAGES, BEGIN, TEXT, delta("one"), STOP)

    got = read(MESSAGES, gone_on(MESSAGES, told, [" two"]))

    assert [one["type"] for one in got] == [
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert got[0]["index"] == 0


def test_text_in_the_beginning_of_a_block_counts() -> None:
    told = heard(MESSAGES, BEGIN, start(type="text", text="one"), delta(" two"))

    assert told.said == "one two"


def test_cached_tokens_are_tokens_of_the_prompt() -> None:
    assert heard(MESSAGES, BEGIN).tokens_in == 9


def test_a_stream_that_only_lacks_its_end_is_ended() -> None:
    said = native(MESSAGES, ["one"])
    told = heard(MESSAGES, said[: said.index(b"event: message_stop")])

    assert told.complete
    assert said.endswith(told.closing())
    assert told.done


def test_before_the_message_has_begun_all_of_it_is_translated() -> None:
    told = heard(MESSAGES, event("ping"))

    assert read(MESSAGES, gone_on(MESSAGES, told, ["one"]))[0]["type"] == "message_start"


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_an_answer_given_up_is_an_error(reason: str) -> None:
    told = heard(MESSAGES)
    told.feed(BEGIN + event("message_delta", delta={"stop_reason": reason}))

    assert told.error is not None
