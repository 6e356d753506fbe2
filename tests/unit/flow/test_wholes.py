"""Wholes: what of a stream may go out, and what waits for the rest of its event."""

import pytest

from proxy.flow.wholes import MOST, MOST_ASTRAY, FramedWholes, Wholes, framed
from tests.fixtures.ends import DONE, LAST, chunk, token


@pytest.mark.parametrize(
    ("stream", "pieces", "ready"),
    [
        ("sse", [b"data: a\n\n"], [b"data: a\n\n"]),
        ("sse", [b"data: a\n\ndata: b"], [b"data: a\n\n"]),
        ("sse", [b"data: a\n", b"\ndata: b\n\n"], [b"", b"data: a\n\ndata: b\n\n"]),
        ("sse", [b"data: a\r\n\r", b"\n"], [b"", b"data: a\r\n\r\n"]),
        ("sse", [b"data: a\r\rdata: b"], [b"data: a\r\r"]),
        ("sse", [b"event: a\n", b"data: b\n", b"\n"], [b"", b"", b"event: a\ndata: b\n\n"]),
        ("ndjson", [b'{"a":1}\n{"b"', b":2}\n"], [b'{"a":1}\n', b'{"b":2}\n']),
        ("ndjson", [b"{}\n\n"], [b"{}\n\n"]),
    ],
)
def test_what_is_behind_the_last_whole_event_waits(
    stream: str, pieces: list[bytes], ready: list[bytes]
) -> None:
    wholes = Wholes(stream)

    assert [wholes.add(piece) for piece in pieces] == ready
    assert wholes.held == (sum(map(len, ready)) < sum(map(len, pieces)))


def test_a_whole_piece_is_passed_on_as_the_object_it_is() -> None:
    piece = token()

    assert Wholes("sse").add(piece) is piece


def test_an_event_too_long_to_be_held_goes_out_in_parts_and_is_told() -> None:
    wholes = Wholes("sse")
    long = b"data: " + b"x" * MOST

    assert wholes.add(long[:9]) == b""
    assert wholes.add(long[9:]) == long
    assert wholes.torn
    assert wholes.add(b"more") == b"more"
    assert wholes.add(b"end\n\ndata: b") == b"end\n\n"
    assert not wholes.torn


def test_a_stream_that_ends_well_is_sent_whole() -> None:
    wholes = Wholes("sse")
    wholes.add(b"data: a\n")

    assert wholes.end(b"data: [DONE]\n") == b"data: a\ndata: [DONE]\n"
    assert not wholes.held


def test_of_a_stream_that_does_not_only_whole_events_are_sent() -> None:
    wholes = Wholes("sse")

    assert wholes.salvage(b"data: a\n\ndata: b") == b"data: a\n\n"


def test_framing_is_kept_where_pieces_end_as_events_do() -> None:
    wholes = FramedWholes("sse")
    piece = chunk(token("a")) + chunk(token("b"))

    assert wholes.add(piece) is piece
    assert wholes.settled


def test_half_a_chunk_waits_and_goes_out_as_a_chunk_of_its_own() -> None:
    wholes = FramedWholes("sse")
    said = chunk(token("a") + token("b"))

    assert wholes.add(said[: len(token("a")) + 9]) == chunk(token("a"))
    assert not wholes.settled
    assert wholes.add(said[len(token("a")) + 9 :]) == chunk(token("b"))
    assert wholes.settled


def test_the_end_of_a_message_is_made_anew_only_if_something_was_held() -> None:
    plain, holding = FramedWholes("sse"), FramedWholes("sse")
    holding.add(b"e\r\ndata")

    assert plain.end(chunk(DONE) + LAST) == chunk(DONE) + LAST
    assert holding.end(b": [DONE]\n\n\r\n" + LAST) == chunk(DONE) + LAST


def test_a_last_chunk_never_goes_out_with_what_is_salvaged() -> None:
    wholes = FramedWholes("sse")

    assert wholes.salvage(chunk(token() + b"data: half") + LAST) == chunk(token())


def test_an_event_too_long_to_be_held_keeps_its_framing() -> None:
    wholes = FramedWholes("sse")
    said = chunk(b"data: " + b"x" * MOST + b"\n\n")

    first = wholes.add(said[:-9])
    assert (wholes.torn, wholes.settled) == (True, False)
    second = wholes.add(said[-9:])

    assert first + second == chunk(said[7:-9]) + chunk(said[-9:-2])
    assert wholes.settled


def test_a_client_inside_a_chunk_gets_the_rest_as_it_is_once_it_stands_between_two() -> None:
    wholes = FramedWholes("sse")
    said = chunk(token())
    wholes.stray()

    assert wholes.torn
    assert wholes.salvage(said[7:] + LAST) == b""
    assert wholes.add(said[7:15]) == b""
    assert wholes.torn
    assert wholes.add(said[15:]) == said[7:]
    assert wholes.settled


def test_what_is_held_for_a_client_inside_a_chunk_goes_before_the_end() -> None:
    wholes = FramedWholes("sse")
    said = chunk(token())
    wholes.stray()

    assert wholes.add(said[7:15]) == b""
    assert wholes.end(said[15:] + LAST) == said[7:] + LAST


def test_no_more_than_a_bound_is_held_for_a_client_inside_a_chunk() -> None:
    wholes = FramedWholes("sse")
    wholes.stray()

    assert wholes.add(b"x" * MOST_ASTRAY) == b""
    assert wholes.add(b"y") == b"x" * MOST_ASTRAY + b"y"
    assert wholes.torn


def test_nothing_is_no_chunk() -> None:
    assert framed(b"") == b""
    assert framed(b"abc") == b"3\r\nabc\r\n"
