"""Framing: what a response head says, which heads are refused, and chunk framing taken off."""

import pytest

from proxy.upstream.framing import (
    SOME,
    BadResponse,
    Dechunker,
    Framing,
    only_chunks,
    parse_head,
)


def head(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join((start, *lines)) + b"\r\n\r\n"


def test_a_head_is_read_and_its_end_to_end_fields_are_kept() -> None:
    found = parse_head(
        head(
            b"Content-Type: text/event-stream; charset=utf-8",
            b"Content-Length: 12",
            b"Connection: keep-alive, X-Hop",
            b"X-Hop: 1",
            b"X-Kept: a  b ",
            b"Retry-After: 7",
        )
    )

    assert (found.status, found.reason) == (200, b"OK")
    assert (found.framing, found.length) == (Framing.LENGTH, 12)
    assert found.keep_alive
    assert found.stream == "sse"
    assert found.content_type == b"text/event-stream; charset=utf-8"
    assert found.retry_after == 7.0
    assert not found.http10
    assert b"x-kept: a  b" in found.fields
    assert b"x-hop" not in found.fields
    assert b"content-length" not in found.fields


@pytest.mark.parametrize(
    ("raw", "framing", "keep_alive"),
    [
        (head(b"transfer-encoding: chunked"), Framing.CHUNKED, True),
        (head(b"transfer-encoding: Chunked", b"connection: close"), Framing.CHUNKED, False),
        (head(b"content-length: 0"), Framing.NONE, True),
        (head(), Framing.EOF, False),
        (head(b"connection: keep-alive"), Framing.EOF, False),
        (head(start=b"HTTP/1.1 204 No Content"), Framing.NONE, True),
        (head(b"content-length: 9", start=b"HTTP/1.1 304 X"), Framing.NONE, True),
        (head(b"content-length: 2", start=b"HTTP/1.0 200 OK"), Framing.LENGTH, False),
        (
            head(b"content-length: 2", b"connection: keep-alive", start=b"HTTP/1.0 200 OK"),
            Framing.LENGTH,
            True,
        ),
    ],
)
def test_the_end_of_a_body_is_known_by_the_head(
    raw: bytes, framing: Framing, keep_alive: bool
) -> None:
    found = parse_head(raw)

    assert found.framing is framing
    assert found.keep_alive is keep_alive


@pytest.mark.parametrize(
    ("value", "stream"),
    [
        (b"application/x-ndjson", "ndjson"),
        (b"TEXT/Event-Stream", "sse"),
        (b"application/json", ""),
        (b"text/event-streams", ""),
    ],
)
def test_streams_are_known_by_their_type(value: bytes, stream: str) -> None:
    assert parse_head(head(b"content-type: " + value)).stream == stream


@pytest.mark.parametrize("value", [b"Wed, 21 Oct 2026 07:28:00 GMT", b"-1", b"1e3", b"9999999"])
def test_a_retry_after_that_is_no_small_number_is_none(value: bytes) -> None:
    assert parse_head(head(b"retry-after: " + value)).retry_after is None


@pytest.mark.parametrize(
    "raw",
    [
        head(b"content-length: 3", b"transfer-encoding: chunked"),
        head(b"content-length: 3", b"content-length: 4"),
        head(b"content-length: 3, 3"),
        head(b"content-length: +3"),
        head(b"content-length: 0x3"),
        head(b"content-length: "),
        head(b"transfer-encoding: gzip, chunked"),
        head(b"transfer-encoding: identity"),
        head(b"x: a\x00b"),
        head(b"x: a\x01b"),
        head(b"x y: z"),
        head(b": z"),
        head(*[b"x: y"] * 201),
        head(b"upgrade: h2c", b"connection: upgrade", start=b"HTTP/1.1 101 X"),
        head(start=b"HTTP/1.1 101 X"),
        head(start=b"HTTP/1.1 OK"),
        head(start=b"HTP/1.1 200 OK"),
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_a_head_that_must_not_reach_a_client_is_refused(raw: bytes) -> None:
    with pytest.raises(BadResponse) as raised:
        parse_head(raw)
    assert str(raised.value)


@pytest.mark.parametrize("reason", [b"\xc3\xa9", b"O\x00K", b"O\x0bK", b"\x1b[31m", b"\x7f"])
def test_a_reason_that_is_not_visible_ascii_is_left_out(reason: bytes) -> None:
    found = parse_head(head(start=b"HTTP/1.1 200 " + reason))

    assert found.reason == b""
    assert found.start.startswith(b"HTTP/1.1 200 \r\n")


def test_chunks_are_decoded_wherever_they_are_cut() -> None:
    raw = b"5;x=y\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nx-a: 1\r\n\r\n"
    for size in range(1, len(raw)):
        decoder = Dechunker()
        decoded = [decoder.feed(raw[i : i + size]) for i in range(0, len(raw), size)]
        assert b"".join(decoded) == b"hello world"
        assert decoder.complete


def test_what_follows_the_last_chunk_is_not_part_of_the_body() -> None:
    decoder = Dechunker()

    more = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
    assert decoder.feed(b"2\r\nok\r\n0\r\n\r\n" + more) == b"ok"
    assert decoder.feed(b"more") == b""


def test_bad_chunk_framing_is_an_error() -> None:
    decoder = Dechunker()
    decoder.feed(b"2\r\nok\r\n")

    with pytest.raises(BadResponse):
        decoder.feed(b"zz\r\n")


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        (b"5\r\nhello\r\n", b"hello"),
        (b"A\r\n0123456789\r\n", b"0123456789"),
        (b"5\r\nhello\r\n0\r\n\r\n", None),
        (b"5\r\nhello\r\n6\r\n world\r\n", b"hello world"),
        (b"5\r\nhello\r\n6\r\n worl", None),
        (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", None),
        (b"1\r\n-\r\n" * SOME, b"-" * SOME),
        (b"1\r\n-\r\n" * (SOME + 1), None),
        (b"5\r\nhel", None),
        (b"5;name=value\r\nhello\r\n", None),
        (b"0\r\n\r\n", None),
        (b"\r\n", None),
        (b"", None),
    ],
)
def test_only_whole_chunks_are_taken_apart_by_hand(raw: bytes, data: bytes | None) -> None:
    assert only_chunks(raw) == data


def test_what_an_engines_kind_hides_is_cut() -> None:
    found = parse_head(head(b"x-olla-id: 1", b"x-b: 1"), frozenset({b"x-olla-*"}))

    assert found.fields == b"x-b: 1\r\n"
    assert b"x-olla" not in found.start
