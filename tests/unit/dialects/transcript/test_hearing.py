"""Hearing an answer: however it is cut on its way, and however long it is."""

import pytest

from proxy.dialects.transcript import hearing
from proxy.dialects.transcript.hearing import Hearing

SSE = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n'
WHOLE = b'{"choices":[{"message":{"content":"one two"}}]}'
LINES = b'{"message":{"content":"one"}}\n{"message":{"content":" two"},"done":true}\n'
EVENTS = SSE % b"one" + b": a comment\n\n" + SSE % b" two" + b"data: [DONE]\n\n"


def words(heard: Hearing) -> str:
    return "".join(part["content"] for message in heard.messages() for part in message["parts"])


@pytest.mark.parametrize(
    ("operation", "stream", "body"),
    [("chat", "sse", EVENTS), ("chat", "", WHOLE), ("ollama_chat", "ndjson", LINES)],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_pieces_of_any_size_say_the_same(
    operation: str, stream: str, body: bytes, size: int
) -> None:
    heard = Hearing(operation, 4096, stream)
    for at in range(0, len(body), size):
        heard.feed(body[at : at + size])

    assert words(heard) == "one two"
    assert not heard.cut
    assert not heard.unread


def test_what_was_left_out_is_known() -> None:
    heard = Hearing("chat", 100, "sse")
    for _ in range(100):
        heard.feed(SSE % b"one")

    assert heard.cut
    assert len(words(heard)) < 100


@pytest.mark.parametrize(
    ("stream", "words"), [("", "bytes"), ("ndjson", "in one event"), ("sse", "in one event")]
)
def test_what_is_too_long_is_let_go(
    stream: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "MOST", 100)
    heard = Hearing("chat", 4096, stream)

    heard.feed(b"data: " + b"x" * 60)
    heard.feed(b"x" * 60)
    heard.feed(b"x" * 60)

    assert heard.unread.startswith("the answer has over 100 bytes")
    assert words in heard.unread
    assert heard.messages() == []


def test_a_reader_that_leaves_early_still_gets_what_there_is() -> None:
    heard = Hearing("chat", 4096, "sse")
    heard.feed(SSE % b"one" + b'data: {"choi')

    assert words(heard) == "one"
