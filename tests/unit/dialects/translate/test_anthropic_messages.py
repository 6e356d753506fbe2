"""Turns of blocks become messages of one role, and nothing of them is lost."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.translate.anthropic_messages import Message, System, messages
from proxy.dialects.translate.base import Uncarried

PNG = "iVBORw0KGgoAAA=="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
IMAGE_PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


def translated(*turns: dict[str, Any], system: Any = None) -> list[dict[str, Any]]:
    first = msgspec.convert(system, str | list[System] | None)
    raw = msgspec.json.encode(list(turns))
    return messages(first, msgspec.json.decode(raw, type=list[Message]))


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def result(**fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "call_a", **fields}


@pytest.mark.parametrize("system", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_the_system_prompt_comes_first(system: Any) -> None:
    assert translated({"role": "user", "content": "hi"}, system=system) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]


def test_text_alone_is_one_string() -> None:
    assert translated(user(text("a"), text("b"))) == [{"role": "user", "content": "a\n\nb"}]


def test_images_in_the_request_and_elsewhere() -> None:
    far = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}

    assert translated(user(text("a"), IMAGE, far)) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                IMAGE_PART,
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
            ],
        }
    ]


def test_an_image_alone_is_not_lost() -> None:
    assert translated(user(IMAGE)) == [{"role": "user", "content": [IMAGE_PART]}]


def test_a_document_of_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Body."}
    document = {"type": "document", "source": source, "title": "Title", "context": "From me"}

    assert translated(user(document))[0]["content"] == "Title\n\nFrom me\n\nBody."


def test_an_assistants_turn() -> None:
    raw = (
        b'[{"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"s"},'
        b'{"type":"redacted_thinking","data":"x"},{"type":"text","text":"I look."},'
        b'{"type":"tool_use","id":"call_a","name":"weather","input":{ "city":"R\\u00f6m", "n":1.0}}'
        b"]}]"
    )

    assert messages(None, msgspec.json.decode(raw, type=list[Message])) == [
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "Hm.",
            "reasoning": "Hm.",
            "tool_calls": [
                {
                    "id": "call_a",
                    "type": "function",
                    "function": {
                        "name": "weather",
                        "arguments": '{ "city":"R\\u00f6m", "n":1.0}',
                    },
                }
            ],
        }
    ]


def test_calls_without_text_have_null_content() -> None:
    use = {"type": "tool_use", "id": "call_a", "name": "f", "input": {}}
    (message,) = translated({"role": "assistant", "content": [use]})

    assert message["content"] is None


def test_results_come_before_the_rest_of_a_turn() -> None:
    turn = user(text("Now?"), result(content="21"), result(tool_use_id="call_b", content=None))

    assert translated(turn) == [
        {"role": "tool", "tool_call_id": "call_a", "content": "21"},
        {"role": "tool", "tool_call_id": "call_b", "content": ""},
        {"role": "user", "content": "Now?"},
    ]


def test_a_result_that_is_an_error_says_so() -> None:
    assert translated(user(result(content="no net", is_error=True)))[0]["content"] == (
        "Error: no net"
    )


def test_images_of_results_follow_the_results() -> None:
    turn = user(result(content=[text("shot"), IMAGE]), result(tool_use_id="b", content=[IMAGE]))
    first, second, rest = translated(turn)

    assert (first["content"], second["tool_call_id"]) == ("shot", "b")
    assert second["content"]
    assert [part["type"] for part in rest["content"]] == ["text", "image_url"] * 2
    assert "call_a" in rest["content"][0]["text"]


@pytest.mark.parametrize(
    ("turn", "param"),
    [
        ({"role": "assistant", "content": [IMAGE]}, "messages[0].content[0]"),
        (user({"type": "tool_use", "id": "a", "name": "f", "input": {}}), "messages[0].content[0]"),
        (
            user(text("a"), {**IMAGE, "source": {**IMAGE["source"], "data": '"}'}}),  # type: ignore[dict-item]
            "messages[0].content[1].source",
        ),
        (
            user(
                {
                    "type": "document",
                    "source": {"type": "text", "data": "x"},
                    "citations": {"enabled": True},
                }
            ),
            "messages[0].content[0].citations",
        ),
    ],
)
def test_what_has_no_place_is_refused(turn: dict[str, Any], param: str) -> None:
    with pytest.raises(Uncarried) as verdict:
        translated(turn)

    assert verdict.value.refusal.param == param
