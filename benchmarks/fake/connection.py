"""One client connection of a simulated engine: frames requests, writes answers, sees it close."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

import httptools
import msgspec
from typing_extensions import override

from benchmarks.fake.batching import Sequence
from benchmarks.fake.ledger import Record


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A complete request."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    close: bool
    """The client wants the connection closed after the answer."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class Owner(Protocol):
    """The engine, as far as a connection needs it."""

    max_requests: int

    def opened(self, connection: "Connection") -> None:
        """Learn that a client has connected."""

    def closed(self, connection: "Connection") -> None:
        """Learn that it is gone; `record` and `sequence` tell what was interrupted."""

    def serve(self, connection: "Connection", request: Request) -> None:
        """Answer through the connection's outlet methods, now or later."""

    def stall(self, sequence: Sequence, by: int) -> None:
        """Hear that the client reads too slowly (1) or has caught up (-1)."""


class Connection(asyncio.Protocol):
    """Serves the requests of one connection one after the other.

    It is the plain `Outlet` of replies: pieces of an answer are written as they come.
    """

    __slots__ = (
        "_body",
        "_closing",
        "_headers",
        "_loop",
        "_owner",
        "_parser",
        "_pending",
        "_stalled",
        "_target",
        "busy",
        "done",
        "event",
        "aside",
        "idle_since",
        "number",
        "record",
        "sequence",
        "served",
        "transport",
        "trusted",
    )

    def __init__(
        self,
        owner: Owner,
        loop: asyncio.AbstractEventLoop,
        number: int,
        *,
        trusted: bool = False,
    ) -> None:
        self._owner = owner
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._pending: deque[Request] = deque()
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._closing = False
        self._stalled: Sequence | None = None
        self.number = number
        self.trusted = trusted
        self.busy = False
        self.served = 0
        self.idle_since = loop.time()
        self.record: Record | None = None
        self.sequence: Sequence | None = None
        self.transport: asyncio.Transport
        self.event: Callable[[bytes], None]
        self.aside: Callable[[bytes], None]
        self.done: Callable[[bytes], None]

    # --- transport -------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport's `write` at hand: it is called once per token."""
        self.transport = cast("asyncio.Transport", transport)
        self.event = self.aside = self.done = self.transport.write
        self._owner.opened(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the engine, which frees the sequence."""
        self._owner.closed(self)

    @override
    def eof_received(self) -> bool:
        """Half-closing counts as leaving, as with every uvicorn engine."""
        return False

    @override
    def data_received(self, data: bytes) -> None:
        """Feed the parser; what it refuses gets a 400 and the end of the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse()
        except httptools.HttpParserError:
            self._refuse()

    @override
    def pause_writing(self) -> None:
        """Stop the sequence instead of filling memory."""
        if self.sequence is not None and self._stalled is None:
            self._stalled = self.sequence
            self._owner.stall(self.sequence, 1)

    @override
    def resume_writing(self) -> None:
        """Let it go on."""
        if self._stalled is not None:
            self._owner.stall(self._stalled, -1)
            self._stalled = None

    # --- parser ----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Hear from httptools."""
        self._target = b""
        self._headers = []
        self._body = []

    def on_url(self, url: bytes) -> None:
        """Hear from httptools, perhaps in several parts."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Hear from httptools."""
        name = name.lower()
        self._headers.append((name, value))
        if name == b"expect":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Hear from httptools."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Serve it, or keep it until the answer before it is complete."""
        parser, parts = self._parser, self._body
        request = Request(
            method=parser.get_method().decode(),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            body=parts[0] if len(parts) == 1 else b"".join(parts),
            close=not parser.should_keep_alive(),
        )
        if self.busy:
            self._pending.append(request)
        else:
            self._begin(request)

    # --- outlet ----------------------------------------------------------------------------

    def head(self, data: bytes) -> None:
        """Write a response head; announces the close if this is the last answer."""
        self.transport.write(self.final(data))

    def final(self, head: bytes) -> bytes:
        """Give the head as this connection sends it: the last one says so."""
        if not self._closing:
            return head
        return head[:-2] + b"connection: close\r\n\r\n"

    def end(self, data: bytes) -> None:
        """Write what ends the body and turn to the next request."""
        if data:
            self.transport.write(data)
        self.busy = False
        self.record = self.sequence = None
        self.served += 1
        self.idle_since = self._loop.time()
        if self._closing:
            self.transport.close()
        elif self._pending:
            self._loop.call_soon(self._next)

    def cut(self, *, reset: bool) -> None:
        """End the connection here: FIN after what was written, or RST."""
        self.busy = True
        self._pending.clear()
        if not reset:
            self.transport.close()
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            linger = struct.pack("ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    def close_after(self) -> None:
        """Make the answer under way the last one here."""
        self._closing = True

    def _begin(self, request: Request) -> None:
        self.busy = True
        limit = self._owner.max_requests
        self._closing = request.close or (limit > 0 and self.served + 1 >= limit)
        self._owner.serve(self, request)

    def _next(self) -> None:
        if self._pending and not self.busy:
            self._begin(self._pending.popleft())

    def _refuse(self) -> None:
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: 29\r\nconnection: close\r\n\r\nInvalid HTTP request received"
        )
        self.transport.close()
