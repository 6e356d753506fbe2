"""What requests say, in each dialect, and what is left out of it."""

import msgspec
import pytest

from proxy.core import bulk
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.transcript import asked
from proxy.dialects.transcript.asked import Asked
from proxy.dialects.transcript.parts import PART

PIXELS = "iVBORw0KGgo"


def read(operation: str, body: object, limit: int = 16384) -> Asked:
    return asked.read(operation, msgspec.json.encode(body), limit)


def chat(*messages: object, limit: int = 16384, **more: object) -> Asked:
    return read("chat", {"model": "m", "messages": messages, **more}, limit)


def text(said: str) -> dict[str, str]:
    return {"type": "text", "content": said}


def block(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def test_the_names_are_those_of_operations() -> None:
    assert {operation.name for operation in OPERATIONS.values()} > set(asked.READERS)


def test_a_chat_is_told_in_its_order() -> None:
    found = chat(
        {"role": "system", "content": "be short"},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
    )

    assert found == Asked(
        [
            {"role": "system", "parts": [text("be short")]},
            {"role": "user", "parts": [text("hi")]},
        ],
        [],
    )


def test_pictures_are_named_and_never_taken() -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}}
    source = {"type": "base64", "media_type": "image/png", "data": PIXELS}
    openai = chat({"role": "user", "content": [block("see"), picture]})
    anthropic = read(
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]},
    )
    lines = {"role": "user", "content": "see", "images": [PIXELS]}
    ollama = read("ollama_chat", {"messages": [lines]})
    generate = read("ollama_generate", {"prompt": "see", "images": [PIXELS]})

    assert openai.messages[0]["parts"][1] == {"type": "image_url"}
    assert anthropic.messages[0]["parts"] == [{"type": "image"}]
    assert ollama.messages[0]["parts"] == [text("see"), {"type": "image"}]
    assert generate.messages[0]["parts"] == [text("see"), {"type": "image"}]
    assert PIXELS not in str((openai, anthropic, ollama, generate))


def test_tools_are_told_in_both_dialects() -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "w", "arguments": '{"c":1}'}}
    openai = chat(
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    )
    used = {"type": "tool_use", "id": "c1", "name": "w", "input": {"c": 1}}
    result = {
        "type": "tool_result",
        "tool_use_id": "c1",
        "content": [block("rain")],
    }
    anthropic = read(
        "messages",
        {
            "messages": [
                {"role": "assistant", "content": [used]},
                {"role": "user", "content": [result]},
            ]
        },
    )

    call = {"type": "tool_call", "id": "c1", "name": "w", "arguments": '{"c":1}'}
    said = {"type": "tool_call_response", "id": "c1", "response": "rain"}
    assert [message["parts"] for message in openai.messages] == [[call], [said]]
    assert [message["parts"] for message in anthropic.messages] == [[call], [said]]


@pytest.mark.parametrize("system", ["be short", [{"type": "text", "text": "be short"}]])
def test_instructions_that_stand_apart_stay_apart(system: object) -> None:
    body = {"system": system, "messages": [{"role": "user", "content": "hi"}]}

    assert read("messages", body).system == [text("be short")]


def test_reasoning_is_told_as_such() -> None:
    found = chat({"role": "assistant", "reasoning_content": "hm", "content": "yes"})

    assert found.messages[0]["parts"] == [{"type": "reasoning", "content": "hm"}, text("yes")]


def test_prompts_of_completions_are_messages() -> None:
    assert read("completions", {"prompt": "a"}).messages == [{"role": "user", "parts": [text("a")]}]
    assert len(read("completions", {"prompt": ["a", "b"]}).messages) == 2
    tokens = read("completions", {"prompt": [1, 2]})
    assert tokens.messages == [{"role": "user", "parts": [{"type": "tokens"}]}]


def test_the_newest_messages_have_the_room() -> None:
    messages = [{"role": "user", "content": str(number) * 100} for number in range(9)]

    found = chat(*messages, limit=2 * (2 * PART + 100) + PART)

    assert [message["parts"] for message in found.messages] == [
        [text("7" * 100)],
        [text("8" * 100)],
    ]
    assert (found.omitted, found.cut) == (7, True)


def test_a_message_of_another_form_is_told_as_unreadable() -> None:
    found = chat({"role": "user", "content": 7}, {"role": "user", "content": "hi"})

    assert found.messages[0] == {"role": "user", "parts": [{"type": "unreadable"}]}
    assert found.messages[1]["parts"] == [text("hi")]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"messages":7}', b'{"messages":[', b"\xff"])
def test_a_body_of_another_form_says_nothing(body: bytes) -> None:
    found = asked.read("chat", body, 1024)

    assert (found.messages, found.unread) == ([], "the request cannot be read")


def test_what_is_too_much_to_be_read_is_not() -> None:
    body = b'{"messages":[%b]}' % b",".join([b'{"a":1}'] * (bulk.OBJECTS + 1))

    assert asked.read("chat", body, 1024) == Asked(
        [], [], unread=f"the request has over {bulk.OBJECTS} objects"
    )


def test_bytes_that_are_no_text_are_borne() -> None:
    body = b'{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":"\xff"}]}]}'

    found = asked.read("messages", body, 4096)

    assert '"\ufffd"' in str(found.messages)
