"""Load shapes over connections without a network."""

import asyncio
import re
from typing import Any

from typing_extensions import override

from benchmarks.driver.client import Connection
from benchmarks.driver.load import Lines, Tally, read_stamps

STAMP = re.compile(rb'"stamp_ns":(\d+)')
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
FAILED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def event(stamp: int) -> bytes:
    return b'data: {"stamp_ns":%d}\n\n' % stamp


class Echo(asyncio.Transport):
    """Answers every request on the next turn of the loop."""

    def __init__(self, line: Connection, answer: bytes) -> None:
        super().__init__()
        self.line = line
        self.answer = answer
        self.requests = 0

    @override
    def write(self, data: Any) -> None:
        self.requests += 1
        asyncio.get_running_loop().call_soon(self.line.data_received, self.answer)

    @override
    def is_closing(self) -> bool:
        return False

    @override
    def abort(self) -> None:
        pass


def lines(count: int, answer: bytes) -> tuple[Lines, list[Echo]]:
    connections = [Connection() for _ in range(count)]
    wires = [Echo(line, answer) for line in connections]
    for line, wire in zip(connections, wires, strict=True):
        line.connection_made(wire)
    return Lines(connections), wires


def test_delays_run_from_the_stamp_to_the_arrival() -> None:
    pieces = [(150, event(100)), (310, event(200) + event(300))]

    assert read_stamps(pieces, STAMP) == (3, [50, 110, 10])


def test_a_chunk_cut_by_a_segment_counts_where_it_ends() -> None:
    whole = event(100)
    pieces = [(150, whole[:12]), (190, whole[12:])]

    assert read_stamps(pieces, STAMP) == (1, [90])


def test_events_without_a_stamp_are_chunks_too() -> None:
    assert read_stamps([(9, b"data: [DONE]\n\n")], STAMP) == (1, [])


async def test_a_closed_loop_sends_exactly_as_many_as_asked() -> None:
    many, wires = lines(4, WHOLE)

    tally = await many.loop(lambda _: b"request", 10)

    assert tally.requests == len(tally.took_ns) == sum(wire.requests for wire in wires) == 10
    assert not tally.failures


async def test_fewer_requests_than_connections_leave_some_idle() -> None:
    many, wires = lines(4, WHOLE)

    await many.loop(lambda _: b"request", 2)

    assert [wire.requests for wire in wires] == [1, 1, 0, 0]


async def test_each_sends_one_on_every_connection() -> None:
    many, wires = lines(3, WHOLE)

    await many.each(lambda _: b"request")

    assert [wire.requests for wire in wires] == [1, 1, 1]


async def test_an_error_status_is_a_failure() -> None:
    many, _ = lines(1, FAILED)

    tally = await many.loop(lambda _: b"request", 2)

    assert tally.failures == ["status 503", "status 503"]
    assert not tally.took_ns


async def test_answers_that_do_not_come_are_failures() -> None:
    many, _ = lines(2, HEAD)

    tally = await many.loop(lambda _: b"request", 2, timeout=0.01)

    assert tally.failures == ["no answer in time"] * 2


async def test_streams_report_their_chunks() -> None:
    body = event(1)
    answer = HEAD + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    many, _ = lines(2, answer)

    tally = await many.streams(lambda _: b"request", STAMP)

    assert (tally.chunks, len(tally.delay_ns), tally.requests) == (2, 2, 2)


async def test_holding_ends_when_every_stream_has_begun() -> None:
    many, _ = lines(3, HEAD + b"2\r\nhi\r\n")

    assert await many.hold(lambda _: b"request") == 3


async def test_holding_counts_streams_that_have_not_begun() -> None:
    many, _ = lines(3, HEAD)

    assert await many.hold(lambda _: b"request", timeout=0.01) == 0


def test_a_tally_adds_an_answer() -> None:
    line, tally = Connection(), Tally()
    line.status, line.sent_ns, line.first_ns, line.last_ns = 200, 10, 30, 50

    tally.add(line)

    assert (tally.took_ns, tally.first_ns) == ([40], [20])
