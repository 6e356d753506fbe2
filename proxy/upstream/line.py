"""A connection to an engine for one passage: a long request, and perhaps other bytes than HTTP.

Besides what `exchange` does it tells when the engine's buffer is full, and it can switch to a
WebSocket, after which bytes pass as they come. It is used once and never pooled.

    HEAD  --101, if it was asked for--> switched: every byte goes to `tunnelled`
    HEAD  --anything else--> as in `exchange`
"""

from collections.abc import Callable
from typing import Final, Protocol, cast

import httptools
from typing_extensions import override

from proxy.core import headers
from proxy.core.failure import Kind
from proxy.upstream.exchange import Connection, Home
from proxy.upstream.framing import MAX_FIELDS, MAX_HEAD, BadResponse
from proxy.upstream.receiver import Opener

_START: Final = b"HTTP/1.1 101 "


class User(Opener, Protocol):
    """Who uses a line."""

    def engine_full(self) -> None:
        """Stop sending: the engine does not take it fast enough."""

    def engine_ready(self) -> None:
        """Send on."""


class Switcher(Protocol):
    """Who asked for a switch to a WebSocket."""

    def switched(self, fields: bytes) -> None:
        """Take the engine's consent, as header lines for the client; from here on `tunnelled`."""

    def tunnelled(self, data: bytes) -> None:
        """Take bytes of the protocol that was switched to."""


class Line(Connection):
    """One connection, for one `User`."""

    __slots__ = ("_asked", "_tunnel", "_user")

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._user: User | None = None
        self._asked: Switcher | None = None  # until the engine has answered
        self._tunnel: Callable[[bytes], None] | None = None

    def use(self, head: bytes, user: User, *, switch: Switcher | None = None) -> None:
        """Send a request's head; the body follows by `send`. `switch`: it asks for a WebSocket."""
        self._user, self._asked = user, switch
        # uvloop's default low mark is 16 bytes: an upload that was paused would run dry each time.
        self.transport.set_write_buffer_limits(high=65536, low=16384)
        self.begin(head, b"", user)

    def send(self, data: bytes) -> None:
        """Send what follows the head."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def hang_up(self) -> None:
        """Close once everything has been sent, and hear nothing more."""
        self._user = self._receiver = self._tunnel = None
        self.close()

    @override
    def pause_writing(self) -> None:
        if self._user is not None:
            self._user.engine_full()

    @override
    def resume_writing(self) -> None:
        if self._user is not None:
            self._user.engine_ready()

    @override
    def data_received(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel(data)
        elif self._asked is not None:
            self._answer(data)
        else:
            super().data_received(data)

    def _answer(self, data: bytes) -> None:
        """Find out whether the engine switches; what is no 101 is an answer like any other."""
        data, self._buffer = self._buffer + data, b""
        if not data.startswith(_START[: len(data)]):
            self._asked = None
            super().data_received(data)
            return
        end = data.find(b"\r\n\r\n") + 4
        if end == 3 and len(data) <= MAX_HEAD:
            self._buffer = data
            return
        asked, self._asked = self._asked, None
        try:
            fields = switch_fields(data[:end])
        except BadResponse as error:
            self._break(Kind.BAD_RESPONSE, f"a switch of protocols that is not usable: {error}")
            return
        assert asked is not None
        self._tunnel = asked.tunnelled
        asked.switched(fields)
        if data[end:] and self._receiver is not None:
            asked.tunnelled(data[end:])

    @override
    def _free(self) -> None:
        self._keep = False
        super()._free()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._user = self._tunnel = None


class _Fields:
    """Collects the fields of one head."""

    def __init__(self) -> None:
        self.fields: list[headers.Field] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))


def switch_fields(raw: bytes) -> bytes:
    """Return the header lines of a whole 101 a client may see, with those of the switch itself.

    Raises `BadResponse` if it is no switch to a WebSocket, or must not be passed on.
    """
    sink = _Fields()
    parser = httptools.HttpResponseParser(sink)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise BadResponse(str(error)) from error
    else:
        raise BadResponse("no field says to what")
    named = [value.strip().lower() for name, value in sink.fields if name.lower() == b"upgrade"]
    kept = headers.response_fields(sink.fields)
    if named != [b"websocket"] or parser.get_status_code() != 101:
        raise BadResponse("not the protocol that was asked for")
    if kept is None or len(sink.fields) > MAX_FIELDS:
        raise BadResponse("a header field with forbidden bytes, or too many of them")
    return b"connection: Upgrade\r\nupgrade: websocket\r\n" + headers.render(kept)


def make(home: Home) -> Connection:
    """Return a line; for a pool to dial."""
    return Line(home)


def of(connection: Connection) -> Line:
    """Return a connection that was made here as what it is."""
    return cast("Line", connection)
