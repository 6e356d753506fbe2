"""One client connection, with two lanes over aiohttp's own parser.

An inference POST is taken off the parser and dispatched by a plain call to flow: no task, no
Request, no Response. Everything else goes down aiohttp's ordinary lane. `edge/receiving` brings
whole requests; here they are dispatched, answered and, if nobody reads or sends any more, given up:

    CALL      --answered whole--> IDLE, or closed if it was the last
    CALL      --client gone--> the call is cancelled at once
    ORDINARY  --answered--> IDLE, or closed
    IDLE      --keep-alive over--> closed
    CLOSED    --nothing taken off the socket for a while--> aborted
"""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from typing_extensions import override

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.openai_api import surface_of
from proxy.edge.heads import Head
from proxy.edge.receiving import CALL, IDLE, UPLOAD, Stage, failure
from proxy.edge.uploading import Uploading
from proxy.flow.course import Request
from proxy.flow.intake import refuse
from proxy.flow.scope import split

if TYPE_CHECKING:
    from proxy.edge.server import Edge
    from proxy.edge.through import Through
    from proxy.flow.skimming import Driver

BUSY_LOOK: Final = 5.0  # seconds between the wheel's looks at a busy connection
FLUSH: Final = 10.0  # seconds in which a closing connection must take `STEP` of its last bytes
STEP: Final = 4096
BUSY: Final = frozenset({Stage.CALL, Stage.ORDINARY, Stage.UPLOAD, Stage.TUNNEL})
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, no time: closing resets
LINGER: Final = 2.0  # seconds a refused client has to read why and stop sending
TOO_MANY: Final = Failure(
    kind=Kind.QUEUE_FULL,
    origin=Origin.PROXY,
    phase=Phase.QUEUE,
    detail="too many clients are connected: this process runs out of files to open",
    retry_after=1.0,
)


class ClientConnection(Uploading):
    """A client. Fulfils `flow.course.Client` and `core.wheel.Timed`."""

    __slots__ = ("_attempts", "_left", "_rejected", "direct", "dress")

    def __init__(self, edge: "Edge", manager: web.Server, **options: Any) -> None:  # noqa: ANN401
        super().__init__(edge, manager, **options)
        self._attempts: Driver | None = None
        self._through: Through | None = None
        self._left = 0  # bytes not taken by a closing connection, at the last look
        self._rejected = False
        self.peer = self.direct = ""
        self.dress = b""
        self.write = _unconnected

    @override
    def __repr__(self) -> str:
        work = self._attempts or self._through or "no call"
        return f"<ClientConnection {self.peer} {self._stage.name} {work}>"

    # made and lost -----------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connected = cast("asyncio.Transport", transport)
        # uvloop's default low mark is 16 bytes: a paused stream would have to run dry. The high
        # one is what a client costs that reads nothing, beside a read (see `upstream/sips`).
        connected.set_write_buffer_limits(high=16384, low=4096)
        self.write = connected.write
        name = connected.get_extra_info("peername")
        self.peer, self.direct = _address(name), name[0] if isinstance(name, tuple) else ""
        if self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
            self._keepalive_handle = None
        edge = self._edge
        edge.connections.add(self)
        edge.made += 1
        self.wait(edge.limits.header_timeout)
        reception = edge.reception
        if reception is not None and not reception.visitors.admits(self.direct):
            self._stage = Stage.CLOSED
            connected.abort()
        elif len(edge.connections) > edge.crowd.most:
            self._turn_away(len(edge.connections))

    def _turn_away(self, clients: int) -> None:
        """Tell a client that this process has no file for it; or not even that."""
        crowd = self._edge.crowd
        crowd.away += 1
        if clients > crowd.limit:
            self._stage = Stage.CLOSED
            assert self.transport is not None
            self.transport.abort()
        else:
            self.reject(TOO_MANY)

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        edge = self._edge
        edge.connections.discard(self)
        edge.wheel.discard(self)
        if self._task_handler is not None and self._stage is not Stage.ORDINARY:
            self._task_handler.cancel()  # it may never have run: then it would trip over this end
        self._stage = Stage.CLOSED
        attempts, self._attempts = self._attempts or self._through, None
        self._payload = self._head = self._message = self._memo = None
        self._pieces, self._bulk = [], None
        if attempts is not None and not attempts.call.end:
            attempts.client_gone()
        super().connection_lost(exc)

    @override
    def eof_received(self) -> None:
        # A half-closed client counts as gone, as with every proxy in the field. Aborting instead of
        # closing matters: closing would first wait until a stalled client has taken its bytes.
        if self._stage is Stage.TUNNEL:
            assert self._through is not None
            self._through.client_gone()  # what it has said last still goes to the engine
            self._shut()
        elif self._stage in {Stage.CALL, Stage.UPLOAD}:
            if self.transport is not None:
                self.transport.abort()
        elif self._stage is not Stage.CLOSED:
            self._shut()

    # calls -----------------------------------------------------------------------------------

    @override
    def dispatch(self, head: Head, body: bytes) -> None:
        request = cast("Request", head.request)
        edge = self._edge
        self._stage = CALL
        call = Call(request.request_id or edge.new_id(), head.path, edge.now())
        call.client = self.peer
        call.dress = self.dress
        attempts = edge.intake.begin(self, request, body, call)
        # An answer may have come at once, without waiting for anything.
        if attempts is not None and not call.end:
            self._attempts = attempts
            if self._paused:  # the answer before this one has not been read yet
                attempts.client_paused()

    @override
    def answered(self, *, whole: bool) -> None:
        """Take the connection back from a call."""
        self._attempts = self._through = None
        if self._stage is UPLOAD:
            self._shut(linger=whole)  # it is still sending: let it read why nobody takes it
        elif whole and not self.closing:
            self._rest()
        else:
            if not whole and self.http10:
                self._doom()
            self._shut()

    def _doom(self) -> None:
        """Let the connection end with a reset: such a client takes a plain end for the whole."""
        if self.transport is not None:
            raw = cast("socket.socket", self.transport.get_extra_info("socket"))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    @override
    def refuse(self, call: Call, failure: Failure) -> None:
        """Answer a call with an error."""
        self.closing = self.closing or self.http10 or self._stage is Stage.UPLOAD
        self.write(self._edge.error_answer(call, failure, close=self.closing))
        if self._rejected:
            self._shut(linger=True)
        else:
            self.answered(whole=True)

    @override
    def reject(self, failure: Failure, path: str = "") -> None:
        if self._stage is Stage.UPLOAD:
            self.spoilt(failure)
            return
        edge, head, message = self._edge, self._head, self._message
        request = head.request if head is not None else None
        ident = request.request_id if request is not None else None
        if head is not None:
            path = path or head.path
        call = Call(ident or edge.new_id(), path, edge.now())
        call.client = self.peer
        call.dress = self.dress
        call.method = message.method if message is not None else call.method
        call.surface = surface_of(split(path)[1])
        self._payload = self._head = self._message = self._memo = None
        self._pieces, self._bulk = [], None
        self._need = 0
        self.closing = self._rejected = True
        edge.intake.mark(request, call)
        refuse(edge.course, self, call, failure)

    # aiohttp's own lane --------------------------------------------------------------------------

    @override
    def ordinary(self, message: RawRequestMessage, payload: StreamReader) -> None:
        self._stage = Stage.ORDINARY
        self._request_count += 1
        self._messages.append((message, payload))
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    @override
    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if self.closing:
            resp.force_close()
        answer = await super().finish_response(request, resp, start_time)
        if self._stage is Stage.ORDINARY:
            if self.closing or not resp.keep_alive:
                self._shut()
            else:
                self._rest()
        return answer

    @override
    def _process_keepalive(self) -> None:
        # aiohttp knows only its own lane; `expired` closes what is idle in both.
        self._keepalive_handle = None

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        self.closing = True
        return self._edge.ordinary_error(status, exc)

    # back-pressure -------------------------------------------------------------------------------

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._attempts is not None:
            self._attempts.client_paused()
        elif self._through is not None:
            self._through.client_paused()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if self._attempts is not None:
            self._attempts.client_resumed()
        elif self._through is not None:
            self._through.client_resumed()
        elif self._stage is IDLE:
            self.read_on()

    # time ------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float:
        """Return when this connection is overdue; a busy one is looked at again later."""
        if self._stage in BUSY:
            return self._edge.now() + BUSY_LOOK
        return self._until

    def expired(self, now: float) -> None:
        """Close what is idle, answer 408 to what is half sent, abort what does not leave."""
        if self._stage is Stage.BODY:
            self.reject(failure(Kind.REQUEST_TIMEOUT, "the request body stopped arriving"))
        elif self._stage is Stage.HEAD:
            self.reject(failure(Kind.REQUEST_TIMEOUT, "the request head took too long"))
        elif self._stage is Stage.IDLE:
            self._shut()
        elif self._stage is Stage.CLOSED and self.transport is not None:
            left = self.transport.get_write_buffer_size()
            if 0 < left <= self._left - STEP:
                self._left = left
                self.wait(FLUSH)
            else:
                self.transport.abort()

    def forget(self) -> None:
        """Look at the next head anew, even if it is a known one."""
        self._memo = None

    def drain(self) -> None:
        """Make the present answer the last; close at once if nothing runs or arrives."""
        self.closing = True
        if self._stage is Stage.IDLE:
            self._shut()
        elif self._through is not None:
            self._through.go_away()

    @override
    def wait(self, seconds: float) -> None:
        edge = self._edge
        self._until = edge.now() + seconds
        edge.wheel.add(self, self._until)  # it may be closer than the deadline the wheel knows

    def _rest(self) -> None:
        """Wait for the next request. The wheel's last look at a busy connection is soon enough."""
        self._stage = IDLE
        edge = self._edge
        # Where a message ended was not always certain: a head may have begun, and the clock runs.
        self._until = edge.now() + (edge.keep_alive if self._steady else edge.limits.header_timeout)
        if self._paused:  # who does not read gets no more to read
            self.hold()

    def _shut(self, *, linger: bool = False) -> None:
        """Close after what is written has gone out.

        With `linger` the client may still be sending: closing at once would reset the connection
        and could take the answer with it, so only our side is closed; the rest is read and dropped.
        """
        transport = self.transport
        self._stage = Stage.CLOSED
        self._force_close = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.cancel()
        if transport is None:
            return
        if linger and transport.can_write_eof():
            transport.write_eof()
            self.wait(LINGER)
            return
        transport.close()
        self._left = transport.get_write_buffer_size()
        if self._left:
            self.wait(FLUSH)


def _unconnected(_data: bytes) -> None:
    return None


def _address(name: object) -> str:
    if not isinstance(name, tuple):
        return "unix"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"
