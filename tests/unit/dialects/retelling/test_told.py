"""Hearing a stream in its caller's dialect: what passes, what is kept, how another goes on."""

import pytest

from proxy.dialects.retelling.told import Told
from tests.fixtures.retold import (
    MESSAGES,
    PATHS,
    gone_on,
    heard,
    native,
    read,
    translator,
    words,
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_an_undisturbed_stream_passes_byte_for_byte(path: str, size: int) -> None:
    said = native(path, ["one", " two"])
    told = heard(path)

    got = b"".join(told.feed(said[at : at + size]) for at in range(0, len(said), size))

    assert got == said
    assert told.done
    assert (told.tokens_in, told.tokens_out) == (9, 2)
    assert not told.objection


@pytest.mark.parametrize("path", PATHS)
def test_its_text_and_tokens_are_known_when_it_breaks_off(path: str) -> None:
    said = native(path, ["one", " two", " three"])
    told = heard(path, said[: said.index(b"three") + 3])

    assert (told.said, told.tokens) == ("one two", 2)
    assert not told.complete


@pytest.mark.parametrize("path", PATHS)
def test_white_space_at_the_end_is_not_said_twice(path: str) -> None:
    said = native(path, ["one", " ", "two"])
    cut = said[: said.index(b"two")]
    told = heard(path, cut)

    got = words(path, read(path, heard(path).feed(cut) + gone_on(path, told, [" two"])))

    assert told.said == "one"
    assert got == "one two"


@pytest.mark.parametrize("path", PATHS)
def test_a_text_longer_than_is_kept_is_not_gone_on_with(path: str) -> None:
    said = native(path, ["x" * 3000])
    told = heard(path, said, room=2000)

    assert "limits.continuation" in told.objection
    assert not told.said


@pytest.mark.parametrize("path", PATHS)
def test_an_error_ends_the_engines_part_and_does_not_pass(path: str) -> None:
    said = native(path, ["one", " two"])
    at = said.index(b" two")
    before = said[: said.rindex(b"\n", 0, said.rindex(b"{", 0, at)) + 1].removesuffix(b"event: ")
    end = max(before.rfind(b"\n\n") + 2, 0) if path != "/api/chat" else len(before)
    told = heard(path)
    told.feed(before[:end])
    error = b'{"error":{"message":"boom"}}'

    assert told.feed(error + b"\n" if path == "/api/chat" else b"data: %b\n\n" % error) == b""
    assert told.error is not None
    assert told.error.message == "boom"
    told.break_off()
    assert told.error is None
    assert told.said == "one"


@pytest.mark.parametrize("path", PATHS)
def test_what_cannot_be_read_passes_and_binds(path: str) -> None:
    told = heard(path, native(path, ["one"])[:1])
    event = b"{no json\n" if path == "/api/chat" else b"data: {no json\n\n"

    assert told.feed(event) == event
    assert "cannot be read" in told.objection


def test_a_text_at_its_limit_is_ended_by_the_translator() -> None:
    said = native(MESSAGES, ["one", " two"])
    told = heard(MESSAGES, said[: said.index(b"event: content_block_stop")], most=2)
    answer = translator(MESSAGES)

    splice = told.retell(answer, 1.0)

    assert not told.complete
    assert splice.complete
    ended = read(MESSAGES, answer.feed(splice.closing()) + answer.end())
    assert [event["type"] for event in ended] == [
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert ended[1]["delta"]["stop_reason"] == "max_tokens"
    assert ended[1]["usage"]["output_tokens"] == 2


def test_every_request_fits_unless_its_dialect_says_otherwise() -> None:
    assert Told.fits(b"anything")
