"""Bytes that are no request: the words say what was sent, not what the parser stumbled over."""

import pytest
from aiohttp.http import HttpProcessingError

from proxy.core.failure import Kind
from proxy.edge.unreadable import unreadable
from tests.fixtures.client_end import ClientEnd


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
        (b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"a" * 50, "TLS"),
        (b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", "METHOD /path HTTP/1.1"),
        (b"GET / HTTP/1.1\nHost: x\n\n", "CR LF"),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", "Invalid header token"),
        (b"GET / HTTP/1.1\r\nA: %b\r\n\r\n" % (b"b" * 9000), "over 8190 bytes"),
    ],
)
async def test_the_answer_names_what_was_sent(sent: bytes, said: str) -> None:
    client = ClientEnd()
    client.send(sent)

    assert said.encode() in client.answer.body


def test_too_many_fields_are_a_head_that_is_too_large() -> None:
    error = HttpProcessingError(code=400, message="Too many headers received")

    assert unreadable(error).kind is Kind.HEAD_TOO_LARGE
