"""How a request arrives on a client connection: from raw bytes to one whole, judged message.

aiohttp's C parser (llhttp) frames every message. Two things are done around it. A head that repeats
byte for byte (but for its length) on a connection whose parser stands exactly between two messages
has been judged before and is recognised instead of parsed again. And bodies
are gathered whole, within bounds of size, time and number of pieces, before anybody hears of them.

    IDLE   --a head begins--> HEAD --complete--> BODY --whole--> CALL or ORDINARY --answered--> IDLE
    IDLE   --a whole head--> BODY
    IDLE   --a head of what passes through--> UPLOAD --whole--> CALL --a WebSocket--> TUNNEL
    IDLE   --a known head--> BODY or, with its body, CALL
    HEAD, BODY --deadline, bad bytes, too large--> rejected: CLOSED
    CALL, ORDINARY --answered for the last time--> CLOSED

One message at a time: what arrives behind one that is not answered yet is dropped, and the
connection closes after the answer. It is read all the same, so that a client cannot hide its own
disconnect.
"""

from enum import IntEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web
from aiohttp.http import HttpProcessingError, RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge.gathered import LARGE, pour, whole
from proxy.edge.heads import Head, judge
from proxy.edge.memo import Memo
from proxy.edge.unreadable import unreadable

if TYPE_CHECKING:
    from proxy.edge.reception import Visitor
    from proxy.edge.server import Edge

MAX_JUNK: Final = 64 * 1024  # bytes behind a running call after which the client is thrown out
MIN_RATE: Final = 1024  # bytes a second a body must bring, once limits.body_timeout has passed
FREE_PIECES: Final = 1024  # pieces a body may come in, whatever their size
MIN_PIECE: Final = 64  # bytes beyond those: each piece costs as much memory as this
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_EMPTY_LINE: Final = b"\r\n\r\n"
_LINE_END: Final = frozenset({b"\r", b"\n"})

Messages = list[tuple[RawRequestMessage, StreamReader]]


class Stage(IntEnum):
    """How far a request has come."""

    IDLE = 0  # the parser stands between two messages
    HEAD = 1  # a head has begun
    BODY = 2  # a judged head waits for its body
    CALL = 3  # flow has the request
    ORDINARY = 4  # aiohttp's own lane has it
    UPLOAD = 6  # something passes through, and its body is still arriving
    TUNNEL = 7  # a WebSocket passes through: bytes are no messages any more
    CLOSED = 5  # answered for the last time: what still comes is read and dropped


IDLE: Final = Stage.IDLE  # for the way of every request; see `core.failure.QUEUE`
BODY: Final = Stage.BODY
CALL: Final = Stage.CALL
UPLOAD: Final = Stage.UPLOAD


class Receiving(RequestHandler):
    """The receiving half of a client connection; `edge/connection` is the other one."""

    __slots__ = (
        "_bulk",
        "_edge",
        "_expected",
        "_fed",
        "_head",
        "_junk",
        "_memo",
        "_message",
        "_need",
        "_payload",
        "_pieces",
        "_received",
        "_since",
        "_stage",
        "_steady",
        "_until",
        "closing",
        "http10",
    )

    def __init__(self, edge: "Edge", manager: web.Server, **options: Any) -> None:  # noqa: ANN401
        super().__init__(manager, **options)
        self._edge = edge
        self._stage = Stage.IDLE
        self._head: Head | None = None  # of the request that is arriving
        self._message: RawRequestMessage | None = None  # what the parser made of it
        self._payload: StreamReader | None = None  # its body, if the parser frames it
        self._pieces: list[bytes] = []  # its body, if its head was recognised
        self._bulk: BytesIO | None = None  # what has been poured together of a large body
        self._need = 0  # bytes of that still to come
        self._received = 0  # bytes of that which are here
        self._since = 0.0  # when the body began to be waited for
        self._fed = 0  # bytes the parser has been given of the present message
        self._expected = 0  # what that must come to when the message ends; 0 = not known
        self._steady = True  # it has always been certain where a message ended
        self._memo: Memo | None = None
        self._junk = 0  # bytes behind the present message
        self._until = 0.0  # when the present stage has lasted too long
        self.http10 = False
        self.closing = False  # the present answer is the last on this connection

    # what the other half does ------------------------------------------------------------------

    def dispatch(self, head: Head, body: bytes) -> None:
        """Start a call whose request is whole."""
        raise NotImplementedError

    def ordinary(self, message: RawRequestMessage, payload: StreamReader) -> None:
        """Hand a whole message to aiohttp's own lane."""
        raise NotImplementedError

    def pass_on(self, head: Head, data: bytes) -> None:
        """Start what passes through, before its body is here; `data` was the parser's last."""
        raise NotImplementedError

    def uploading(self, data: bytes) -> None:
        """Pass on what the parser made of `data`."""
        raise NotImplementedError

    def tunnelled(self, data: bytes) -> None:
        """Pass on bytes of a WebSocket."""
        raise NotImplementedError

    def reject(self, failure: Failure, path: str = "") -> None:
        """Answer a request that never became a call, and close: the parser is not to be trusted."""
        raise NotImplementedError

    def wait(self, seconds: float) -> None:
        """Set a deadline for the present stage."""
        raise NotImplementedError

    # bytes -----------------------------------------------------------------------------------

    @override
    def data_received(self, data: bytes) -> None:
        stage = self._stage
        if stage is IDLE:
            memo = self._memo
            if memo is None or not self._recognised(memo, data):
                self._feed(data)
        elif stage is CALL or stage is Stage.ORDINARY:
            self._behind(data)
        elif stage is Stage.TUNNEL:
            self.tunnelled(data)
        elif stage is not Stage.CLOSED:
            if self._need:
                self._more(data)
            else:
                self._feed(data)

    def _recognised(self, memo: Memo, data: bytes) -> bool:
        """Take a request whose head is known; False if it is not."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = memo.match(data, end)
        if length < 0 or length > self._edge.limits.body:
            return False
        head = memo.head
        self._begin(head)
        body = data[end + 4 :]
        missing = length - len(body)
        if missing > 0:
            self._head = head
            self._pieces = [body]
            self._received = len(body)
            self._need = missing
            self._await_body()
        elif missing == 0:
            self.dispatch(head, body)
        else:
            self._behind(body[length:])
            self.dispatch(head, body[:length])
        return True

    def _begin(self, head: Head) -> None:
        self._stage = BODY
        self._junk = 0
        self.http10 = head.http10
        self.closing = head.close or self._edge.draining

    def _behind(self, data: bytes) -> None:
        """Drop bytes nobody may send now, and end the connection after the running answer.

        Line ends are no bytes of a message: some clients send one behind a body.
        """
        self._junk += len(data)
        if data.strip(b"\r\n"):
            self.closing = True
        if self._junk > MAX_JUNK and self.transport is not None:
            self.transport.abort()

    # a recognised head's body ------------------------------------------------------------------

    def _more(self, data: bytes) -> None:
        """Take a piece of the body of a request whose head was recognised."""
        need = self._need
        if len(data) < need:
            self._need = need - len(data)
            self._received += len(data)
            self._pieces.append(data)
            if self._received >= LARGE:
                self._bulk = pour(self._bulk, self._pieces)
            if self._few(len(self._pieces), self._received):
                self._extend(self._received)
            return
        self._need = 0
        head, self._head = self._head, None
        assert head is not None
        if len(data) > need:
            self._behind(data[need:])
            data = data[:need]
        self._pieces.append(data)
        body, self._pieces, self._bulk = whole(self._bulk, self._pieces), [], None
        self.dispatch(head, body)

    # the parser --------------------------------------------------------------------------------

    def _feed(self, data: bytes) -> None:
        """Give bytes to aiohttp's parser and act on what it made of them."""
        stage = self._stage
        if stage is Stage.IDLE and data[:1] in _LINE_END:
            data = data.lstrip(b"\r\n")  # empty lines between two messages
            if not data:
                return
        self._fed += len(data)
        assert self._parser is not None
        try:
            messages, _upgraded, _tail = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self.reject(unreadable(error))
            return
        if stage is Stage.UPLOAD:
            self.uploading(data)
        elif stage is Stage.BODY:
            if messages:
                self.closing = True
            self._check_body(data)
        elif messages:
            self._parsed(messages, data)
        elif self._fed > self._edge.limits.headers:
            limit = self._edge.limits.headers
            detail = f"the request head is over {limit} bytes (limits.headers)"
            self.reject(failure(Kind.HEAD_TOO_LARGE, detail))
        elif stage is Stage.IDLE:
            self._stage = Stage.HEAD
            self.wait(self._edge.limits.header_timeout)

    def _parsed(self, messages: Messages, data: bytes) -> None:
        """Judge a complete head; the body may follow."""
        message, payload = messages[0]
        assert self._parser is not None
        self._parser.message_consumed()
        self._message = message
        head = judge(message, self._edge.limits.headers)
        if isinstance(head, Failure):
            self.reject(head, message.path)
            return
        self._begin(head)
        self._head, self._payload = head, payload
        if head.length > self._edge.limits.body and not (
            head.passed and head.passed.passage.boundless
        ):
            self.reject(self._too_large(head.length))
            return
        reception, gate = self._edge.reception, self._edge.gate
        if reception is not None:
            refusal = reception(cast("Visitor", self), message)
            if refusal is not None:
                self.reject(refusal)
                return
        if gate is not None and (refusal := gate(message, head)) is not None:
            self.reject(refusal)
            return
        if len(messages) > 1:
            self.closing = True
        self._expected = self._end_of(head, payload, data)
        if head.passed is not None:
            self.pass_on(head, data)
            return
        plain = head.operation is not None and not head.expects
        first = self._fed == len(data)
        self._memo = Memo.of(head, data) if plain and first and self._steady else None
        if not payload.is_eof():
            if head.expects:
                assert self.transport is not None
                self.transport.write(CONTINUE)
            self._await_body()
        self._check_body(data)

    def _end_of(self, head: Head, payload: StreamReader, data: bytes) -> int:
        """Return how many bytes the parser will have been given when the message ends; 0 = unknown.

        Unknown for a chunked body, and for a head in pieces whose last one brings the body too.
        """
        if head.length < 0:
            return 0
        if self._fed == len(data):
            return data.find(b"\r\n\r\n") + 4 + head.length
        return 0 if payload.is_eof() else self._fed - payload.total_bytes + head.length

    def _check_body(self, data: bytes) -> None:
        """Look at the body after each piece; `data` is what the parser was given last."""
        payload, head, limit = self._payload, self._head, self._edge.limits.body
        assert payload is not None
        assert head is not None
        if payload.exception() is not None:
            self.reject(failure(Kind.BAD_REQUEST, "the body's framing is broken"))
        elif payload.total_bytes > limit:
            self.reject(self._too_large(payload.total_bytes))
        elif payload.is_eof():
            self._whole(head, payload, data)
        else:
            pieces = payload._buffer  # noqa: SLF001 - see _whole
            if payload.total_bytes >= LARGE and head.operation is not None:
                self._bulk = pour(self._bulk, pieces)
            if self._few(len(pieces), payload.total_bytes):
                self._extend(payload.total_bytes)

    def _whole(self, head: Head, payload: StreamReader, data: bytes) -> None:
        """Hand a whole message on."""
        message, self._message = self._message, None
        self._payload = self._head = None
        self._finish(head, data)
        if head.operation is None:
            assert message is not None
            self.ordinary(message, payload)
            return
        # The parser's own buffer: reading through its methods would re-enter the parser.
        body = whole(self._bulk, payload._buffer) if head.length else b""  # noqa: SLF001
        self._bulk = None
        self.dispatch(head, body)

    def _finish(self, head: Head, data: bytes) -> None:
        """Find out whether anything stands behind a message that is whole."""
        if self._expected:
            surplus = self._fed - self._expected
            behind = surplus > 0 and bool(data[-surplus:].strip(b"\r\n"))
        else:
            # A chunked body ends with an empty line, and so does nothing that is not whole.
            ended = data.endswith(_EMPTY_LINE) or _EMPTY_LINE.endswith(data)
            behind = head.length < 0 and not ended
            self._steady = self._steady and head.length < 0
        self._fed = 0
        if behind:
            self._junk += 1
            self._memo = None
            self.closing = True

    # bounds ------------------------------------------------------------------------------------

    def _await_body(self) -> None:
        self._since = self._edge.now()
        self.wait(self._edge.limits.body_timeout)

    def _extend(self, received: int) -> None:
        """Wait on for a body: from its last piece on, unless it falls below the least rate."""
        limit = self._edge.limits.body_timeout
        now = self._edge.now()
        self._until = min(now + limit, self._since + limit + received / MIN_RATE)

    def _few(self, pieces: int, size: int) -> bool:
        """Refuse a body in crumbs, which takes many times its size in memory."""
        if pieces <= FREE_PIECES + size // MIN_PIECE:
            return True
        detail = f"the body comes in too many pieces: {pieces} for {size} bytes"
        self.reject(failure(Kind.BAD_REQUEST, detail))
        return False

    def _too_large(self, size: int) -> Failure:
        limit = self._edge.limits.body
        return failure(Kind.TOO_LARGE, f"the body has {size} bytes or more, over {limit}")


def failure(kind: Kind, detail: str) -> Failure:
    """Return the failure of a request that is still arriving."""
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
