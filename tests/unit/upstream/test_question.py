"""A question without a socket: what it makes of the bytes that come, and how it lets go."""

import asyncio
import ssl
from typing import cast

import pytest

from proxy.core.failure import Failure, Kind
from proxy.dialects.base import Reply
from proxy.upstream.framing import MAX_HEAD
from proxy.upstream.question import MAX_BODY, Question

REQUEST = b"GET /health HTTP/1.1\r\n\r\n"


class FakeTransport:
    def __init__(self) -> None:
        self.written = b""
        self.aborted = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.aborted += 1


def asked() -> tuple[Question, FakeTransport]:
    question, transport = Question(REQUEST), FakeTransport()
    question.connection_made(cast("asyncio.Transport", transport))
    return question, transport


def told(*pieces: bytes, lost: Exception | None = None, ends: bool = False) -> Reply | Failure:
    question, transport = asked()
    for piece in pieces:
        question.data_received(piece)
    if ends or lost is not None:
        question.connection_lost(lost)
    assert transport.written == REQUEST
    assert transport.aborted == 1
    return question.answer.result()


def reason(found: Reply | Failure) -> tuple[Kind, str]:
    assert isinstance(found, Failure), found
    return found.kind, found.detail


async def test_an_answer_is_whole_when_its_length_is_there() -> None:
    found = told(b"HTTP/1.1 200 OK\r\nServer: Some\r\ncontent-", b"length: 4\r\n\r\n{", b"{}}")

    assert found == Reply(
        status=200, headers={"server": "Some", "content-length": "4"}, body=b"{{}}"
    )


async def test_chunks_are_put_together() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

    found = told(head + b"2\r\n{}\r\n", b"0\r\n\r\n")

    assert isinstance(found, Reply)
    assert found.body == b"{}"


async def test_without_a_length_the_end_of_the_connection_is_the_end() -> None:
    found = told(b"HTTP/1.0 200 OK\r\n\r\n{", b"}", ends=True)

    assert isinstance(found, Reply)
    assert found.body == b"{}"


async def test_an_interim_answer_is_passed_over() -> None:
    final = b"HTTP/1.1 204 No Content\r\nb: 2\r\n\r\n"

    found = told(b"HTTP/1.1 103 Early Hints\r\na: 1\r\n\r\n", final)

    assert found == Reply(status=204, headers={"b": "2"})


@pytest.mark.parametrize(
    ("pieces", "lost", "kind", "detail"),
    [
        ((b"SSH-2.0-x\r\n",), None, Kind.BAD_RESPONSE, "not HTTP"),
        ((b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 203,), None, Kind.BAD_RESPONSE, "not HTTP"),
        ((b"HTTP/1.1 200 OK\r\na: " + b"b" * MAX_HEAD,), None, Kind.BAD_RESPONSE, "not HTTP"),
        ((b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",), None,
         Kind.BAD_RESPONSE, "not HTTP"),
        ((b"HTTP/1.1 200 OK\r\n\r\n", b"x" * (MAX_BODY + 1)), None,
         Kind.BAD_RESPONSE, f"answer over {MAX_BODY} bytes"),
        ((b"HTTP/1.1 200",), None, Kind.CLOSED, "closed without an answer"),
        ((b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}",), None,
         Kind.CLOSED, "closed within the answer"),
        ((b"HTTP/1.1 200 OK\r\n\r\n{}",), OSError("x"), Kind.CLOSED, "closed within the answer"),
        ((), ConnectionResetError(), Kind.CLOSED, "reset"),
        ((), ssl.SSLError(1, "x"), Kind.CONNECT_TLS, "the TLS handshake failed (without a reason)"),
    ],
)  # fmt: skip
async def test_why_there_is_no_answer(
    pieces: tuple[bytes, ...], lost: Exception | None, kind: Kind, detail: str
) -> None:
    question, transport = asked()
    for piece in pieces:
        question.data_received(piece)
    question.connection_lost(lost)

    assert reason(question.answer.result()) == (kind, detail)
    assert transport.aborted == 1


async def test_who_does_not_wait_any_more_lets_go() -> None:
    question, transport = asked()
    question.answer.cancel()

    question.close()
    question.close()
    question.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    assert transport.aborted == 1
