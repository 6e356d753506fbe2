"""The raw client connection, fed by hand."""

import asyncio
from typing import Any

from typing_extensions import override

from benchmarks.driver.client import Connection

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.aborted = False

    @override
    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    @override
    def is_closing(self) -> bool:
        return self.aborted

    @override
    def abort(self) -> None:
        self.aborted = True


class Ends:
    """Counts the ends it is told of."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def __call__(self, line: Connection) -> None:
        self.failures.append(line.failure)


def connected() -> tuple[Connection, Wire, Ends]:
    line, wire = Connection(), Wire()
    line.connection_made(wire)
    return line, wire, Ends()


def test_an_answer_ends_once_and_is_stamped() -> None:
    line, wire, ends = connected()

    line.send(b"request", ends)
    line.data_received(WHOLE)

    assert wire.sent == [b"request"]
    assert ends.failures == [""]
    assert (line.status, line.complete, line.body_bytes) == (200, True, 5)
    assert line.sent_ns <= line.first_ns == line.last_ns


def test_pieces_are_kept_without_framing_when_asked() -> None:
    line, _, ends = connected()

    line.send(b"request", ends, keep=True)
    for data in (HEAD, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"):
        line.data_received(data)

    assert [piece for _, piece in line.pieces] == [b"abc", b"de"]
    assert line.segments == 3
    assert ends.failures == [""]


def test_the_next_request_may_be_sent_from_the_end_of_the_last() -> None:
    line, wire, ends = connected()

    line.send(b"first", lambda one: one.send(b"second", ends))
    line.data_received(WHOLE)
    line.data_received(WHOLE)

    assert wire.sent == [b"first", b"second"]
    assert ends.failures == [""]


def test_a_cut_answer_is_a_failure() -> None:
    line, _, ends = connected()

    line.send(b"request", ends)
    line.data_received(HEAD + b"3\r\nabc\r\n")
    line.connection_lost(None)

    assert ends.failures == ["closed in the middle of the answer"]
    assert not line.complete


def test_no_answer_is_a_failure() -> None:
    line, _, ends = connected()

    line.send(b"request", ends)
    line.connection_lost(ConnectionResetError("reset"))

    assert ends.failures == ["closed before the answer: reset"]


def test_bytes_that_are_no_answer_are_a_failure() -> None:
    line, _, ends = connected()

    line.send(b"request", ends)
    line.data_received(b"hello there\r\n\r\n")

    assert ends.failures[0].startswith("bad answer")


def test_sending_on_a_closed_connection_fails_at_once() -> None:
    line, wire, ends = connected()
    wire.aborted = True

    line.send(b"request", ends)

    assert ends.failures == ["the connection was closed before the request"]
    assert wire.sent == []


def test_hanging_up_calls_nobody() -> None:
    line, wire, ends = connected()

    line.send(b"request", ends)
    stamp = line.hang_up()
    line.connection_lost(None)

    assert wire.aborted
    assert stamp >= line.sent_ns
    assert ends.failures == []


def test_each_read_with_body_bytes_is_reported() -> None:
    line, _, ends = connected()
    seen: list[int] = []

    line.send(b"request", ends, on_piece=lambda one: seen.append(one.body_bytes))
    for data in (HEAD, b"3\r\nabc\r\n", b"2\r\nde\r\n"):
        line.data_received(data)

    assert seen == [3, 5]
