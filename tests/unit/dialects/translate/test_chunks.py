"""Answers are read for what matters, whatever else engines put in."""

import pytest

from proxy.dialects.translate.chunks import Choice, Function, Usage, read
from tests.fixtures.translate import upstream


@pytest.mark.parametrize("name", ["vllm-chat", "vllm-tools", "llama-chat", "sglang-chat"])
def test_plain_answers_of_engines(name: str) -> None:
    answer = read(upstream.recorded(f"{name}.json"))

    assert answer is not None
    assert answer.choices
    assert answer.choices[0].message is not None
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 0


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"choices":[1]}', b"\xff", b"[" * 100_000])
def test_what_is_no_answer(payload: bytes) -> None:
    assert read(payload) is None


def test_tokens_from_the_cache_are_never_more_than_all() -> None:
    answer = read(b'{"usage":{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":9}}}')

    assert answer is not None
    assert answer.usage is not None
    assert answer.usage.cached == 3
    assert Usage().cached == 0


def test_reasoning_tokens_under_either_name() -> None:
    nested = read(b'{"usage":{"completion_tokens_details":{"reasoning_tokens":4}}}')
    flat = read(b'{"usage":{"reasoning_tokens":5,"completion_tokens_details":null}}')

    assert nested is not None
    assert flat is not None
    assert nested.usage is not None
    assert flat.usage is not None
    assert (nested.usage.reasoning, flat.usage.reasoning) == (4, 5)


def test_decoded_arguments_become_text() -> None:
    assert Function(arguments={"a": 1}).text == '{"a":1}'
    assert Function(arguments='{"a" :1}').text == '{"a" :1}'
    assert Function().text == ""


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(stop_reason="END"), "END"),
        (Choice(matched_stop="END"), "END"),
        (Choice(stop_reason=7, matched_stop=2), None),
        (Choice(), None),
    ],
)
def test_the_stop_text_that_matched(choice: Choice, expected: str | None) -> None:
    assert choice.stopped_at == expected
