"""Ollama's lines and objects, as the official SDK reads them."""

import datetime as dt

import ollama
import orjson
import pytest

from proxy.dialects.translate.ollama_answer import OllamaAnswer, control, moment
from tests.fixtures.translate import clients, upstream
from tests.fixtures.translate.upstream import call, event, plain, stream, tool


def make(*, chat: bool = True) -> OllamaAnswer:
    return OllamaAnswer("r1", 1_000.0, model="m", chat=chat)


def read(data: bytes, *, chat: bool = True) -> bytes:
    answer = make(chat=chat)
    return answer.feed(data, 1_002.0) + answer.end(1_005.0)


@pytest.mark.parametrize("name", upstream.STREAMS)
def test_the_sdk_reads_what_each_engine_streams(name: str) -> None:
    *parts, last = clients.ollama_chat(read(upstream.recorded(f"{name}.sse")))

    assert "".join(part.message.content or "" for part in parts) == upstream.SENTENCE
    assert not any(part.done for part in parts)
    assert (last.done, last.done_reason) == (True, "length")
    assert (last.prompt_eval_count, last.eval_count) == (10, 12)


def test_durations_are_those_the_proxy_saw() -> None:
    *_, last = clients.ollama_chat(read(stream(event({"content": "a"}))))

    assert last.total_duration == 5_000_000_000
    assert last.prompt_eval_duration == 2_000_000_000
    assert last.eval_duration == 3_000_000_000
    assert last.load_duration == 0
    assert last.created_at == "1970-01-01T00:16:45.000000Z"


@pytest.mark.parametrize(
    "seconds",
    [0.0, 951_782_400.5, 951_868_800.0, 1_795_356_089.25, 4_107_542_399.0, 13_574_563_200.0],
)
def test_moments_are_dates(seconds: float) -> None:
    there = dt.datetime.fromtimestamp(seconds, dt.UTC)

    assert moment(seconds) == there.isoformat(timespec="microseconds").replace("+00:00", "Z")


def test_reasoning_and_tool_calls() -> None:
    data = stream(
        event({"reasoning_content": "Hm."}),
        event({"content": "I look."}),
        call(0, "weather", '{"city":', "call_a"),
        call(0, arguments='"Rome"}'),
        call(1, "time"),
        finish="tool_calls",
    )
    thought, text, first, second, last = (part.message for part in clients.ollama_chat(read(data)))

    assert thought.thinking == "Hm."
    assert text.content == "I look."
    assert first.tool_calls is not None
    assert first.tool_calls[0].function.name == "weather"
    assert first.tool_calls[0].function.arguments == {"city": "Rome"}
    assert second.tool_calls is not None
    assert second.tool_calls[0].function.arguments == {}
    assert not last.tool_calls
    assert clients.lines(read(data))[2]["message"]["tool_calls"][0]["id"] == "call_a"
    assert clients.lines(read(data))[-1]["done_reason"] == "stop"


def test_generate_has_a_response_instead_of_a_message() -> None:
    data = stream(event({"reasoning": "Hm."}), event({"content": "Yes."}))
    thought, text, last = clients.ollama_generate(read(data, chat=False))

    assert thought.thinking == "Hm."
    assert text.response == "Yes."
    assert last.done


def test_a_text_completion_is_read_like_a_chat() -> None:
    parts = list(
        clients.ollama_generate(read(upstream.recorded("vllm-completion.sse"), chat=False))
    )

    assert len("".join(part.response or "" for part in parts).split()) == 12
    assert parts[-1].eval_count == 12


def test_log_probabilities_stand_beside_the_text() -> None:
    first, *_ = clients.ollama_chat(read(upstream.recorded("vllm-logprobs.sse")))

    assert first.logprobs is not None
    assert first.logprobs[0].token == "The"
    assert first.logprobs[0].top_logprobs is not None
    assert len(first.logprobs[0].top_logprobs) == 2


def test_a_plain_answer_has_the_same_content() -> None:
    calls = [tool("call_a", "weather", '{"city": "Rome"}')]
    said = {"content": "I look.", "reasoning": "Hm.", "tool_calls": calls}
    body = make().whole(
        200, plain(said, logprobs={"content": [{"token": "I", "logprob": -1.0}]}), 1_004.0
    )
    answer = ollama.ChatResponse.model_validate_json(body)

    assert (answer.message.content, answer.message.thinking) == ("I look.", "Hm.")
    assert answer.message.tool_calls is not None
    assert answer.message.tool_calls[0].function.arguments == {"city": "Rome"}
    assert answer.logprobs is not None
    assert (answer.done, answer.done_reason) == (True, "stop")
    assert answer.total_duration == answer.eval_duration == 4_000_000_000
    assert (answer.prompt_eval_count, answer.eval_count) == (20, 7)


def test_a_plain_answer_to_generate() -> None:
    body = make(chat=False).whole(200, plain({"content": "Yes."}))
    answer = ollama.GenerateResponse.model_validate_json(body)

    assert answer.response == "Yes."


def test_loading_is_answered_as_done() -> None:
    loaded = ollama.ChatResponse.model_validate_json(control("m", 0.0, "load", chat=True))
    dropped = ollama.GenerateResponse.model_validate_json(control("m", 0.0, "unload", chat=False))

    assert (loaded.done, loaded.done_reason, loaded.message.content) == (True, "load", "")
    assert (dropped.done, dropped.done_reason, dropped.response) == (True, "unload", "")


def test_half_a_call_is_left_out_if_the_limit_cut_it() -> None:
    data = stream(call(0, "weather", '{"city": "Ro'), finish="length")
    (last,) = clients.ollama_chat(read(data))

    assert last.done_reason == "length"
    assert not last.message.tool_calls


def test_arguments_that_are_no_object_fail_the_answer() -> None:
    streamed = read(stream(call(0, "weather", "[1]"), event({"content": "more"}), finish="stop"))
    answer = make()
    whole = orjson.loads(answer.whole(200, plain({"tool_calls": [tool("a", "weather", "[1]")]})))

    assert [*clients.lines(streamed)][-1]["error"] == whole["error"] == answer.failure
    assert len(clients.lines(streamed)) == 1
    assert answer.status == 502


def test_an_engines_error_is_ollamas() -> None:
    body = make().whole(400, upstream.recorded("llama-too-long.json"))

    assert "2048 tokens" in orjson.loads(body)["error"]


def test_a_broken_stream_ends_with_a_line_the_sdk_raises() -> None:
    answer = make()
    out = answer.feed(event({"content": "a"})) + answer.broken("The engine closed it.", "closed")
    parts = clients.ollama_chat(out)

    assert next(parts).message.content == "a"
    with pytest.raises(ollama.ResponseError, match=r"The engine closed it\."):
        next(parts)


def test_kinds_of_answer() -> None:
    assert make().content_type(stream=True) == b"application/x-ndjson"
    assert make().content_type(stream=False).startswith(b"application/json")
