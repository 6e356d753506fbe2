"""What all turns of a chat have in common, in every shape a chat has."""

from typing import Any

import msgspec
import pytest

from proxy.core.conversation import LONGEST, fingerprint

SYSTEM = {"role": "system", "content": "Be brief."}
FIRST = {"role": "user", "content": "Hello"}
LATER = [{"role": "assistant", "content": "Hi."}, {"role": "user", "content": "And you?"}]


def of(**body: Any) -> str | None:
    return fingerprint(msgspec.json.encode({"model": "m", **body}))


def test_every_turn_of_a_chat_has_the_fingerprint_of_its_first() -> None:
    first = of(messages=[SYSTEM, FIRST])

    assert first is not None
    assert of(messages=[SYSTEM, FIRST, *LATER], stream=True, temperature=0.1) == first


@pytest.mark.parametrize(
    "other",
    [
        [SYSTEM, {"role": "user", "content": "Hallo"}],
        [{"role": "system", "content": "Be long."}, FIRST],
        [FIRST],
    ],
)
def test_another_beginning_is_another_chat(other: list[object]) -> None:
    assert of(messages=other) not in {None, of(messages=[SYSTEM, FIRST])}


def test_anthropics_instructions_stand_beside_the_messages() -> None:
    one = of(system="Be brief.", messages=[FIRST])

    assert one is not None
    assert of(system="Be long.", messages=[FIRST]) != one
    assert of(system=[{"type": "text", "text": "Be brief."}], messages=[FIRST, *LATER]) == one


def test_a_mark_that_moves_from_turn_to_turn_changes_nothing() -> None:
    part = {"type": "text", "text": "Hello"}
    marked = {**part, "cache_control": {"type": "ephemeral"}}

    assert of(messages=[{"role": "user", "content": [marked]}]) == of(
        messages=[{"role": "user", "content": [part]}, *LATER]
    )


def test_an_image_has_no_text_and_does_no_harm() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}

    assert of(messages=[{"role": "user", "content": [image]}]) is not None


def test_the_input_of_responses_is_a_text_or_turns() -> None:
    text = of(instructions="Be brief.", input="Hello")

    assert text is not None
    assert of(instructions="Be brief.", input=[FIRST, *LATER]) == text
    assert of(input="Hello") != text


def test_only_the_beginning_of_a_long_text_counts() -> None:
    long = "word " * 5000

    assert of(messages=[{"role": "user", "content": long}]) == of(
        messages=[{"role": "user", "content": long + "!"}]
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"messages":[]}',
        b'{"messages":[{"role":"assistant","content":"x"}]}',
        b'{"messages":{"role":"user"}}',
        b'{"messages":[1]}',
        b'{"messages":[{"role":"user","content":7}]}',
        b'{"input":7}',
        b'{"input":[["x"],2,"one two"]}',
        b'{"prompt":"once upon a time"}',
        b'\xff{"messages":[]}',
        b'{"messages":' + b"[" * 100_000,
        b'{"messages":[{"role":"user","content":"\\ud800"}]}',  # half a character
    ],
)
def test_what_is_no_chat_has_no_fingerprint(body: bytes) -> None:
    assert fingerprint(body) is None


def test_a_huge_body_is_not_read() -> None:
    assert of(messages=[FIRST], padding="x" * LONGEST) is None
