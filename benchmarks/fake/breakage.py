"""How each fault looks on the wire: outlets that bend the pieces of an answer.

`bend` gives the outlet for a fault. Each class bends one thing and passes the rest on, and after
it has struck it swallows whatever the reply still writes.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from typing_extensions import override

from benchmarks.fake.connection import Connection
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.looks.look import Midstream
from benchmarks.fake.wire import frame

_CHUNKED = b"transfer-encoding: chunked\r\n"
_LINE = 8000


class Scene(Protocol):
    """The engine, as far as a broken answer needs it."""

    def struck(self, connection: Connection, *, reset: bool) -> None:
        """Close the connection; the request failed by our own fault."""

    def hold(self, connection: Connection) -> None:
        """Stop generating, leave the connection open; the request stays unanswered."""

    def spoiled(self, connection: Connection) -> None:
        """Stop generating; the answer ends early but the connection lives on."""

    def pause(self, connection: Connection, seconds: float) -> None:
        """Generate nothing for a while; 0: for ever."""

    def failing(self, connection: Connection) -> tuple[Midstream, bytes, bytes]:
        """How a stream of this engine fails: the way, the error event, the terminal event."""


class Bent:
    """Passes everything on; the subclasses bend."""

    def __init__(self, connection: Connection, fault: Fault, scene: Scene) -> None:
        self._connection = connection
        self._fault = fault
        self._scene = scene
        self._framed = False
        self._events = 0
        self._over = False

    def head(self, data: bytes) -> None:
        """Take the response head."""
        self._framed = _CHUNKED in data
        if not self._over:
            self._connection.head(data)

    def event(self, data: bytes) -> None:
        """Take a token event or a whole body."""
        if not self._over:
            self._events += 1
            self._write(data)

    def aside(self, data: bytes) -> None:
        """Take a streamed event without a token."""
        if not self._over:
            self._write(data)

    def done(self, data: bytes) -> None:
        """Take the `[DONE]` event."""
        if not self._over:
            self._write(data)

    def end(self, data: bytes) -> None:
        """Take the end of the body."""
        if not self._over:
            self._over = True
            self._connection.end(data)

    def _write(self, data: bytes) -> None:
        self._connection.transport.write(data)

    def _strike(self) -> None:
        self._over = True
        self._scene.struck(self._connection, reset=self._fault.reset)


class EditedHead(Bent):
    """Another head, the same body."""

    @override
    def head(self, data: bytes) -> None:
        self._framed = _CHUNKED in data
        self._connection.head(_HEAD_EDITS[self._fault.kind](data, self._fault))


class Unframed(Bent):
    """A body without chunk framing that ends with the connection."""

    @override
    def head(self, data: bytes) -> None:
        self._framed = _CHUNKED in data
        self._connection.close_after()
        if self._fault.kind is Kind.HTTP10:
            data = _without_length(data).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        else:
            length = _length_of(data) + (self._fault.size or 10)
            data = _insert(_without_length(data), b"content-length: %d\r\n" % length)
        self._connection.head(data)

    @override
    def end(self, data: bytes) -> None:
        super().end(b"")

    @override
    def _write(self, data: bytes) -> None:
        if self._framed:
            data = data[data.index(b"\r\n") + 2 : -2]
        super()._write(data)


class Closing(Bent):
    """`Connection: close` in the head, and done so."""

    @override
    def head(self, data: bytes) -> None:
        self._connection.close_after()
        super().head(data)


class AfterHead(Bent):
    """The head, then nothing or the end."""

    @override
    def head(self, data: bytes) -> None:
        super().head(data)
        if self._fault.kind is Kind.CLOSE_HEAD:
            self._strike()
        else:
            self._over = True
            self._scene.hold(self._connection)


class Commented(Bent):
    """SSE comments before the first event."""

    @override
    def head(self, data: bytes) -> None:
        super().head(data)
        if self._framed:
            self._write(frame(b": simulated keep-alive\n\n") * (self._fault.size or 1))


class Silent(Bent):
    """A pause between tokens."""

    @override
    def event(self, data: bytes) -> None:
        super().event(data)
        if self._events == max(1, self._fault.after):
            self._scene.pause(self._connection, self._fault.seconds)


class Cut(Bent):
    """Closed between two events, in the middle of one, or by a chunk size that is none."""

    @override
    def event(self, data: bytes) -> None:
        if self._over or self._events < self._fault.after:
            super().event(data)
            return
        if self._fault.kind is Kind.BAD_CHUNK:
            self._write(b"zz\r\n" + data)
            self._over = True
            self._scene.hold(self._connection)
            return
        if self._fault.kind is Kind.CUT_INSIDE or not self._framed:
            self._write(data[: len(data) // 2])
        self._strike()

    @override
    def end(self, data: bytes) -> None:
        if not self._over:
            self._strike()


class ErrorInside(Bent):
    """An error in the middle of a stream, the way this engine has errors there."""

    @override
    def event(self, data: bytes) -> None:
        if self._over or not self._framed or self._events < self._fault.after:
            super().event(data)
            return
        way, error, done = self._scene.failing(self._connection)
        if way is Midstream.CUT:
            self._strike()
            return
        self._scene.spoiled(self._connection)
        if way is Midstream.EVENT:
            self._write(frame(error))
            if self._fault.done and done:
                self._write(frame(done))
        self.end(b"0\r\n\r\n")


class BadEnd(Bent):
    """No `[DONE]`, no last chunk, or bytes behind the end."""

    @override
    def done(self, data: bytes) -> None:
        if self._fault.kind is not Kind.NO_DONE:
            super().done(data)

    @override
    def end(self, data: bytes) -> None:
        if self._over:
            return
        if self._fault.kind is Kind.NO_LAST_CHUNK:
            self._strike()
        elif self._fault.kind is Kind.EXTRA_BYTES:
            super().end(data + b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nnobody!")
        else:
            super().end(data)


class OneSegment(Bent):
    """Everything kept back and written at once."""

    def __init__(self, connection: Connection, fault: Fault, scene: Scene) -> None:
        super().__init__(connection, fault, scene)
        self._kept = bytearray()

    @override
    def head(self, data: bytes) -> None:
        self._kept += self._connection.final(data)

    @override
    def end(self, data: bytes) -> None:
        super().end(bytes(self._kept) + data)

    @override
    def _write(self, data: bytes) -> None:
        self._kept += data


class Dripped(Bent):
    """One byte per write; for `drip_head` only the head."""

    def __init__(self, connection: Connection, fault: Fault, scene: Scene) -> None:
        super().__init__(connection, fault, scene)
        self._queue = bytearray()
        self._slow = 0
        self._ended = False
        self._ticking = False
        self._loop = asyncio.get_running_loop()

    @override
    def head(self, data: bytes) -> None:
        data = self._connection.final(data)
        self._slow = len(data)
        self._write(data)

    @override
    def end(self, data: bytes) -> None:
        if not self._over:
            self._ended = True
            self._write(data)

    @override
    def _write(self, data: bytes) -> None:
        self._queue += data
        if not self._ticking:
            self._ticking = True
            self._tick()

    def _tick(self) -> None:
        transport = self._connection.transport
        if transport.is_closing():
            self._over = True
            return
        all_slow = self._fault.kind is Kind.BYTE_SEGMENTS
        count = 1 if all_slow or self._slow > 0 else len(self._queue)
        self._slow -= count
        data = bytes(self._queue[:count])
        del self._queue[:count]
        if data:
            transport.write(data)
        if self._queue:
            self._loop.call_later(self._fault.seconds, self._tick)
            return
        self._ticking = False
        if self._ended:
            self._over = True
            self._connection.end(b"")


def bend(connection: Connection, fault: Fault, scene: Scene) -> Bent:
    """Return the outlet through which this fault's answer goes."""
    return _OUTLETS[fault.kind](connection, fault, scene)


def _garbage(data: bytes, _: Fault) -> bytes:
    return b"NONSENSE / perhaps 200\r\n" + data.split(b"\r\n", 1)[1]


def _interim(data: bytes, fault: Fault) -> bytes:
    status = fault.status if 100 <= fault.status < 200 else 103
    line = b"HTTP/1.1 %d Simulated\r\nlink: </simulated>; rel=preload\r\n\r\n" % status
    return line * (fault.size or 1) + data


def _switch(_: bytes, __: Fault) -> bytes:
    return b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: simulated\r\n\r\n"


def _both(data: bytes, _: Fault) -> bytes:
    return _insert(data, b"content-length: 5\r\n" if _CHUNKED in data else _CHUNKED)


def _huge(data: bytes, fault: Fault) -> bytes:
    left = fault.size or 1 << 20
    lines: list[bytes] = []
    while left > 0:
        lines.append(b"x-filler-%d: %b\r\n" % (len(lines), b"f" * min(left, _LINE)))
        left -= _LINE
    return _insert(data, b"".join(lines))


def _bad_header(data: bytes, fault: Fault) -> bytes:
    return _insert(data, b"x-bad: before%bafter\r\n" % bytes([fault.size & 0xFF]))


def _insert(head: bytes, line: bytes) -> bytes:
    return head[:-2] + line + b"\r\n"


def _without_length(head: bytes) -> bytes:
    lines = head.replace(_CHUNKED, b"").split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(b"content-length:"))


def _length_of(head: bytes) -> int:
    found = head.partition(b"content-length: ")[2]
    return int(found.partition(b"\r\n")[0] or 0)


_HEAD_EDITS: dict[Kind, Callable[[bytes, Fault], bytes]] = {
    Kind.GARBAGE_STATUS: _garbage,
    Kind.INTERIM: _interim,
    Kind.SWITCH: _switch,
    Kind.BOTH_LENGTHS: _both,
    Kind.HUGE_HEADERS: _huge,
    Kind.BAD_HEADER: _bad_header,
}

_OUTLETS: dict[Kind, type[Bent]] = {
    **dict.fromkeys(_HEAD_EDITS, EditedHead),
    Kind.WRONG_LENGTH: Unframed,
    Kind.HTTP10: Unframed,
    Kind.CONNECTION_CLOSE: Closing,
    Kind.HANG_HEAD: AfterHead,
    Kind.CLOSE_HEAD: AfterHead,
    Kind.COMMENTS: Commented,
    Kind.SILENCE: Silent,
    Kind.CUT: Cut,
    Kind.CUT_INSIDE: Cut,
    Kind.BAD_CHUNK: Cut,
    Kind.ERROR_MIDSTREAM: ErrorInside,
    Kind.NO_DONE: BadEnd,
    Kind.NO_LAST_CHUNK: BadEnd,
    Kind.EXTRA_BYTES: BadEnd,
    Kind.ONE_SEGMENT: OneSegment,
    Kind.BYTE_SEGMENTS: Dripped,
    Kind.DRIP_HEAD: Dripped,
}
