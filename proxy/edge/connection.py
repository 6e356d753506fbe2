"""One client connection, with two lanes over aiohttp's own parser.

An inference POST is taken off the parser and dispatched by a plain call to flow: no task, no Request, no
Response. Everything else goes down aiohttp's ordinary lane. A head that repeats byte for byte on a
connection (but for its length) has been judged before and is recognised instead of parsed again: 6 us
less a request.

    IDLE   --POST to an operation--> BODY --whole--> CALL --answered--> IDLE or closed
    IDLE   --anything else--> ORDINARY --answered--> IDLE
    BODY, IDLE --deadline, bad bytes, too large--> an error answer, closed
    any    --client gone--> the call is cancelled at once

One message at a time: bytes that arrive behind a running call are dropped and the connection closes
after the answer. They are read all the same, so that a client cannot hide its own disconnect.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web
from aiohttp.http import HttpProcessingError, RawRequestMessage
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from typing_extensions import override

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge.heads import Head, judge
from proxy.edge.memo import Memo
from proxy.flow.attempts import Attempts
from proxy.flow.course import Request
from proxy.flow.intake import refuse

if TYPE_CHECKING:
    from proxy.edge.server import Edge

MAX_JUNK: Final = 64 * 1024  # bytes behind a running call after which the client is thrown out
BUSY_LOOK: Final = 5.0  # seconds between the wheel's looks at a busy connection
FLUSH: Final = 10.0  # seconds a closing connection has to take its last bytes
LINGER: Final = 2.0  # seconds a refused client has to read why and stop sending
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientConnection(RequestHandler):  # type: ignore[misc] # aiohttp marks it final for typing only
    """A client. Fulfils `flow.course.Client` and `core.wheel.Timed`."""

    __slots__ = (
        "_attempts",
        "_body",
        "_edge",
        "_exact",
        "_expected",
        "_fed",
        "_head",
        "_junk",
        "_memo",
        "_need",
        "_payload",
        "_rejected",
        "_until",
        "closing",
        "http10",
        "peer",
        "write",
    )

    def __init__(self, edge: "Edge", manager: web.Server, **options: Any) -> None:  # noqa: ANN401
        super().__init__(manager, **options)
        self._edge = edge
        self._attempts: Attempts | None = None
        self._head: Head | None = None  # of the request that is arriving
        self._payload: StreamReader | None = None  # its body, if aiohttp's parser frames it
        self._body: list[bytes] = []  # its body, if its head was recognised
        self._need = 0  # bytes of it still to come
        self._fed = 0  # bytes the parser has been given since it stood between two messages
        self._expected = 0  # what that must come to when the message ends; 0 = not known
        self._junk = 0
        self._rejected = False
        self._exact = True  # the parser stands exactly between two messages
        self._memo: Memo | None = None
        self._until = 0.0
        self.http10 = False
        self.closing = False
        self.peer = ""
        self.write: Callable[[bytes], None] = _unconnected

    @override
    def __repr__(self) -> str:
        return f"<ClientConnection {self.peer} {self._attempts or 'no call'}>"

    # made and lost -----------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connected = cast("asyncio.Transport", transport)
        # uvloop's default low mark is 16 bytes: a paused stream would have to run dry.
        connected.set_write_buffer_limits(high=65536, low=16384)
        self.write = connected.write
        name = connected.get_extra_info("peername")
        self.peer = f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "unix"
        if self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
            self._keepalive_handle = None
        edge = self._edge
        edge.connections.add(self)
        self._until = edge.now() + edge.limits.header_timeout
        edge.wheel.add(self, self._until)

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        edge = self._edge
        edge.connections.discard(self)
        edge.wheel.discard(self)
        attempts, self._attempts = self._attempts, None
        self._payload = self._head = None
        self._body = []
        if attempts is not None and not attempts.call.end:
            attempts.client_gone()
        super().connection_lost(exc)

    @override
    def eof_received(self) -> None:
        # A half-closed client counts as gone, as with every proxy in the field. Aborting instead of closing
        # matters: closing would first wait until a stalled client has taken what is buffered.
        if self._attempts is not None and self.transport is not None:
            self.transport.abort()

    # bytes -----------------------------------------------------------------------------------

    @override
    def data_received(self, data: bytes) -> None:
        if self._attempts is not None:
            self._behind_a_call(len(data))
        elif self._need:
            self._more_body(data)
        elif self._payload is not None:
            self._fed += len(data)
            self._feed(data)
        elif self._current_request is not None or self._messages or self._upgraded:
            super().data_received(data)
        elif not (self._force_close or self._close):
            memo = self._memo
            if memo is None or not self._recognised(memo, data):
                self._fed += len(data)
                self._feed(data)

    def _recognised(self, memo: Memo, data: bytes) -> bool:
        """Take a request whose head is known; False if it is not."""
        end = data.find(b"\r\n\r\n")
        length = memo.match(data, end)
        if length < 0 or length > self._edge.limits.body:
            return False
        self._head = memo.head
        self._begin()
        body = data[end + 4 :]
        missing = length - len(body)
        if missing > 0:
            self._body = [body]
            self._need = missing
            self._await_body()
        elif missing == 0:
            self._dispatch(body)
        else:
            self._dispatch(body[:length])
            self._behind_a_call(-missing)
        return True

    def _more_body(self, data: bytes) -> None:
        self._need -= len(data)
        surplus = -self._need
        if surplus > 0:
            data = data[: self._need]
            self._need = 0
        self._body.append(data)
        if self._need:
            self._until = self._edge.now() + self._edge.limits.body_timeout
            return
        body, self._body = b"".join(self._body), []
        self._dispatch(body)
        if surplus > 0:
            self._behind_a_call(surplus)

    def _behind_a_call(self, size: int) -> None:
        """Drop bytes nobody may send now, and end the connection after the running answer."""
        self.closing = True
        self._junk += size
        if self._junk > MAX_JUNK and self.transport is not None:
            self.transport.abort()
        elif self._attempts is None:
            self._shut()

    def _feed(self, data: bytes) -> None:
        """Give bytes to aiohttp's parser and act on what it made of them."""
        assert self._parser is not None
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._bad_bytes(error)
            return
        if messages and self._payload is None:
            self._messages_parsed(messages, data, upgraded=upgraded)
        elif self._payload is None:
            if self._fed > self._edge.limits.headers:
                self._reject(
                    _failure(Kind.HEAD_TOO_LARGE, f"the request head is over {self._fed} bytes")
                )
            elif self._exact:
                # The first bytes of a head that is not complete: from now on the clock runs.
                self._exact = False
                self._await(self._edge.limits.header_timeout)
        if self._payload is not None:
            self._check_body()

    def _messages_parsed(
        self,
        messages: "list[tuple[RawRequestMessage, StreamReader]]",
        data: bytes,
        *,
        upgraded: bool,
    ) -> None:
        message, payload = messages[0]
        head = judge(message, self._edge.limits.headers)
        if isinstance(head, Failure):
            self._reject(head, message.path)
            return
        if head.operation is None:
            if not payload.is_eof() and (head.length < 0 or head.length > self._edge.limits.body):
                self._reject(_failure(Kind.TOO_LARGE, "the body is too large"), head.path)
                return
            self._ordinary(messages, upgraded=upgraded)
            return
        self._parser.message_consumed()
        self._head = head
        self._payload = payload
        if head.length > self._edge.limits.body:
            self._reject(self._too_large(head.length), head.path)
            return
        if head.expects and not payload.is_eof():
            self.write(CONTINUE)
        first = self._fed == len(data)
        self._memo = Memo.of(head, data) if first and not head.expects else None
        self._expected = (
            data.find(b"\r\n\r\n") + 4 + head.length if first and head.length >= 0 else 0
        )
        self._begin()
        if len(messages) > 1:
            self.closing = True
        self._await_body()

    def _check_body(self) -> None:
        payload, head, limit = self._payload, self._head, self._edge.limits.body
        assert payload is not None
        assert head is not None
        error = payload.exception()
        if error is not None:
            self._reject(
                _failure(Kind.BAD_REQUEST, f"the body's framing is broken: {error}"), head.path
            )
        elif payload.total_bytes > limit:
            self._reject(self._too_large(payload.total_bytes), head.path)
        elif payload.is_eof():
            self._payload = None
            if self._fed != self._expected:
                # Bytes behind the message, or no way to tell: then no head is recognised any more.
                self._memo = None
                self.closing = self.closing or self._fed > self._expected > 0
            self._fed = 0
            # The parser's own buffer: reading through its methods would re-enter the parser.
            body = b"".join(payload._buffer) if head.length else b""  # noqa: SLF001
            self._dispatch(body)
        else:
            self._until = self._edge.now() + self._edge.limits.body_timeout

    def _ordinary(
        self, messages: "list[tuple[RawRequestMessage, StreamReader]]", *, upgraded: bool
    ) -> None:
        """Hand messages to aiohttp's own lane, the way its `data_received` does."""
        self._fed = 0
        self._exact = True
        self._upgraded = upgraded
        self._request_count += len(messages)
        self._messages.extend(messages)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # calls -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        head = self._head
        assert head is not None
        self._junk = 0
        self._exact = True
        self.http10 = head.http10
        self.closing = head.close or self._edge.draining

    def _dispatch(self, body: bytes) -> None:
        """Start a call whose request is whole."""
        head, self._head = self._head, None
        assert head is not None
        request = cast("Request", head.request)
        edge = self._edge
        call = Call(request.request_id or edge.new_id(), head.path, edge.now())
        call.client = self.peer
        attempts = edge.intake.begin(self, request, body, call)
        # An answer may have come at once, without waiting for anything.
        if attempts is not None and not call.end:
            self._attempts = attempts

    def answered(self, *, whole: bool) -> None:
        """Take the connection back from a call."""
        self._attempts = None
        if whole and not self.closing:
            self._until = self._edge.now() + self._edge.keep_alive
        else:
            self._shut()

    def refuse(self, call: Call, failure: Failure) -> None:
        """Answer a call with an error."""
        self.write(self._edge.error_answer(call, failure, close=self.closing))
        if self._rejected:
            self._shut(linger=True)
        else:
            self.answered(whole=True)

    def _reject(self, failure: Failure, path: str = "") -> None:
        """Answer a request that never became a call, and close: the parser is not to be trusted."""
        edge = self._edge
        self.closing = True
        call = Call(edge.new_id(), path, edge.now())
        call.client = self.peer
        self._payload = self._head = None
        self._rejected = True
        refuse(edge.course, self, call, failure)

    def _bad_bytes(self, error: HttpProcessingError) -> None:
        head = self._head
        if isinstance(error, LineTooLong):
            kind, detail = Kind.HEAD_TOO_LARGE, "a line of the request head is too long"
        else:
            # aiohttp's own words quote the offending bytes; the first line names the fault.
            first = str(error.message).partition("\n")[0].strip(" :")
            kind, detail = Kind.BAD_REQUEST, f"the request is not valid HTTP: {first}"
        self._reject(_failure(kind, detail), head.path if head is not None else "")

    def _too_large(self, size: int) -> Failure:
        limit = self._edge.limits.body
        return _failure(Kind.TOO_LARGE, f"the body has {size} bytes or more, over {limit}")

    # aiohttp's own hooks -------------------------------------------------------------------------

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._attempts is not None:
            self._attempts.client_paused()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if self._attempts is not None:
            self._attempts.client_resumed()

    @override
    def _process_keepalive(self) -> None:
        # aiohttp would close a connection that is idle in its lane but busy in ours; `expired` closes.
        self._keepalive_handle = None
        self._until = self._edge.now() + self._edge.keep_alive

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        return self._edge.ordinary_error(request, status, exc)

    # time ------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float:
        """Return when this connection is overdue; a busy one is looked at again later."""
        if self._attempts is not None or self._current_request is not None or self._messages:
            return self._edge.now() + BUSY_LOOK
        return self._until

    def expired(self, now: float) -> None:
        """Close what is idle, answer 408 to what is half sent, abort what does not leave."""
        if self._force_close or self._close:
            if self.transport is not None:
                self.transport.abort()
        elif self._payload is not None or self._need:
            head = self._head
            self._need = 0
            failure = _failure(Kind.REQUEST_TIMEOUT, "the request body stopped arriving")
            self._reject(failure, head.path if head is not None else "")
        elif not self._exact:
            self._reject(_failure(Kind.REQUEST_TIMEOUT, "the request head took too long"))
        else:
            self.force_close()

    def close_if_idle(self) -> None:
        """Close if nothing runs and nothing is arriving: while draining."""
        busy = (
            self._attempts or self._current_request or self._messages or self._need or self._payload
        )
        if not busy and self._exact:
            self.force_close()

    def _await(self, seconds: float) -> None:
        """Set a deadline that may be closer than the one the wheel knows."""
        edge = self._edge
        self._until = edge.now() + seconds
        edge.wheel.add(self, self._until)

    def _await_body(self) -> None:
        if self._need or (self._payload is not None and not self._payload.is_eof()):
            self._await(self._edge.limits.body_timeout)

    def _shut(self, *, linger: bool = False) -> None:
        """Close after what is written has gone out.

        With `linger` the client may still be sending: closing at once would reset the connection and
        could take the answer with it, so only our side is closed and the rest is read and dropped.
        """
        transport = self.transport
        self._force_close = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.cancel()
        if transport is None:
            return
        if linger and transport.can_write_eof():
            transport.write_eof()
            self._await(LINGER)
            return
        transport.close()
        if transport.get_write_buffer_size():
            self._edge.later(FLUSH, transport.abort)


def _unconnected(_data: bytes) -> None:
    return None


def _failure(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
