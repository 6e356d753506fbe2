"""What answers say: the same whole and streamed, in every dialect."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.transcript import asked
from proxy.dialects.transcript.answered import READERS, Answered
from proxy.dialects.transcript.parts import CUT, PART, Room

WEATHER = {"type": "tool_call", "name": "w", "arguments": '{"c":1}', "id": "c1"}


def told(operation: str, *payloads: object, limit: int = 4096) -> list[dict[str, Any]]:
    into = Answered(Room(limit))
    for payload in payloads:
        written = msgspec.json.encode(payload)
        if into.wants(written):
            READERS[operation](written, into)
    return into.messages()


def said(*parts: dict[str, str], reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": reason}]


def text(content: str) -> dict[str, str]:
    return {"type": "text", "content": content}


def delta(finish: str | None = None, index: int = 0, **facts: object) -> dict[str, object]:
    return {"choices": [{"index": index, "delta": facts, "finish_reason": finish}]}


def test_what_can_be_asked_can_be_answered() -> None:
    assert READERS.keys() == asked.READERS.keys()


def test_a_chat_is_put_together() -> None:
    streamed = told("chat", delta(role="assistant"), delta(content="a"), delta("stop", content="b"))
    whole = told("chat", {"choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}]})

    assert streamed == whole == said(text("ab"))


def test_completions_are_text() -> None:
    choice = {"index": 0, "text": "ab", "finish_reason": "length"}

    assert told("completions", {"choices": [choice]}) == said(text("ab"), reason="length")


def test_reasoning_stands_before_the_answer() -> None:
    found = told("chat", delta(reasoning_content="h"), delta(reasoning="m"), delta(content="a"))

    assert found[0]["parts"] == [{"type": "reasoning", "content": "hm"}, text("a")]


def test_tool_calls_of_a_chat_are_put_together() -> None:
    first = {"index": 0, "id": "c1", "function": {"name": "w", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"c":1}'}}
    other = {"index": 1, "id": "c2", "function": {"name": "v", "arguments": "{}"}}
    found = told(
        "chat", delta(tool_calls=[first]), delta(tool_calls=[more]), delta(tool_calls=[other])
    )

    assert found[0]["parts"][0] == WEATHER
    assert found[0]["parts"][1]["name"] == "v"


def test_calls_that_are_all_numbered_0_stay_apart() -> None:
    calls = [{"index": 0, "id": f"c{n}", "function": {"name": "w"}} for n in range(2)]

    (found,) = told("chat", delta(tool_calls=calls))

    assert [part["id"] for part in found["parts"]] == ["c0", "c1"]


def test_choices_are_messages_of_their_own() -> None:
    found = told("chat", delta("stop", index=1, content="b"), delta("length", content="a"))

    assert found == said(text("a"), reason="length") + said(text("b"))


def test_messages_of_anthropic() -> None:
    use = {"type": "tool_use", "id": "c1", "name": "w"}
    streamed = told(
        "messages",
        {"type": "message_start", "message": {"content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "b"}},
        {"type": "content_block_start", "index": 1, "content_block": {**use, "input": {}}},
        {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '{"c"'}},
        {"type": "content_block_delta", "index": 1, "delta": {"partial_json": ":1}"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    )
    blocks = [{"type": "text", "text": "ab"}, {**use, "input": {"c": 1}}]
    whole = told("messages", {"type": "message", "content": blocks, "stop_reason": "tool_use"})

    assert streamed == whole == said(text("ab"), WEATHER, reason="tool_call")


def test_thinking_of_anthropic() -> None:
    found = told("messages", {"content": [{"type": "thinking", "thinking": "hm"}]})

    assert found[0]["parts"] == [{"type": "reasoning", "content": "hm"}]


def test_lines_of_ollama() -> None:
    call = {"function": {"name": "w", "arguments": {"c": 1}}}
    found = told(
        "ollama_chat",
        {"message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False},
        {"message": {"content": "a"}, "done": False},
        {"message": {"content": "b", "tool_calls": [call, call]}},
        {"message": {"content": ""}, "done": True, "done_reason": "stop"},
    )

    kinds = [part["type"] for part in found[0]["parts"]]
    assert kinds == ["reasoning", "text", "tool_call", "tool_call"]
    assert found[0]["finish_reason"] == "stop"
    assert told("ollama_generate", {"response": "a", "done_reason": "length"}) == said(
        text("a"), reason="length"
    )


def test_a_stream_without_a_reason_was_broken_off() -> None:
    assert told("chat", delta(content="a")) == said(text("a"), reason="error")


def test_an_answer_of_no_words_has_its_reason() -> None:
    assert told("chat", delta("content_filter")) == said(reason="content_filter")


def test_beyond_the_room_only_the_reason_counts() -> None:
    events = [delta(content="abcd") for _ in range(9)]

    found = told("chat", *events, delta("stop"), limit=PART + 10)

    assert found == said(text(f"abcdabcdab{CUT}"))


def test_a_thousand_choices_are_as_bounded_as_one() -> None:
    events = [delta("stop", index=n) for n in range(1000)]

    assert len(told("chat", *events, limit=10 * PART)) == 10


@pytest.mark.parametrize("operation", READERS)
@pytest.mark.parametrize("payload", [7, [], {"choices": 7, "delta": 7, "message": 7}, "x"])
def test_what_cannot_be_read_says_nothing(operation: str, payload: object) -> None:
    assert told(operation, payload) == []


def test_bytes_that_are_no_text_are_borne() -> None:
    into = Answered(Room(4096))
    READERS["messages"](b'{"content":[{"type":"tool_use","name":"f","input":"\xff"}]}', into)

    (message,) = into.messages()
    assert message["parts"] == [{"type": "tool_call", "name": "f", "arguments": '"\ufffd"'}]
