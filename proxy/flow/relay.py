"""The hot loop: a piece from the engine goes to the client, untouched.

Begins at the commit point: nothing is retried from here on. Per piece: two counters, one reference
kept, one write, which the exchange does itself while nobody has to look (`Pipe`). No clock, task,
timer, event, log line or JSON. What a stream meant (its end marker, its usage, an error event
inside) is read once, at the end, from the last few pieces.

Events go out whole or not at all. An answer is ended cleanly only if it is whole. A broken one gets
an error event where the framing allows one, and then an aborted body, never a last chunk.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.tail import read_tail
from proxy.dialects.openai_api import error_event
from proxy.flow import reckon
from proxy.flow.seams import without_surplus
from proxy.flow.wholes import FramedWholes, Wholes, framed
from proxy.upstream import framing
from proxy.upstream.framing import (
    EVENT_END,
    LAST_CHUNK,
    BadResponse,
    Dechunker,
    ResponseHead,
    only_chunks,
)
from proxy.upstream.receiver import CRUMB

if TYPE_CHECKING:
    from proxy.flow.attempts import Attempts
    from proxy.upstream.exchange import Connection

# Usage, an error event and [DONE] come last; engines send them in one to three pieces, plus the
# last chunk, each in up to three pieces. Crumbs are joined to the piece before them.
TAIL: Final = 8
JOINED: Final = 1024  # bytes of a piece that is added to no more
SLIM: Final = 8192  # bytes kept of the last pieces while a client does not read


class Relay:
    """Carries one committed answer. The receiver of its exchange from the commit on.

    Its attempts hear `ended` exactly once. `whole` says that the client's message is complete; a
    failure beside it is one the engine reported inside a complete stream.
    """

    __slots__ = (
        "_attempts",
        "_connection",
        "_done_required",
        "_framed",
        "_head",
        "_now",
        "_tail",
        "_wholes",
        "chunks",
        "earlier",
        "last_at",
        "latest",
        "seen",
        "size",
        "write",
    )

    phase = Phase.STREAM

    def __init__(
        self,
        attempts: "Attempts",
        head: ResponseHead,
        connection: "Connection",
        *,
        done_required: bool,
        now: Callable[[], float],
    ) -> None:
        self.chunks = 0
        self.size = 0
        self.last_at = 0.0  # when the last piece came, to the look of `flow/deadlines` before
        self.seen = 0  # `chunks` at that look
        self._attempts = attempts
        self._head = head
        self._connection = connection
        self._framed = head.framing is framing.CHUNKED  # chunk framing is inside the pieces
        self._done_required = done_required
        self._now = now
        self.write = attempts.client.write
        self._tail: deque[bytes] = deque(maxlen=TAIL)
        self.latest = self.earlier = b""  # what the exchange has passed on, since it does so
        self._wholes: Wholes | None = None  # from the first piece on that does not end an event

    # pieces ----------------------------------------------------------------------------------

    def begin(self, head: bytes, held: list[bytes], *, chunks: bool = False) -> None:
        """Send the answer's head together with what was held back for the commit.

        `chunks` says that what was held back is known to be whole chunks.
        """
        self.last_at = self._now()
        body = self._decode(held[0] if len(held) == 1 else b"".join(held))
        self._tail.append(body)
        self.chunks += 1
        self.size += len(body)
        if chunks and self._framed and body[-4:] == EVENT_END:  # as nearly every stream begins
            self._connection.through = self
            self.write(head + body)
        else:
            self.write(head + self._ready(body))

    def slim(self) -> None:
        """Let go of all but the end of the last pieces: who reads slowly must be cheap."""
        tail = self._tail
        kept = b"".join((*tail, self.earlier, self.latest))[-SLIM:]
        self.earlier = b""
        tail.clear()
        if self.latest:
            self.latest = kept
        else:
            tail.append(kept)

    def prime(self) -> None:
        """Take the next piece for the first token: what was sent only names the role."""
        self._connection.redirect(_Primer(self))

    def chunk(self, data: bytes) -> None:
        """Forward one piece; what `upstream/exchange` does by itself with a chunked body."""
        data = self._decode(data)
        if data:
            self.chunks += 1
            self.size += len(data)
            self._hold(data)
            data = self._ready(data)
            if data:
                self.write(data)

    def _ready(self, data: bytes) -> bytes:
        """Return what of a piece may go out; let whole events pass by themselves from here on."""
        wholes, stream = self._wholes, self._head.stream
        if not stream:
            return self._encode(data)
        if not self._framed:
            if wholes is None:
                wholes = self._wholes = Wholes(stream)
            return self._encode(wholes.add(data))
        if wholes is None and data[-4:] == EVENT_END and only_chunks(data):  # a first token, mostly
            self._connection.through = self
            return data
        framed_wholes = self._framed_wholes()
        ready = framed_wholes.add(data)
        if framed_wholes.settled and data.endswith(EVENT_END):
            self._connection.through = self
        return ready

    def _framed_wholes(self) -> FramedWholes:
        wholes = self._wholes
        if not isinstance(wholes, FramedWholes):
            wholes = self._wholes = FramedWholes(self._head.stream)
        return wholes

    def stands(self) -> bool:
        """Hear that nothing passes by itself any more; tell whether the last piece was whole.

        If not, all that follows must go out until one is: the client has a part already, of a size
        line or three bytes of an event.
        """
        if self.latest:
            self._close()
        return self._wholes is None or not self._wholes.torn

    def _close(self) -> None:
        latest = self.latest
        self._tail.extend((self.earlier, latest))
        self.latest = self.earlier = b""
        if not latest.endswith(EVENT_END):
            self.stray()

    def stray(self) -> None:
        """Take note that the client stands inside a chunk."""
        self._framed_wholes().stray()

    def _hold(self, data: bytes) -> None:
        """Keep a piece for the end; a crumb with the one before, so that it displaces none."""
        tail = self._tail
        if len(data) < CRUMB and len(tail[-1]) < JOINED:
            tail[-1] += data
        else:
            tail.append(data)

    def first_token(self) -> None:
        """Note that the first token is here, and hear the rest directly."""
        self._attempts.call.first_token_at = self._now()
        self._connection.redirect(self)

    def last(self, data: bytes) -> None:
        """Forward the final piece, if the answer is whole."""
        self.whole(b"", data)

    def whole(self, head: bytes, data: bytes) -> None:
        """End with `data`; `head` comes with it when the whole answer arrived at once."""
        self.last_at = self._now()
        if self.latest:
            self._close()
        data = self._decode(data)
        if data:
            if self._framed and not data.endswith(LAST_CHUNK):
                data = without_surplus(self._tail, data)
            self.chunks += 1
            self.size += len(data)
            self._tail.append(data)
        failure = self._verdict()
        if failure is None or failure.kind is Kind.ERROR_EVENT:
            if self._wholes is not None:
                data = self._wholes.end(data)
            self.write(head + self._encode(data) + self._terminator())
            self._attempts.ended(failure, whole=True)
            return
        # What would complete the client's message must not go out.
        rest = self._salvaged(data) if self._may_add() else b""
        self._break(failure, head + rest)

    def _salvaged(self, data: bytes) -> bytes:
        """Return the whole events of the last piece, of an answer that is not whole."""
        stream = self._head.stream
        if not stream:
            return self._encode(data)
        wholes = self._wholes
        if wholes is None:
            wholes = self._wholes = (FramedWholes if self._framed else Wholes)(stream)
        return self._encode(wholes.salvage(data))

    def failed(self, failure: Failure) -> None:
        """Hear from the exchange that the engine's connection broke."""
        kind = Kind.TRUNCATED if failure.kind is Kind.CLOSED else failure.kind
        self.stop(
            Failure(kind=kind, origin=Origin.BACKEND, phase=Phase.STREAM, detail=failure.detail)
        )

    def stop(self, failure: Failure) -> None:
        """Break the answer off: error event where possible, then an aborted body."""
        self._connection.abort()
        self._break(failure, b"")

    # framing ---------------------------------------------------------------------------------

    def _decode(self, data: bytes) -> bytes:
        return data

    def _encode(self, data: bytes) -> bytes:
        return data

    def _may_add(self) -> bool:
        """Tell whether the client's framing takes more than the engine sent."""
        return self._framed

    def _terminator(self) -> bytes:
        return b""

    def _frame(self, event: bytes) -> bytes:
        return framed(event)

    # the end ---------------------------------------------------------------------------------

    def _verdict(self) -> Failure | None:
        """Say what is wrong with the answer that has just ended, if anything."""
        call, head = self._attempts.call, self._head
        markers = self._attempts.request.operation.markers
        if not head.stream:
            reckon.leave(call, b"".join(self._tail))
            if head.framing is framing.EOF and not self._plausible_end():
                return self._truncated(
                    "the engine closed the connection in the middle of its answer"
                )
            return None
        tail = read_tail(self._tail, framed=self._framed, markers=markers)
        call.tokens_in, call.tokens_out = tail.tokens_in, tail.tokens_out
        if tail.error is not None:
            return Failure(
                kind=Kind.ERROR_EVENT,
                origin=Origin.BACKEND,
                phase=Phase.STREAM,
                detail=f"the engine reported an error inside the stream: {tail.error.message}",
                status=tail.error.status,
            )
        if tail.done or not markers:
            return None
        if not self._done_required and (tail.finished or head.framing is not framing.EOF):
            return None
        return self._truncated("the engine ended the stream without its end marker")

    def _plausible_end(self) -> bool:
        # A plain answer that only a closed connection ends is JSON: it stands when its bracket
        # does.
        if b"json" not in self._head.content_type:
            return True
        return b"".join(self._tail).rstrip().endswith((b"}", b"]"))

    @staticmethod
    def _truncated(detail: str) -> Failure:
        return Failure(
            kind=Kind.TRUNCATED, origin=Origin.BACKEND, phase=Phase.STREAM, detail=detail
        )

    def _break(self, failure: Failure, rest: bytes) -> None:
        if self.latest:
            self._close()
        torn = self._wholes is not None and self._wholes.torn
        if self._head.stream and self._may_add() and not torn:
            call = self._attempts.call
            rest += self._frame(error_event(call.surface, failure, call.request_id))
        if rest:
            self.write(rest)
        self._attempts.ended(failure, whole=False)


class _Primer:
    """The receiver between an answer's opening without a token and its next piece."""

    __slots__ = ("_relay",)

    phase = Phase.STREAM

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def chunk(self, data: bytes) -> None:
        self._primed().chunk(data)

    def last(self, data: bytes) -> None:
        self._primed().last(data)

    def failed(self, failure: Failure) -> None:
        self._relay.failed(failure)

    def _primed(self) -> Relay:
        relay = self._relay
        relay.first_token()
        return relay


class ConvertingRelay(Relay):
    """A relay whose sides frame differently: an engine that ends by closing, a client of HTTP/1.0.

    What it keeps of the last pieces is decoded.
    """

    __slots__ = ("_chunking", "_decoder")

    def prepare(self, *, chunking: bool) -> None:
        """Set the directions: decode what the engine chunks, chunk what the client can read so."""
        self._chunking = chunking
        self._decoder = Dechunker() if self._framed else None
        self._framed = False

    @override
    def _decode(self, data: bytes) -> bytes:
        if self._decoder is None:
            return data
        try:
            return self._decoder.feed(data)
        except BadResponse:  # llhttp has let the same bytes pass in the exchange
            return b""

    @override
    def _may_add(self) -> bool:
        return True

    @override
    def _encode(self, data: bytes) -> bytes:
        return framed(data) if self._chunking else data

    @override
    def _terminator(self) -> bytes:
        return LAST_CHUNK if self._chunking else b""

    @override
    def _frame(self, event: bytes) -> bytes:
        return super()._frame(event) if self._chunking else event
