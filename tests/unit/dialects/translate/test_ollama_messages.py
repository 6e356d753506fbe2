"""Ollama's messages become OpenAI's, with ids where calls need them."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.ollama_messages import Message, messages

PNG = "iVBORw0KGgo="


def translated(*turns: dict[str, Any]) -> list[dict[str, Any]]:
    return messages(msgspec.json.decode(msgspec.json.encode(turns), type=list[Message]))


def called(*names: str, **fields: Any) -> dict[str, Any]:
    calls = [{"function": {"name": name, "arguments": {"n": 1}}, **fields} for name in names]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def result(content: str, **fields: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, **fields}


def test_calls_and_results_are_matched_by_name_and_else_in_order() -> None:
    assistant, b, a, c = translated(
        called("a", "b", "b"),
        result("of b", tool_name="b"),
        result("of a", name="a"),
        result("of the rest"),
    )

    assert [call["id"] for call in assistant["tool_calls"]] == ["call_1", "call_2", "call_3"]
    assert assistant["tool_calls"][0]["function"] == {"name": "a", "arguments": '{"n":1}'}
    assert assistant["content"] is None
    assert [one["tool_call_id"] for one in (b, a, c)] == ["call_2", "call_1", "call_3"]


def test_ids_that_are_given_stay() -> None:
    assistant, answer = translated(called("a", id="x"), result("1", tool_call_id="x"))

    assert assistant["tool_calls"][0]["id"] == answer["tool_call_id"] == "x"


@pytest.mark.parametrize("fields", [{}, {"tool_name": "b"}, {"tool_call_id": "y"}])
def test_a_result_without_a_call_is_refused(fields: dict[str, Any]) -> None:
    turns = [called("a", id="x"), result("1", tool_call_id="x"), result("2", **fields)]

    with pytest.raises(Uncarried) as verdict:
        translated(*turns)
    assert verdict.value.refusal.param == "messages[2]"


def test_images_and_thinking() -> None:
    user, assistant = translated(
        {"role": "user", "content": "look", "images": [PNG]},
        {"role": "assistant", "content": "ok", "thinking": "Hm."},
    )

    assert [part["type"] for part in user["content"]] == ["text", "image_url"]
    assert assistant["reasoning_content"] == assistant["reasoning"] == "Hm."


def test_images_of_a_tool_are_refused() -> None:
    with pytest.raises(Uncarried, match="images"):
        translated(called("a"), result("1", images=[PNG]))
