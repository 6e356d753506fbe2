"""Which fields of a Messages request become what, and which are refused."""

import re
from typing import Any

import orjson
import pytest

from proxy.dialects.translate.anthropic import request
from proxy.dialects.translate.base import Refusal, Translated

TOOL = {"name": "weather", "description": "d", "input_schema": {"type": "object", "b": 1, "a": 2}}
USER = {"role": "user", "content": "hi"}


def asked(**fields: Any) -> dict[str, Any]:
    body = {"model": "m", "max_tokens": 9, "messages": [USER], **fields}
    found = request(orjson.dumps(body), request_id="r1", created=1.0)
    assert isinstance(found, Translated), found
    chat: dict[str, Any] = orjson.loads(found.body)
    assert found.path == "/v1/chat/completions"
    assert found.stream is chat["stream"]
    return chat


def refused(**fields: Any) -> Refusal:
    body = {"model": "m", "max_tokens": 9, "messages": [USER], **fields}
    found = request(orjson.dumps(body), request_id="r1", created=1.0)
    assert isinstance(found, Refusal), found
    return found


def test_a_small_request() -> None:
    assert asked() == {"model": "m", "messages": [USER], "stream": False, "max_tokens": 9}


def test_a_stream_tells_its_usage() -> None:
    assert asked(stream=True)["stream_options"] == {"include_usage": True}


def test_sampling_and_user() -> None:
    chat = asked(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["END"],
        metadata={"user_id": "u"},
    )

    assert chat["temperature"] == 0.5
    assert chat["top_p"] == 0.9
    assert chat["top_k"] == 40
    assert chat["stop"] == ["END"]
    assert chat["user"] == "u"


def test_tools_keep_their_schema_byte_for_byte() -> None:
    body = (
        b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":['
        b'{"name":"f","input_schema":{ "z": 1.0, "a":"\\u00e9" },"cache_control":'
        b'{"type":"ephemeral"},"eager_input_streaming":true,"strict":true}]}'
    )
    found = request(body, request_id="r", created=0.0)

    assert isinstance(found, Translated)
    assert b'"parameters":{ "z": 1.0, "a":"\\u00e9" }' in found.body
    assert b'"strict":true' in found.body
    assert b"cache_control" not in found.body


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        (
            {"type": "tool", "name": "weather"},
            {"type": "function", "function": {"name": "weather"}},
        ),
    ],
)
def test_tool_choice(choice: dict[str, Any], expected: Any) -> None:
    chat = asked(tools=[TOOL], tool_choice=choice)

    assert chat["tool_choice"] == expected
    assert "parallel_tool_calls" not in chat


def test_one_tool_at_a_time() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}

    assert asked(tools=[TOOL], tool_choice=choice)["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("fields", "switch", "effort"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, True, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, True, "high"),
        ({"thinking": {"type": "disabled"}}, False, None),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, None, "high"),
        ({"output_config": {"effort": "medium"}}, None, "medium"),
    ],
)
def test_thinking(fields: dict[str, Any], switch: bool | None, effort: str | None) -> None:
    chat = asked(**fields)

    assert chat.get("reasoning_effort") == effort
    assert chat.get("chat_template_kwargs", {}).get("enable_thinking") is switch


@pytest.mark.parametrize("place", ["output_format", "output_config"])
def test_the_shape_of_the_answer(place: str) -> None:
    shape = {"type": "json_schema", "schema": {"type": "object"}}
    chat = asked(**{place: shape if place == "output_format" else {"format": shape}})

    assert chat["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_words_put_into_the_models_mouth_are_gone_on_with() -> None:
    chat = asked(messages=[USER, {"role": "assistant", "content": "Once"}])

    assert chat["continue_final_message"] is True
    assert chat["add_generation_prompt"] is False


def test_what_claude_code_sends_is_carried() -> None:
    cached = {"type": "ephemeral"}
    chat = asked(
        stream=True,
        system=[
            {"type": "text", "text": "You are", "cache_control": cached},
            {"type": "text", "text": "an agent."},
        ],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": cached}]}
        ],
        tools=[TOOL],
        metadata={"user_id": "user_1"},
        thinking={"type": "adaptive"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        output_config={"effort": "high"},
        service_tier="auto",
    )

    assert chat["messages"] == [
        {"role": "system", "content": "You are\n\nan agent."},
        {"role": "user", "content": "a"},
    ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"container": "c"}, "container"),
        ({"mcp_servers": [{"type": "url", "url": "u", "name": "n"}]}, "mcp_servers"),
        ({"inference_geo": "us"}, "inference_geo"),
        ({"speed": "fast"}, "speed"),
        ({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}, "context_man"),
        ({"output_config": {"task_budget": {"total": 1}}}, "output_config"),
        ({"thinking": {"type": "between_tools"}}, "thinking.type"),
        ({"tools": [TOOL, {"type": "web_search_20250305", "name": "w"}]}, "tools[1]"),
        ({"tools": [{**TOOL, "input_examples": [{}]}]}, "tools[0].input_examples"),
        ({"tools": [{**TOOL, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tools": [{"name": "f"}]}, "tools[0]"),
        ({"tools": [{"name": "f", "input_schema": "no"}]}, "tools[0].input_schema"),
        ({"output_format": {"type": "json_schema", "schema": []}}, "output_"),
        ({"frobnicate": 1}, "frobnicate"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"messages": [USER, {"role": "user", "content": [{"type": "video"}]}]}, "messages[1]"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_its_name(fields: dict[str, Any], param: str) -> None:
    refusal = refused(**fields)

    assert refusal.param.startswith(param)
    assert re.split(r"[.[]", param)[0] in refusal.message


@pytest.mark.parametrize("field", ["container", "mcp_servers", "thread", "compaction", "speed"])
def test_a_refused_field_may_be_there_and_empty(field: str) -> None:
    assert field not in asked(**{field: None})


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model":"m"}', b"\xff", b"[" * 100_000])
def test_junk_is_refused(body: bytes) -> None:
    found = request(body, request_id="r", created=0.0)

    assert isinstance(found, Refusal)
    assert found.code == "invalid"
