"""Which fields of a Responses request become what, and which are refused."""

from typing import Any

import orjson
import pytest

from proxy.dialects.translate.base import Refusal, Translated
from proxy.dialects.translate.responses import request

TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
FUNCTION = {"name": "weather", "parameters": {"type": "object"}, "strict": False}


def asked(**fields: Any) -> dict[str, Any]:
    body = orjson.dumps({"model": "m", "input": "hi", **fields})
    found = request(body, request_id="r1", created=1.0)
    assert isinstance(found, Translated), found
    assert found.path == "/v1/chat/completions"
    chat: dict[str, Any] = orjson.loads(found.body)
    assert found.stream is chat["stream"]
    return chat


def test_a_small_request() -> None:
    assert asked() == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": False,
    }


def test_limits_sampling_and_user() -> None:
    chat = asked(
        instructions="Be brief.",
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        safety_identifier="u",
        stream=True,
        text={"verbosity": "low"},
    )

    assert chat["messages"][0] == {"role": "system", "content": "Be brief."}
    assert chat["max_tokens"] == 9
    assert (chat["temperature"], chat["top_p"], chat["user"]) == (0.5, 0.9, "u")
    assert chat["stream_options"] == {"include_usage": True}
    assert chat["verbosity"] == "low"


@pytest.mark.parametrize(
    ("effort", "expected"),
    [("minimal", "low"), ("low", "low"), ("high", "high"), ("xhigh", "high"), ("none", None)],
)
def test_reasoning(effort: str, expected: str | None) -> None:
    chat = asked(reasoning={"effort": effort, "summary": "auto"})

    assert chat.get("reasoning_effort") == expected
    assert ("chat_template_kwargs" in chat) is (effort == "none")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "json_object"}),
        (
            {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
            },
        ),
    ],
)
def test_the_shape_of_the_text(shape: Any, expected: Any) -> None:
    assert asked(text={"format": shape}).get("response_format") == expected


def test_tools() -> None:
    chat = asked(tools=[TOOL], parallel_tool_calls=False, tool_choice="required")

    assert chat["tools"] == [{"type": "function", "function": FUNCTION}]
    assert chat["parallel_tool_calls"] is False
    assert chat["tool_choice"] == "required"


def test_one_function_that_must_be_called() -> None:
    chat = asked(tools=[TOOL], tool_choice={"type": "function", "name": "weather"})

    assert chat["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


def test_functions_that_may_be_called_are_the_ones_shown() -> None:
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "time"}],
    }
    chat = asked(tools=[TOOL, {**TOOL, "name": "time"}], tool_choice=allowed)

    assert [tool["function"]["name"] for tool in chat["tools"]] == ["time"]
    assert chat["tool_choice"] == "required"


def test_log_probabilities() -> None:
    chat = asked(include=["message.output_text.logprobs"], top_logprobs=2)

    assert (chat["logprobs"], chat["top_logprobs"]) == (True, 2)


def test_functions_of_a_namespace_are_told_apart_by_its_name() -> None:
    space = {"type": "namespace", "name": "team", "description": "All.", "tools": [TOOL]}

    chat = asked(
        tools=[TOOL, space],
        input=[
            {"role": "user", "content": "hi"},
            {
                "type": "function_call",
                "namespace": "team",
                "name": "weather",
                "call_id": "c",
                "arguments": "{}",
            },
            {"type": "function_call_output", "namespace": "team", "call_id": "c", "output": "dry"},
        ],
    )

    assert [tool["function"]["name"] for tool in chat["tools"]] == ["weather", "team__weather"]
    assert chat["tools"][1]["function"]["description"] == "All."
    (call,) = chat["messages"][1]["tool_calls"]
    assert call["function"]["name"] == "team__weather"


@pytest.mark.parametrize("streamed", [True, False])
def test_a_call_of_such_a_function_is_told_under_both_names(streamed: bool) -> None:
    space = {"type": "namespace", "name": "team", "tools": [TOOL]}
    fields = {"model": "m", "input": "hi", "tools": [space], "stream": streamed}
    found = request(orjson.dumps(fields), request_id="r1", created=1.0)
    assert isinstance(found, Translated)
    call = {"index": 0, "id": "c", "function": {"name": "team__weather", "arguments": "{}"}}
    if streamed:
        chunk = orjson.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
        said = found.answer.feed(b"data: %b\n\ndata: [DONE]\n\n" % chunk) + found.answer.end()
    else:
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        said = found.answer.whole(200, orjson.dumps({"choices": [{"message": message}]}))

    assert b'"name":"weather","namespace":"team"' in said
    items = said.partition(b'"tools":')[0]
    assert b"team__weather" not in items


def test_what_codex_sends_is_carried() -> None:
    chat = asked(
        instructions="You are",
        input=[
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}
        ],
        tools=[TOOL],
        tool_choice="auto",
        parallel_tool_calls=False,
        reasoning={"effort": "medium", "summary": "auto"},
        store=False,
        stream=True,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="k",
    )

    assert [message["role"] for message in chat["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"store": True}, "store"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"max_tool_calls": 3}, "max_tool_calls"),
        ({"truncation": "auto"}, "truncation"),
        ({"include": ["file_search_call.results"]}, "include[0]"),
        ({"tools": [TOOL, {"type": "web_search"}]}, "tools[1].type"),
        ({"tools": [{**TOOL, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tools": [{**TOOL, "surprise": 1}]}, "tools[0].surprise"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"input": None}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"tools": [{**TOOL, "parameters": [1]}]}, "tools[0].parameters"),
        ({"frobnicate": 1}, "frobnicate"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_its_name(fields: dict[str, Any], param: str) -> None:
    body = orjson.dumps({"model": "m", "input": "hi", **fields})
    found = request(body, request_id="r", created=0.0)

    assert isinstance(found, Refusal)
    assert found.param == param
    assert param.removesuffix(".type") in found.message
