"""Events and objects of the Responses API, as the official SDK reads them."""

import openai
import orjson
import pytest

from proxy.dialects.translate import blocks
from proxy.dialects.translate.base import Translated
from proxy.dialects.translate.responses import request
from proxy.dialects.translate.responses_answer import ResponsesAnswer
from tests.fixtures.translate import clients, upstream
from tests.fixtures.translate.upstream import call, event, plain, stream, tool

MIXED = stream(
    event({"reasoning_content": "Hm."}),
    event({"content": "I "}),
    event({"content": "look."}),
    call(0, "weather", '{"city":', "call_a"),
    call(0, arguments='"Rome"}'),
    call(1, "time", "{}", "call_b"),
    finish="tool_calls",
)


def make(**fields: object) -> ResponsesAnswer:
    asked = request(
        orjson.dumps({"model": "m", "input": "hi", **fields}), request_id="r1", created=10.0
    )
    assert isinstance(asked, Translated)
    assert isinstance(asked.answer, ResponsesAnswer)
    return asked.answer


def read(data: bytes) -> bytes:
    answer = make()
    return answer.feed(data, 11.0) + answer.end(12.0)


@pytest.mark.parametrize("name", upstream.STREAMS)
def test_the_sdk_reads_what_each_engine_streams(name: str) -> None:
    found = clients.response(read(upstream.recorded(f"{name}.sse")))

    assert found.output_text == upstream.SENTENCE
    assert found.status == "incomplete"
    assert found.incomplete_details is not None
    assert found.incomplete_details.reason == "max_output_tokens"
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens) == (10, 12)


def test_events_stand_in_the_order_of_the_api() -> None:
    found = clients.check("responses", read(MIXED))
    names = [(item["type"].removeprefix("response."), item.get("output_index")) for item in found]

    assert names == [
        ("created", None),
        ("in_progress", None),
        ("output_item.added", 0),
        ("content_part.added", 0),
        ("reasoning_text.delta", 0),
        ("reasoning_text.done", 0),
        ("content_part.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("content_part.added", 1),
        ("output_text.delta", 1),
        ("output_text.delta", 1),
        ("output_text.done", 1),
        ("content_part.done", 1),
        ("output_item.done", 1),
        ("output_item.added", 2),
        ("function_call_arguments.delta", 2),
        ("function_call_arguments.delta", 2),
        ("function_call_arguments.done", 2),
        ("output_item.done", 2),
        ("output_item.added", 3),
        ("function_call_arguments.delta", 3),
        ("function_call_arguments.done", 3),
        ("output_item.done", 3),
        ("completed", None),
    ]


def test_the_items_of_a_stream() -> None:
    found = clients.response(read(MIXED))
    reasoning, message, first, second = found.output

    assert reasoning.type == "reasoning"
    assert reasoning.content is not None
    assert reasoning.content[0].text == "Hm."
    assert message.type == "message"
    assert found.output_text == "I look."
    assert first.type == "function_call"
    assert (first.call_id, first.name, first.arguments) == ("call_a", "weather", '{"city":"Rome"}')
    assert second.type == "function_call"
    assert (second.call_id, second.name, second.arguments) == ("call_b", "time", "{}")
    assert (found.status, found.completed_at, found.created_at) == ("completed", 12, 10)
    assert found.usage is not None
    assert found.usage.input_tokens_details.cached_tokens == 16
    assert found.usage.output_tokens_details.reasoning_tokens == 3


def test_a_plain_answer_has_the_same_items() -> None:
    calls = [tool("call_a", "weather", '{"city":"Rome"}'), tool("call_b", "time", "{}")]
    said = {"content": "I look.", "reasoning_content": "Hm.", "tool_calls": calls}
    body = make().whole(200, plain(said, "tool_calls"), 12.0)

    assert clients.response_plain(body).output_text == "I look."
    assert orjson.loads(body) == clients.events(read(MIXED))[-1]["response"]


def test_a_refusal_is_a_part_of_its_own() -> None:
    streamed = clients.response(read(stream(event({"refusal": "No."}))))
    whole = clients.response_plain(make().whole(200, plain({"refusal": "No."})))

    for found in (streamed, whole):
        assert found.output[0].type == "message"
        assert found.output[0].content[0].type == "refusal"
        assert found.output[0].content[0].refusal == "No."


def test_log_probabilities_stand_in_deltas_and_in_the_end() -> None:
    found = clients.response(read(upstream.recorded("vllm-logprobs.sse")))
    item = found.output[0]
    assert item.type == "message"
    part = item.content[0]

    assert part.type == "output_text"
    assert part.logprobs is not None
    assert [entry.token for entry in part.logprobs] == ["The", " tiny", " model", " speaks"]


def test_a_response_says_again_what_was_asked() -> None:
    answer = make(
        instructions="be brief",
        max_output_tokens=9,
        temperature=0.5,
        metadata={"a": "b"},
        tools=[{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}],
        tool_choice={"type": "function", "name": "f"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    )
    found = clients.response_plain(answer.whole(200, plain({"content": "{}"})))

    assert found.instructions == "be brief"
    assert found.max_output_tokens == 9
    assert found.temperature == 0.5
    assert found.metadata == {"a": "b"}
    assert found.tools[0].type == "function"
    assert found.tool_choice.type == "function"  # type: ignore[union-attr]
    assert found.text is not None
    assert found.text.format is not None
    assert found.text.format.type == "json_schema"


def test_an_engines_error_has_openais_shape() -> None:
    body = make().whole(400, upstream.recorded("sglang-too-long.json"))

    with (
        clients.openai_client(body, 400, "application/json") as client,
        pytest.raises(openai.BadRequestError, match="2048 tokens"),
    ):
        client.responses.create(model="m", input="hi")


def test_a_broken_stream_ends_with_an_error_the_sdk_raises() -> None:
    answer = make()
    out = answer.feed(event({"content": "a"})) + answer.broken("The engine closed it.", "closed")
    *_, last = clients.check("responses", out)

    assert last["type"] == "error"
    assert last["sequence_number"] == 5
    with (
        clients.openai_client(out) as client,
        pytest.raises(openai.APIError, match=r"The engine closed it\."),
        client.responses.create(model="m", input="hi", stream=True) as events,
    ):
        list(events)


def test_kinds_of_answer() -> None:
    assert make().content_type(stream=True).startswith(b"text/event-stream")
    assert make().content_type(stream=False) == b"application/json"


@pytest.mark.parametrize("piece", [{"content": "on"}, {"reasoning_content": "on"}])
def test_an_answer_without_end_is_not_kept_without_end(
    monkeypatch: pytest.MonkeyPatch, piece: dict[str, str]
) -> None:
    monkeypatch.setattr(blocks, "MAX_KEPT", 5_000)
    answer = make()

    said = b"".join(answer.feed(event(piece), 11.0) for _ in range(1000))

    assert answer.failure == "what is to be kept of the engine's answer is over 5000 bytes."
    assert said.count(b".delta\n") < 100
    assert said.endswith(b"\n\n")
    assert answer.end(12.0) == b""


def test_what_waits_until_the_end_is_bounded_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = make()
    answer.feed(call(0, "weather", '{"city":', "call_a") + call(1, "time", "{}", "call_b"), 11.0)
    answer.feed(event({}, finish_reason="stop"), 11.0)
    monkeypatch.setattr(blocks, "MAX_KEPT", 10)

    assert b"event: error" in answer.end(12.0)
    assert answer.kind == "bad_response"
