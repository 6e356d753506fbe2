"""A stream becomes the plain answer it stands for."""

import openai.types
import openai.types.chat
import orjson
import pytest

from proxy.core.inband import ErrorEvent
from proxy.dialects.translate.answering import CUT, UNREADABLE
from proxy.dialects.translate.assemble import Assembly, streamed
from tests.fixtures.translate import upstream
from tests.fixtures.translate.upstream import DONE, call, event, stream


def assembled(*pieces: bytes) -> bytes:
    assembly = Assembly()
    for piece in pieces:
        assembly.feed(piece)
    result = assembly.result()
    assert isinstance(result, bytes), result
    return result


def failed(*pieces: bytes) -> ErrorEvent:
    assembly = Assembly()
    for piece in pieces:
        assembly.feed(piece)
    result = assembly.result()
    assert isinstance(result, ErrorEvent)
    return result


@pytest.mark.parametrize("name", upstream.STREAMS)
def test_the_sdks_types_take_what_each_engine_streamed(name: str) -> None:
    body = assembled(upstream.recorded(f"{name}.sse"))
    answer = openai.types.chat.ChatCompletion.model_validate_json(body)

    assert answer.choices[0].message.content == upstream.SENTENCE
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12


def test_fields_of_an_engine_are_kept() -> None:
    body = orjson.loads(assembled(upstream.recorded("llama-chat.sse")))

    assert body["timings"]["predicted_n"] == 12
    assert body["system_fingerprint"] == "b0-unknown"


def test_tool_calls_reasoning_and_several_choices() -> None:
    second = event({"content": "two"}, finish_reason="length").replace(b'"index":0', b'"index":1')
    body = assembled(
        stream(
            event({"reasoning_content": "H"}),
            event({"reasoning_content": "m."}),
            call(0, "weather", '{"city":', "a"),
            call(1, "time", "{", "b"),
            call(0, arguments='"Rome"}'),
            second,
            call(1, arguments="}"),
            finish="tool_calls",
        )
    )
    answer = openai.types.chat.ChatCompletion.model_validate_json(body)
    first, other = answer.choices

    assert orjson.loads(body)["choices"][0]["message"]["reasoning_content"] == "Hm."
    assert [
        (one.id, one.function.name, one.function.arguments)  # type: ignore[union-attr]
        for one in first.message.tool_calls or ()
    ] == [("a", "weather", '{"city":"Rome"}'), ("b", "time", "{}")]
    assert first.finish_reason == "tool_calls"
    assert (other.message.content, other.finish_reason) == ("two", "length")


def test_log_probabilities_are_joined() -> None:
    answer = openai.types.chat.ChatCompletion.model_validate_json(
        assembled(upstream.recorded("vllm-logprobs.sse"))
    )

    assert answer.choices[0].logprobs is not None
    assert [one.token for one in answer.choices[0].logprobs.content or ()] == [
        "The",
        " tiny",
        " model",
        " speaks",
    ]


def test_a_text_completion() -> None:
    answer = openai.types.Completion.model_validate_json(
        assembled(upstream.recorded("vllm-completion.sse"))
    )

    assert len(answer.choices[0].text.split()) == 12
    assert answer.object == "text_completion"


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([upstream.recorded("vllm-error.sse")], "currently busy"),
        ([event({"content": "a"})], CUT),
        ([DONE], CUT),
        ([b"data: {oops\n\n" + DONE], UNREADABLE),
        ([b'data: {"choices":[1]}\n\n' + DONE], UNREADABLE),
    ],
)
def test_no_answer_is_made_of_half_a_stream(pieces: list[bytes], said: str) -> None:
    assert said in failed(*pieces).message


def test_an_error_is_known_as_soon_as_it_came() -> None:
    assembly = Assembly()
    assembly.feed(upstream.recorded("vllm-error.sse"))

    assert assembly.failure is not None
    assert assembly.failure.status == 503


def test_a_plain_request_becomes_one_for_a_stream() -> None:
    body = streamed(b'{"model":"m", "stream":false,"messages":[ {"role":"user"} ],"n":1.50}')

    assert orjson.loads(body)["stream"] is True
    assert orjson.loads(body)["stream_options"] == {"include_usage": True}
    assert b'"messages":[ {"role":"user"} ]' in body
    assert b'"n":1.50' in body
    assert streamed(b"[]") == b"[]"


def test_an_answer_of_many_small_objects_is_given_up() -> None:
    """A dozen bytes of the engine's are an object of ours, and each call is searched for."""
    choices = b",".join(b'{"index":%d}' % number for number in range(200))
    calls = b",".join(b'{"index":%d}' % number for number in range(300))
    fields = b",".join(b'"x%d":1' % number for number in range(300))
    delta = b'{"choices":[{"delta":{%b}}]}'
    for payload, what in (
        (b'{"choices":[%b]}' % choices, "128 choices"),
        (delta % (b'"tool_calls":[%b]' % calls), "256 tool calls"),
        (delta % fields, "256 fields"),
        (b'{"choices":[{%b}]}' % fields, "256 fields"),
        (b"{%b}" % fields, "256 fields"),
    ):
        assembly = Assembly()
        assembly.feed(b"data: %b\n\n" % payload)
        assert assembly.failure is not None, what
        assert what in assembly.failure.message
