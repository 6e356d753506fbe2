"""A raw HTTP/1.1 client connection that stamps what arrives and is cheap enough to hide behind.

A general client spends more time on a streamed chunk than the proxy under test. This one is an
asyncio protocol with a C parser (httptools): about 5 us a chunk. The owner gets a plain call when
an answer is complete and may send the next request from inside it. Stamps are CLOCK_MONOTONIC
nanoseconds, the clock of every process here.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, cast

import httptools
from typing_extensions import override

Ended = Callable[["Connection"], None]

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request running."""

    __slots__ = (
        "body_bytes",
        "complete",
        "ended",
        "failure",
        "first_ns",
        "keep",
        "last_ns",
        "on_piece",
        "pieces",
        "requests",
        "segments",
        "sent_ns",
        "status",
        "transport",
        "_parser",
    )

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.ended: Ended | None = None
        self.on_piece: Ended | None = None
        self.requests = 0
        self._clear()

    def _clear(self) -> None:
        self.sent_ns = self.first_ns = self.last_ns = 0
        self.status = 0
        self.segments = 0  # reads of this answer that carried body bytes or its head
        self.body_bytes = 0
        self.complete = False
        self.failure = ""
        self.keep = False
        self.pieces: list[tuple[int, bytes]] = []
        self._parser: Any = None

    def send(
        self,
        request: bytes,
        ended: Ended,
        *,
        keep: bool = False,
        on_piece: Ended | None = None,
    ) -> None:
        """Send `request`; `ended` is called once, with `complete` or `failure` set.

        With `keep`, body pieces and their arrival stamps are collected in `pieces`. `on_piece` is
        called after each read that brought body bytes.
        """
        self._clear()
        self.ended, self.keep, self.on_piece = ended, keep, on_piece
        self._parser = httptools.HttpResponseParser(self)
        self.requests += 1
        self.sent_ns = time.monotonic_ns()
        if self.transport is None or self.transport.is_closing():
            self._end("the connection was closed before the request")
            return
        self.transport.write(request)

    def hang_up(self, *, reset: bool = False) -> int:
        """Close the socket (FIN, or RST with `reset`) without calling `ended`; return the stamp."""
        self.ended = self.on_piece = None
        transport = self.transport
        if transport is None:
            return time.monotonic_ns()
        if reset:
            raw = cast("socket.socket", transport.get_extra_info("socket"))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        stamp = time.monotonic_ns()
        transport.abort()
        return stamp

    def _end(self, failure: str = "") -> None:
        ended, self.ended = self.ended, None
        if ended is None:
            return
        self.failure = failure
        self.complete = not failure
        ended(self)

    # asyncio

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Stamp, frame, and report the end."""
        if self.ended is None:
            return
        self.last_ns = time.monotonic_ns()
        self.segments += 1
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(f"bad answer: {error}")
            return
        if self.on_piece is not None and self.body_bytes:
            self.on_piece(self)
        if self.complete:
            self._end()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Report an answer that was cut."""
        self.transport = None
        where = "in the middle of the answer" if self.first_ns else "before the answer"
        self._end(f"closed {where}" + (f": {exc}" if exc is not None else ""))

    # httptools

    def on_body(self, body: bytes) -> None:
        """Note a piece of the body."""
        if not self.first_ns:
            self.first_ns = self.last_ns
        self.body_bytes += len(body)
        if self.keep:
            self.pieces.append((self.last_ns, body))

    def on_headers_complete(self) -> None:
        """Note the status."""
        self.status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        """Note the end of the framing; the owner is told after the whole read is done."""
        self.complete = True


async def connect(port: int) -> Connection:
    """Open a connection to a loopback port."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    return connection
