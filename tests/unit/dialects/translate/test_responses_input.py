"""Input items become messages: a turn of the model's is put together, all else stays apart."""

from typing import Any

import msgspec
import orjson
import pytest

from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.responses_input import Conversation

CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"n": 1}'}
CALLED = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"n": 1}'}}
IMAGE = {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"}


def translated(*items: dict[str, Any], instructions: str | None = None) -> list[dict[str, Any]]:
    conversation = Conversation(instructions)
    for number, item in enumerate(items):
        conversation.add(msgspec.Raw(orjson.dumps(item)), f"input[{number}]")
    return conversation.finish()


def said(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def test_a_turn_of_the_model_is_one_message() -> None:
    reasoning = {
        "type": "reasoning",
        "id": "rs",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }
    text = {
        "type": "message",
        "id": "m",
        "status": "completed",
        **said(
            "assistant",
            [{"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}],
        ),
    }
    output = {"type": "function_call_output", "call_id": "a", "output": "21"}
    found = translated(said("user", "hi"), reasoning, text, CALL, output)

    assert found == [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "Hm.",
            "reasoning": "Hm.",
            "tool_calls": [CALLED],
        },
        {"role": "tool", "tool_call_id": "a", "content": "21"},
    ]


def test_parallel_calls_stand_in_one_message() -> None:
    first, *results = translated(
        CALL,
        {**CALL, "call_id": "b"},
        {"type": "function_call_output", "call_id": "b", "output": "2"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
    )

    assert [call["id"] for call in first["tool_calls"]] == ["a", "b"]
    assert first["content"] is None
    assert [one["tool_call_id"] for one in results] == ["b", "a"]


def test_what_the_system_says_first_is_one_message() -> None:
    found = translated(
        said("developer", "A"), said("user", "x"), said("system", "B"), instructions="I"
    )

    assert found == [said("system", "I\n\nA"), said("user", "x"), said("system", "B")]


def test_images_of_results_follow_the_results() -> None:
    output = [{"type": "input_text", "text": "shot"}, IMAGE]
    _, first, second, images, user = translated(
        CALL,
        {"type": "function_call_output", "call_id": "a", "output": output},
        {"type": "function_call_output", "call_id": "b", "output": [IMAGE]},
        said("user", "Now?"),
    )

    assert first["content"] == "shot"
    assert second["role"] == "tool"
    assert [part["type"] for part in images["content"]] == ["text", "image_url"] * 2
    assert user == said("user", "Now?")


def test_images_and_audio() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    (found,) = translated(said("user", [{"type": "input_text", "text": "a"}, IMAGE, sound]))

    assert found["content"] == [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        sound,
    ]


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "computer_call"}, "input[0].type"),
        ({"type": "custom_tool_call", "call_id": "a"}, "input[0].type"),
        (said("user", [{"type": "input_file", "file_id": "f"}]), "input[0].content[0]"),
        (said("user", [{"type": "input_image", "file_id": "f"}]), "input[0].content[0]"),
        (said("assistant", [IMAGE]), "input[0]"),
        (said("wizard", "x"), "input[0].role"),
        ({**CALL, "surprise": 1}, "input[0].surprise"),
        ({"type": "function_call", "name": "f"}, "input[0]"),
    ],
)
def test_what_has_no_place_is_refused(item: dict[str, Any], param: str) -> None:
    with pytest.raises(Uncarried) as verdict:
        translated(item)

    assert verdict.value.refusal.param == param
