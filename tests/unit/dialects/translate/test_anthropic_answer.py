"""Anthropic's events and messages, as the official SDK reads them."""

import anthropic
import orjson
import pytest

from proxy.dialects.translate.anthropic_answer import SIGNATURE, AnthropicAnswer
from tests.fixtures.translate import clients, upstream
from tests.fixtures.translate.upstream import call, event, plain, stream, tool

PARALLEL = stream(
    event({"content": "I look."}),
    call(0, "weather", "", "call_a"),
    call(0, arguments='{"city":'),
    call(0, arguments='"Rome"}'),
    call(1, "time", '{"zone":"UTC"}', "call_b"),
    finish="tool_calls",
)


def make(**options: object) -> AnthropicAnswer:
    return AnthropicAnswer("r1", 1.0, model="m", **options)  # type: ignore[arg-type]


def read(data: bytes, **options: object) -> bytes:
    answer = make(**options)
    return answer.feed(data) + answer.end()


@pytest.mark.parametrize("name", upstream.STREAMS)
def test_the_sdk_reads_what_each_engine_streams(name: str) -> None:
    message = clients.anthropic_message(read(upstream.recorded(f"{name}.sse")))

    assert [block.text for block in message.content if block.type == "text"] == [upstream.SENTENCE]
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 12
    assert message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0) == 10
    assert message.id == "msg_r1"
    assert message.model == "m"


def test_events_stand_in_the_order_of_the_api() -> None:
    found = clients.check("anthropic", read(PARALLEL))

    assert [(item["type"], item.get("index")) for item in found] == [
        ("message_start", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_delta", 2),
        ("content_block_stop", 2),
        ("message_delta", None),
        ("message_stop", None),
    ]


def test_parallel_tool_calls_keep_ids_names_and_arguments() -> None:
    message = clients.anthropic_message(read(PARALLEL))
    calls = [block for block in message.content if block.type == "tool_use"]

    assert [(block.id, block.name, block.input) for block in calls] == [
        ("call_a", "weather", {"city": "Rome"}),
        ("call_b", "time", {"zone": "UTC"}),
    ]
    assert message.stop_reason == "tool_use"
    assert message.usage.input_tokens == 4
    assert message.usage.cache_read_input_tokens == 16


def test_a_call_without_an_id_gets_one() -> None:
    nameless = event({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]})
    message = clients.anthropic_message(read(stream(nameless)))

    assert message.content[0].type == "tool_use"
    assert message.content[0].id == "toolu_r1_0"


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_a_thinking_block_with_a_signature(name: str) -> None:
    data = stream(event({name: "Let me "}), event({name: "see."}), event({"content": "Yes."}))
    thinking, text = clients.anthropic_message(read(data)).content

    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature) == ("Let me see.", SIGNATURE)
    assert text.type == "text"
    assert text.text == "Yes."


def test_thinking_that_is_not_to_be_shown_is_left_empty() -> None:
    data = stream(event({"reasoning": "secret"}), event({"content": "Yes."}))

    assert b"secret" not in read(data, thinking=False)
    assert b"secret" not in make(thinking=False).whole(200, plain({"reasoning": "secret"}))


@pytest.mark.parametrize(
    ("finish", "choice", "expected"),
    [
        ("stop", {}, ("end_turn", None)),
        ("length", {}, ("max_tokens", None)),
        ("content_filter", {}, ("refusal", None)),
        ("stop", {"stop_reason": "END"}, ("stop_sequence", "END")),
        ("stop", {"matched_stop": "END"}, ("stop_sequence", "END")),
        ("stop", {"matched_stop": 2}, ("end_turn", None)),
        ("stop", {"stop_reason": "other"}, ("end_turn", None)),
    ],
)
def test_why_it_ended(finish: str, choice: dict[str, object], expected: tuple[str, str]) -> None:
    streamed = clients.anthropic_message(
        read(stream(event({"content": "a"}), finish=finish, **choice), stops=("END",))
    )
    body = make(stops=("END",)).whole(200, plain({"content": "a"}, finish, **choice))
    whole = clients.anthropic_plain(body)

    assert (streamed.stop_reason, streamed.stop_sequence) == expected
    assert (whole.stop_reason, whole.stop_sequence) == expected


def test_a_call_that_ended_with_stop_is_a_tool_use() -> None:
    *_, delta, _ = clients.check("anthropic", read(upstream.recorded("vllm-tool-named.sse")))

    assert delta["delta"]["stop_reason"] == "tool_use"


def test_a_refusal_is_text_and_a_reason() -> None:
    message = clients.anthropic_message(read(stream(event({"refusal": "No."}))))

    assert message.stop_reason == "refusal"
    assert message.content[0].type == "text"
    assert message.content[0].text == "No."


def test_a_plain_answer_has_the_same_content() -> None:
    calls = [tool("call_a", "weather", '{"city": "Rome"}'), tool("", "time", "")]
    body = make().whole(
        200, plain({"content": "I look.", "reasoning": "Hm.", "tool_calls": calls}, "tool_calls")
    )
    message = clients.anthropic_plain(body)

    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert b'"input":{"city": "Rome"}' in body
    assert b'"id":"toolu_r1_3","name":"time","input":{}' in body
    assert message.stop_reason == "tool_use"
    assert message.usage.cache_read_input_tokens == 16


@pytest.mark.parametrize("name", ["vllm-chat", "llama-chat", "sglang-chat"])
def test_the_sdk_reads_what_each_engine_answers(name: str) -> None:
    message = clients.anthropic_plain(make().whole(200, upstream.recorded(f"{name}.json")))

    assert message.content[0].type == "text"
    assert message.usage.output_tokens == 12


def test_half_a_call_is_left_out_if_the_limit_cut_it() -> None:
    calls = [tool("a", "weather", '{"city": "Ro')]
    message = clients.anthropic_plain(make().whole(200, plain({"tool_calls": calls}, "length")))

    assert message.content == []
    assert message.stop_reason == "max_tokens"


def test_arguments_that_are_no_json_fail_the_answer() -> None:
    answer = make()
    body = orjson.loads(answer.whole(200, plain({"tool_calls": [tool("a", "weather", "{oops")]})))

    assert answer.status == 502
    assert body["error"]["message"] == answer.failure
    assert "weather" in answer.failure


@pytest.mark.parametrize("name", ["vllm", "sglang", "llama"])
def test_an_engines_error_has_anthropics_shape(name: str) -> None:
    answer = make()
    body = answer.whole(400, upstream.recorded(f"{name}-too-long.json"))

    with (
        clients.anthropic_client(body, 400, "application/json") as client,
        pytest.raises(anthropic.BadRequestError, match="2048 tokens"),
    ):
        client.messages.create(model="m", max_tokens=9, messages=clients.ASK)
    assert orjson.loads(body)["error"]["type"] == "invalid_request_error"
    assert answer.status == 400


@pytest.mark.parametrize("data", [upstream.recorded("vllm-error.sse"), None])
def test_a_broken_stream_ends_with_an_error_the_sdk_raises(data: bytes | None) -> None:
    answer = make()
    out = answer.feed(data) if data else answer.broken("The engine closed it.", "idle_timeout")

    assert answer.end() == answer.feed(b"data: {}\n\n") == answer.broken("again", "x") == b""
    assert answer.failure
    with (
        clients.anthropic_client(out) as client,
        pytest.raises(anthropic.APIStatusError),
        client.messages.stream(model="m", max_tokens=9, messages=clients.ASK) as reader,
    ):
        reader.get_final_message()


def test_kinds_of_answer() -> None:
    assert make().content_type(stream=True).startswith(b"text/event-stream")
    assert make().content_type(stream=False) == b"application/json"
