"""What counts as the first event."""

import pytest

from proxy.core.events import LIMIT, FirstEvent, FirstLine, plain_event
from tests.fixtures.recorded import NAMES, stream

CHAT = b'{"choices":[{"delta":{"content":"a"}}]}'


def fed(*pieces: bytes) -> bytes | None:
    """Return what the pieces make a fresh scanner say first."""
    scanner = FirstEvent()
    for piece in pieces:
        if (payload := scanner.feed(piece)) is not None:
            return payload
    return None


@pytest.mark.parametrize(
    "text",
    [
        b"data: %b\n\n",
        b"data:%b\n\n",
        b"data: %b\r\n\r\n",
        b"data: %b\r\r",
        b"data: %b\n\r\n",
        b": keepalive 1/1\n\ndata: %b\n\n",
        b":\r\r: ping\r\n\r\ndata: %b\n\n",
        b"\n\n\ndata: %b\n\n",
        b"retry: 100\nid: 1\ndata: %b\n\n",
        b"data:\n\ndata: \n\ndata\n\ndata: %b\n\n",
        b"\xef\xbb\xbfdata: %b\n\n",
        b"event: empty\n\ndata: %b\n\n",
    ],
)
def test_the_payload_of_the_first_event_with_data_is_found(text: bytes) -> None:
    whole = text % CHAT

    assert fed(whole) == CHAT
    assert fed(*(whole[n : n + 1] for n in range(len(whole)))) == CHAT


def test_an_event_counts_only_when_its_blank_line_is_here() -> None:
    assert fed(b"data: " + CHAT + b"\n") is None
    assert fed(b"data: " + CHAT + b"\n", b"\n") == CHAT


def test_lines_of_data_are_joined() -> None:
    assert fed(b'data: {"a":\ndata: 1}\n\n') == b'{"a":\n1}'
    assert fed(b"data: a\rdata: b\n\n") == b"a\nb"


def test_one_blank_after_the_colon_is_not_part_of_the_data() -> None:
    assert fed(b"data:  x\n\n") == b" x"


def test_later_events_do_not_matter() -> None:
    assert fed(b"data: one\n\ndata: two\n\n") == b"one"


def test_the_name_belongs_to_the_event_found() -> None:
    scanner = FirstEvent()

    assert scanner.feed(b"event: ping\n\nevent: error\ndata: {}\n\n") == b"{}"
    assert scanner.name == b"error"


def test_the_name_of_an_event_without_data_is_forgotten() -> None:
    scanner = FirstEvent()

    assert scanner.feed(b"event: error\n\ndata: {}\n\n") == b"{}"
    assert scanner.name == b""


def test_it_gives_up_after_the_limit() -> None:
    scanner = FirstEvent()

    assert scanner.feed(b": " + b"x" * (LIMIT - 2)) is None
    assert scanner.feed(b"\n") == b""
    assert scanner.feed(b"data: late\n\n") == b""


def test_an_event_beyond_the_limit_in_one_piece_is_not_found() -> None:
    scanner = FirstEvent(limit=10)

    assert scanner.feed(b"data: 0123456789\n\n") == b""


def test_it_holds_only_the_line_under_way() -> None:
    scanner = FirstEvent()
    for _ in range(1000):
        scanner.feed(b": comment\n\n")

    assert len(scanner._buffer) == 0


def test_the_first_line_of_ndjson_is_found() -> None:
    scanner = FirstLine()

    assert scanner.feed(b" \r\n\n{") is None
    assert scanner.feed(b'"done":false}\n{"done":true}\n') == b'{"done":false}'
    assert FirstLine().feed(b"\xef\xbb\xbf{}\n") == b"{}"


def test_the_first_line_gives_up_like_the_first_event() -> None:
    scanner = FirstLine(limit=4)

    assert scanner.feed(b"{1234}\n") == b""


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_stream_has_its_first_event(name: str) -> None:
    scanner = FirstLine() if "ollama" in name else FirstEvent()
    # Chunk sizes stand on lines of their own here: fields without a meaning.
    body = stream(name).split(b"\r\n", 1)[-1] if name != "mlx-chat-usage" else stream(name)
    payload = scanner.feed(body)

    if name == "llama-python-empty":
        assert payload is None
    else:
        assert payload is not None
        assert payload.startswith(b"{")
        assert payload.endswith(b"}")


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (b'data: {"a":1}\n\n', b'{"a":1}'),
        (b'data: {"a":1}\n\ndata: {"b":2}\n\n', b'{"a":1}'),
        (b'data: {"a":1}\r\n\r\n', None),  # line ends of two bytes: read line by line
        (b'data: {"a":1}\n', None),  # not whole
        (b"data: {\ndata: }\n\n", None),  # two lines
        (b"data:  \n\n", None),  # nothing in it
        (b": hello\n\n", None),
        (b"event: x\ndata: 1\n\n", None),
        (b"", None),
        (b"data: " + b"x" * LIMIT + b"\n\n", None),
    ],
)
def test_a_plain_first_event_is_recognised_at_a_glance(data: bytes, payload: bytes | None) -> None:
    assert plain_event(data) == payload
    if payload is not None:
        assert FirstEvent().feed(data) == payload
