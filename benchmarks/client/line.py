"""One connection of the load client: in the hot path a stamp and an append per read."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import cast

import httptools
from typing_extensions import override

from benchmarks.client.framing import State, Watch
from benchmarks.client.pacing import Agenda
from benchmarks.client.reading import Raw

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST

Ended = Callable[["Line", Raw], None]


class Line(asyncio.Protocol):
    """A connection with at most one request running.

    `usable`: the next request may go over it. `lost` is called when it closes with none running.
    """

    __slots__ = (
        "_agenda",
        "_ended",
        "_lost",
        "_pace",
        "_raw",
        "_reads",
        "_watch",
        "idle_since",
        "transport",
        "usable",
    )

    def __init__(self, lost: Callable[["Line"], None], agenda: Agenda) -> None:
        self._agenda = agenda
        self._lost = lost
        self._ended: Ended | None = None
        self.transport: asyncio.Transport | None = None
        self.usable = False
        self.idle_since = 0
        self._raw: Raw | None = None
        self._reads: list[tuple[int, bytes]] = []
        self._watch = Watch()
        self._pace: Pace | None = None

    def send(
        self, raw: Raw, message: bytes, ended: Ended, *, read_rate: float | None = None
    ) -> None:
        """Send a request; `ended` is called once, from in here at the earliest.

        `read_rate`: take no more than this many bytes a second.
        """
        transport = self.transport
        self._ended = ended
        self._raw, self._reads, self._watch = raw, raw.reads, Watch()
        self.usable = False
        raw.sent_ns = time.monotonic_ns()
        if transport is None or transport.is_closing():
            self._end("the connection was closed before the request")
            return
        self._pace = Pace(transport, read_rate) if read_rate else None
        transport.write(message)

    def cancel(self, raw: Raw) -> None:
        """Reset the connection if `raw` still runs on it, as a client that gives up does."""
        if self._raw is raw:
            self._reset()
            raw.cancelled = True
            self._end("")

    def give_up(self, raw: Raw, failure: str) -> None:
        """Reset the connection if `raw` still runs on it, and call it failed."""
        if self._raw is raw:
            self._reset()
            self._end(failure)

    def close(self) -> None:
        """Close without a word to anyone."""
        self._raw, self.usable = None, False
        if self.transport is not None:
            self.transport.abort()

    def _reset(self) -> None:
        transport = self.transport
        if transport is None:
            return
        if self._pace is not None:
            self._pace.stop()
        raw = cast("socket.socket | None", transport.get_extra_info("socket"))
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()

    def _end(self, failure: str) -> None:
        raw, ended, self._raw, self._ended = self._raw, self._ended, None, None
        if raw is None or ended is None:
            return
        if self._pace is not None:
            self._pace.stop()
            self._pace = None
        answered = raw.reads and not failure and not raw.cancelled
        raw.ended_ns = raw.reads[-1][0] if answered else time.monotonic_ns()
        raw.head_ns, raw.failure = self._watch.head_ns, failure
        transport = self.transport
        over = self._watch.state is State.OVER
        self.usable = (
            over and self._watch.keep and transport is not None and not transport.is_closing()
        )
        self._reads = []
        ended(self, raw)

    # asyncio

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self.usable = True
        self.idle_since = time.monotonic_ns()

    @override
    def data_received(self, data: bytes) -> None:
        """Stamp, keep, do what is due, and see whether this was the end."""
        now = time.monotonic_ns()
        self._reads.append((now, data))
        if now >= self._agenda.next_ns:
            self._agenda.due()
        if self._raw is None:
            # Nobody asked: bytes behind the end of an answer, or an engine that speaks first.
            self.close()
            return
        if self._pace is not None:
            self._pace.read(len(data))
        try:
            over = self._watch.look(self._reads)
        except httptools.HttpParserError as error:
            self.give_up(self._raw, f"the answer is not HTTP: {error}")
            return
        if over:
            self._end("")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End the request that ran here, or tell that an idle line is gone."""
        self.transport, self.usable = None, False
        raw = self._raw
        if raw is None:
            self._lost(self)
            return
        if exc is None and self._watch.closed():
            raw.closed = True
            self._end("")
            return
        where = "in the middle of the answer" if raw.reads else "before the answer"
        self._end(f"closed {where}" + (f": {exc}" if exc is not None else ""))


class Pace:
    """Takes bytes at a rate: after each read the transport pauses for as long as it should take."""

    __slots__ = ("_due", "_handle", "_loop", "_rate", "_transport")

    def __init__(self, transport: asyncio.Transport, rate: float) -> None:
        self._transport = transport
        self._rate = rate
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._handle: asyncio.TimerHandle | None = None

    def read(self, size: int) -> None:
        """Note a read; pause until its bytes may have been taken."""
        self._due = max(self._due, self._loop.time()) + size / self._rate
        self._transport.pause_reading()
        self._handle = self._loop.call_at(self._due, self._transport.resume_reading)

    def stop(self) -> None:
        """Read freely again."""
        if self._handle is not None:
            self._handle.cancel()
        if not self._transport.is_closing():
            self._transport.resume_reading()
