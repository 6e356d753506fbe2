"""Load shapes: a closed loop of plain requests, many streams at once, streams held open.

Every shape runs on connections that are open and have been used before, so a figure holds no
connection set-up. Work between a read and the next write is a plain call; nothing here waits in a
task while answers arrive.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Self

import msgspec

from benchmarks.driver.client import Connection, connect

Prepare = Callable[[int], bytes]  # which connection is it for -> the request's bytes


class Tally(msgspec.Struct, kw_only=True):
    """What one block of load saw. Times in nanoseconds."""

    requests: int = 0
    failures: list[str] = msgspec.field(default_factory=list)
    took_ns: list[int] = msgspec.field(default_factory=list)  # request sent -> last byte
    first_ns: list[int] = msgspec.field(default_factory=list)  # request sent -> first body byte
    delay_ns: list[int] = msgspec.field(default_factory=list)  # chunk left the engine -> arrived
    chunks: int = 0
    segments: int = 0  # reads the chunks came in; fewer than chunks = they were put together

    def add(self, connection: Connection) -> None:
        """Count one ended request."""
        self.requests += 1
        if connection.failure or connection.status != 200:
            self.failures.append(connection.failure or f"status {connection.status}")
            return
        self.took_ns.append(connection.last_ns - connection.sent_ns)
        self.first_ns.append(connection.first_ns - connection.sent_ns)


def read_stamps(
    pieces: Sequence[tuple[int, bytes]], stamp: re.Pattern[bytes]
) -> tuple[int, list[int]]:
    """Return the number of chunks in a stream's body, and how long each stamped one took to arrive.

    A chunk cut by a segment border counts where its end arrived.
    """
    delays: list[int] = []
    chunks = 0
    rest = b""
    for arrived, piece in pieces:
        text = rest + piece
        end = text.rfind(b"\n\n")
        if end < 0:
            rest = text
            continue
        rest = text[end + 2 :]
        whole = text[: end + 2]
        chunks += whole.count(b"\n\n")
        delays.extend(arrived - int(found) for found in stamp.findall(whole))
    return chunks, delays


class Lines:
    """A set of open connections to one arm, spread evenly over its ports."""

    __slots__ = ("connections",)

    def __init__(self, connections: list[Connection]) -> None:
        self.connections = connections

    @classmethod
    async def open(cls, ports: Sequence[int], count: int) -> Self:
        """Open `count` connections."""
        return cls([await connect(ports[index % len(ports)]) for index in range(count)])

    def close(self) -> None:
        """Hang up on all."""
        for connection in self.connections:
            connection.hang_up()

    async def each(self, prepare: Prepare, *, keep: bool = False, timeout: float = 60.0) -> Tally:
        """Send one request on every connection at once and wait for all answers."""
        return await self.loop(prepare, len(self.connections), keep=keep, timeout=timeout)

    async def loop(
        self, prepare: Prepare, requests: int, *, keep: bool = False, timeout: float = 60.0
    ) -> Tally:
        """Send `requests` requests: each connection the next as soon as its answer is complete.

        A connection whose request failed sends no more. Answers that do not come within `timeout`
        seconds are failures.
        """
        tally = Tally()
        done = asyncio.get_running_loop().create_future()
        bytes_of = [prepare(index) for index in range(len(self.connections))]
        left = requests
        running = 0

        def start(index: int) -> None:
            nonlocal left, running
            left -= 1
            running += 1
            self.connections[index].send(
                bytes_of[index], lambda line: ended(index, line), keep=keep
            )

        def ended(index: int, line: Connection) -> None:
            nonlocal running
            running -= 1
            tally.add(line)
            tally.segments += line.segments
            if left > 0 and not line.failure:
                start(index)
            elif running == 0 and not done.done():
                done.set_result(None)

        for index in range(min(len(self.connections), requests)):
            start(index)
        try:
            async with asyncio.timeout(timeout):
                await done
        except TimeoutError:
            tally.failures.extend(["no answer in time"] * running)
        return tally

    async def streams(
        self, prepare: Prepare, stamp: re.Pattern[bytes], *, timeout: float = 60.0
    ) -> Tally:
        """Run one stream on every connection at once; read the stamps when all have ended."""
        tally = await self.each(prepare, keep=True, timeout=timeout)
        for connection in self.connections:
            chunks, delays = read_stamps(connection.pieces, stamp)
            tally.chunks += chunks
            tally.delay_ns.extend(delays)
            connection.pieces = []
        return tally

    async def hold(self, prepare: Prepare, *, timeout: float = 30.0) -> int:
        """Start a stream on every connection; return how many have begun once all have."""
        begun = 0
        done = asyncio.get_running_loop().create_future()

        def arrived(line: Connection) -> None:
            nonlocal begun
            line.on_piece = None
            begun += 1
            if begun == len(self.connections) and not done.done():
                done.set_result(None)

        def ended(line: Connection) -> None:
            del line
            if not done.done():
                done.set_result(None)

        for index, connection in enumerate(self.connections):
            connection.send(prepare(index), ended, on_piece=arrived)
        try:
            async with asyncio.timeout(timeout):
                await done
        except TimeoutError:
            pass
        return begun
