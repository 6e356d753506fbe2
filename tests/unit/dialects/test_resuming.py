"""Resuming: which requests can be gone on with elsewhere, and how they are asked for the rest."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.profile import Resume
from proxy.dialects.resuming import CHAT, TEXT, most_tokens, objection, resumed

HI = {"role": "user", "content": "hi"}


def body(**fields: object) -> bytes:
    return msgspec.json.encode({"model": "m", "stream": True, "messages": [HI], **fields})


def asked(request: bytes, resume: Resume = Resume.TOLD, path: str = CHAT) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(resumed(path, request, resume, "so far", 2))
    return found


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n": 1, "logprobs": False, "top_logprobs": 0, "echo": None},
        {"response_format": {"type": "text"}, "modalities": ["text"]},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "auto"},
        {"stop": ["x"], "seed": 7, "temperature": 0.0},
    ],
)
def test_a_request_for_text_can_be_gone_on_with(fields: dict[str, object]) -> None:
    assert objection(CHAT, body(**fields)) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("logprobs", True),
        ("logprobs", 0),
        ("top_logprobs", 3),
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "json_schema", "json_schema": {"schema": {"x": "y" * 99}}}),
        ("guided_regex", "a+"),
        ("grammar", "root ::= x"),
        ("tool_choice", "required"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "v"}),
        ("echo", True),
    ],
)
def test_what_binds_an_answer_is_named(name: str, value: object) -> None:
    assert f"`{name}`" in objection(CHAT, body(**{name: value}))


@pytest.mark.parametrize(
    ("path", "request_body", "word"),
    [
        ("/v1/responses", body(), "/v1/responses"),
        (TEXT, body(prompt=["a", "b"]), "prompt"),
        (TEXT, body(), "prompt"),
        (CHAT, body(messages=[]), "messages"),
        (CHAT, body(messages=[HI, {"role": "assistant", "content": "x"}]), "last message"),
        (CHAT, b"[]", "read"),
        (CHAT, b"{", "read"),
        (CHAT, body(messages="hi"), "read"),
    ],
)
def test_what_cannot_be_gone_on_with_is_told(path: str, request_body: bytes, word: str) -> None:
    assert word in objection(path, request_body)


def test_what_was_said_becomes_the_assistants_turn_that_is_gone_on_with() -> None:
    found = asked(body(temperature=0.5))

    assert found["messages"] == [HI, {"role": "assistant", "content": "so far"}]
    assert found["continue_final_message"] is True
    assert found["add_generation_prompt"] is False
    assert (found["model"], found["temperature"]) == ("m", 0.5)


def test_an_engine_that_goes_on_unasked_is_sent_no_field_it_does_not_know() -> None:
    found = asked(body(), Resume.UNASKED)

    assert found["messages"][-1] == {"role": "assistant", "content": "so far"}
    assert set(found) == {"model", "stream", "messages"}


def test_a_beginning_by_the_caller_is_lengthened() -> None:
    begun = [HI, {"role": "assistant", "content": "It is ", "name": "x"}]
    request = body(messages=begun, continue_final_message=True, add_generation_prompt=False)

    assert objection(CHAT, request) == ""
    assert asked(request)["messages"][-1] == {
        "role": "assistant",
        "content": "It is so far",
        "name": "x",
    }


def test_a_prompt_is_lengthened() -> None:
    found = asked(body(prompt='a "b" '), Resume.PROMPT, TEXT)

    assert found["prompt"] == 'a "b" so far'


def test_limits_shrink_by_what_was_said() -> None:
    found = asked(body(max_tokens=10, max_completion_tokens=2, min_tokens=1))

    assert (found["max_tokens"], found["max_completion_tokens"], found["min_tokens"]) == (8, 1, 0)
    assert most_tokens(body(max_tokens=10, max_completion_tokens=2)) == 2
    assert most_tokens(body(max_tokens=None)) is None


def test_limits_that_are_none_stay_as_they_are() -> None:
    assert asked(body(max_tokens=None))["max_tokens"] is None
    assert asked(body(max_tokens=-1))["max_tokens"] == -1


def test_where_nothing_was_said_the_request_is_sent_again() -> None:
    assert resumed(CHAT, body(), Resume.TOLD, "", 0) == body()


def test_a_request_nested_deeply_is_no_trouble() -> None:
    request = body()[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert "read" in objection(CHAT, request)
