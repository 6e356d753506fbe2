"""Pieces of an answer in the framing each client can read."""

import pytest

from proxy.core.failure import Kind, Origin
from proxy.edge.answer import Answer, verdict
from proxy.upstream.framing import ResponseHead, parse_head


def head(*fields: bytes) -> ResponseHead:
    return parse_head(b"HTTP/1.1 200 OK\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n")


CHUNKED = b"transfer-encoding: chunked"


def test_what_both_sides_frame_alike_passes_as_it_is() -> None:
    for answer in (
        Answer(head(b"content-length: 5"), http10=False),
        Answer(head(b"content-length: 5"), http10=True),
        Answer(head(CHUNKED), http10=False),
        Answer(head(), http10=True),
    ):
        assert answer.piece(b"1\r\nx\r\n") == b"1\r\nx\r\n"
        assert answer.last(b"0\r\n\r\n") == b"0\r\n\r\n"


def test_what_ends_by_closing_is_chunked() -> None:
    answer = Answer(head(), http10=False)

    assert answer.piece(b"abc") == b"3\r\nabc\r\n"
    assert answer.piece(b"") == b""
    assert answer.last(b"") == b"0\r\n\r\n"


def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    answer = Answer(head(CHUNKED), http10=True)

    assert answer.piece(b"3\r\nab") == b"ab"
    assert answer.last(b"c\r\n0\r\n\r\n") == b"c"
    assert answer.last(b"rubbish") == b""


def test_line_ends_behind_the_last_chunk_are_noticed() -> None:
    answer = Answer(head(CHUNKED), http10=False)

    assert not answer.stray(b"1\r\nx\r\n0\r\n\r\n")
    assert answer.stray(b"0\r\n\r\n\r\n")
    assert not Answer(head(b"content-length: 5"), http10=False).stray(b"x")


@pytest.mark.parametrize(("status", "origin"), [(404, Origin.CLIENT), (503, Origin.BACKEND)])
def test_an_error_is_somebodys(status: int, origin: Origin) -> None:
    failure = verdict(status)

    assert failure is not None
    assert (failure.kind, failure.origin, failure.status) == (Kind.STATUS, origin, status)
    assert verdict(399) is None
