"""The model goes on with the caller's words."""

from typing import Any

import pytest

from proxy.dialects.translate.prefill import continued, prefilled

USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], ""),
        ([USER], ""),
        ([USER, {"role": "assistant", "content": "Once"}], "Once"),
        ([{"role": "assistant", "content": "Once"}, USER], ""),
        ([USER, {"role": "assistant", "content": None, "tool_calls": [{}]}], ""),
        ([USER, {"role": "assistant", "content": "I look.", "tool_calls": [{}]}], ""),
    ],
)
def test_whose_words_are_last(messages: list[dict[str, Any]], words: str) -> None:
    assert prefilled(messages) == words


def test_engines_are_told_to_go_on() -> None:
    assert continued("Once") == {"continue_final_message": True, "add_generation_prompt": False}
    assert continued("") == {}
