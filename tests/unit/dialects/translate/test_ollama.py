"""Which fields of Ollama's requests become what, and which are refused."""

from typing import Any

import orjson
import pytest

from proxy.dialects.translate.base import Refusal, Settled, Translated
from proxy.dialects.translate.ollama import chat, generate

USER = {"role": "user", "content": "hi"}
JPEG = "/9j/4AAQ"


def sent(found: Translated | Settled | Refusal) -> tuple[str, dict[str, Any]]:
    assert isinstance(found, Translated), found
    return found.path, orjson.loads(found.body)


def chatted(**fields: Any) -> dict[str, Any]:
    body = orjson.dumps({"model": "m", "messages": [USER], **fields})
    path, asked = sent(chat(body, request_id="r1", created=1.0))
    assert path == "/v1/chat/completions"
    return asked


def generated(**fields: Any) -> tuple[str, dict[str, Any]]:
    body = orjson.dumps({"model": "m", "prompt": "hi", **fields})
    return sent(generate(body, request_id="r1", created=1.0))


def test_a_small_chat_is_a_stream() -> None:
    assert chatted() == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [USER],
    }
    assert chatted(stream=False) == {"model": "m", "stream": False, "messages": [USER]}


def test_options_and_what_is_about_loading() -> None:
    asked = chatted(options={"num_predict": 5, "temperature": 0, "num_ctx": 4096}, keep_alive="5m")

    assert (asked["max_tokens"], asked["temperature"]) == (5, 0)
    assert "num_ctx" not in asked


def test_words_put_into_the_models_mouth_are_gone_on_with() -> None:
    asked = chatted(messages=[USER, {"role": "assistant", "content": "Once"}])

    assert asked["continue_final_message"] is True
    assert asked["add_generation_prompt"] is False


def test_tools() -> None:
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}}
    tools = [{"type": "function", "function": function}]

    assert chatted(tools=tools)["tools"] == tools


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("json", {"type": "json_object"}),
        (
            {"type": "object"},
            {
                "type": "json_schema",
                "json_schema": {"name": "output", "schema": {"type": "object"}, "strict": True},
            },
        ),
        ("", None),
        (None, None),
    ],
)
def test_format(format: Any, expected: Any) -> None:
    assert chatted(format=format).get("response_format") == expected


@pytest.mark.parametrize(
    ("think", "switch", "effort"),
    [(True, True, None), (False, False, None), ("high", True, "high"), ("max", True, "high")],
)
def test_think(think: Any, switch: bool, effort: str | None) -> None:
    asked = chatted(think=think)

    assert asked["chat_template_kwargs"] == {"enable_thinking": switch, "thinking": switch}
    assert asked.get("reasoning_effort") == effort


def test_log_probabilities() -> None:
    asked = chatted(logprobs=True, top_logprobs=3)

    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 3)


def test_a_prompt_is_one_message() -> None:
    path, asked = generated(system="Be brief.", images=[JPEG])

    assert path == "/v1/chat/completions"
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "hi"},
                {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{JPEG}"}},
            ],
        },
    ]


@pytest.mark.parametrize("fields", [{"raw": True}, {"suffix": "end"}])
def test_a_raw_prompt_is_a_text_completion(fields: dict[str, Any]) -> None:
    path, asked = generated(**fields, options={"stop": "x"})

    assert path == "/v1/completions"
    assert asked["prompt"] == "hi"
    assert asked.get("suffix") == fields.get("suffix")
    assert asked["stop"] == "x"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "load"),
        ({"keep_alive": "10m"}, "load"),
        ({"keep_alive": 0}, "unload"),
        ({"keep_alive": "0s"}, "unload"),
    ],
)
def test_an_empty_request_only_loads(fields: dict[str, Any], reason: str) -> None:
    body = orjson.dumps({"model": "m", **fields})

    for found in (
        chat(body, request_id="r", created=1.0),
        generate(body, request_id="r", created=1.0),
    ):
        assert isinstance(found, Settled)
        assert orjson.loads(found.body)["done_reason"] == reason


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"template": "{{ .Prompt }}"}, "template"),
        ({"context": [1, 2]}, "context"),
        ({"width": 512}, "width"),
        ({"raw": True, "system": "x"}, "system"),
        ({"raw": True, "think": True}, "think"),
        ({"suffix": "x", "images": [JPEG]}, "images"),
        ({"images": ["R2lm"]}, "images[0]"),
        ({"options": {"mirostat": 2}}, "options.mirostat"),
        ({"options": {"num_cxt": 2}}, "options.num_cxt"),
        ({"format": "yaml"}, "format"),
        ({"frobnicate": 1}, "frobnicate"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_its_name(fields: dict[str, Any], param: str) -> None:
    body = orjson.dumps({"model": "m", "prompt": "hi", **fields})
    found = generate(body, request_id="r", created=0.0)

    assert isinstance(found, Refusal)
    assert found.param == param
    assert param in found.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [USER, {"role": "wizard", "content": "x"}]}, "messages[1].role"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]},
            "tools[0].function.parameters",
        ),
    ],
)
def test_a_chat_names_the_place_that_does_not_fit(fields: dict[str, Any], param: str) -> None:
    body = orjson.dumps({"model": "m", "messages": [USER], **fields})
    found = chat(body, request_id="r", created=0.0)

    assert isinstance(found, Refusal)
    assert found.param == param
