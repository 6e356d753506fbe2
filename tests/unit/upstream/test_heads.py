"""Heads: what is recognised, what is parsed anew, and how long the body is."""

import pytest

from proxy.upstream.framing import BadResponse, ResponseHead, parse_head
from proxy.upstream.heads import MOST, recognise
from tests.fixtures.ends import head


class Parsed:
    """Fulfils `Heads`, and counts what had to be parsed."""

    def __init__(self) -> None:
        self.heads: dict[tuple[bytes, bytes], ResponseHead] = {}
        self.times = 0

    def head_of(self, raw: bytes) -> ResponseHead:
        self.times += 1
        return parse_head(raw)


def test_heads_that_differ_in_length_and_id_are_parsed_once() -> None:
    known = Parsed()

    for number in (3, 40):
        length = b"content-length: %d" % number
        found = recognise(known, head(200, b"x-request-id: %d" % number, length))
        assert found[1] == number

    assert known.times == 1


@pytest.mark.parametrize(
    "fields",
    [
        (b"x-a: 1", b"content-length: 3"),
        (b"content-length: 3", b"x-request-id: a\nx: b"),
        (b"content-length: 03 ",),
    ],
)
def test_a_head_that_differs_elsewhere_is_parsed(fields: tuple[bytes, ...]) -> None:
    known = Parsed()
    recognise(known, head(200, b"content-length: 3"))

    try:
        recognise(known, head(200, *fields))
    except BadResponse:
        pass

    assert known.times == 2


def test_only_a_body_with_a_length_has_one() -> None:
    known = Parsed()

    assert recognise(known, head(204))[1] == -1
    assert recognise(known, head(200, b"transfer-encoding: chunked"))[1] == -1
    assert recognise(known, head(200, b"content-length: 0"))[1] == -1


def test_few_are_remembered() -> None:
    known = Parsed()

    for number in range(3 * MOST):
        recognise(known, head(200, b"date: %d" % number, b"content-length: 1"))

    assert 0 < len(known.heads) <= MOST
