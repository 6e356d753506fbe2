"""The client's side of what passes through: its body goes on as it arrives, and is never gathered.

The parser frames it like any other. What it has put into the body is taken out after each read, so
the body never fills; who is to be slowed down is the client's transport, by whoever is slower.
"""

from typing import TYPE_CHECKING

from aiohttp.streams import StreamReader
from typing_extensions import override

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.profile import Surface
from proxy.edge.heads import Head
from proxy.edge.passing import Passed
from proxy.edge.receiving import CALL, CONTINUE, Receiving, Stage, failure
from proxy.edge.through import Through
from proxy.edge.tracing import maker
from proxy.edge.websocket import WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable

ADMIN_OFF = Failure(
    kind=Kind.DISABLED,
    origin=Origin.CLIENT,
    phase=Phase.READ,
    detail="what changes an Ollama server is off here: the setting ollama_admin allows it",
)


class Uploading(Receiving):
    """A client connection that may carry what passes through. Fulfils `through.Peer`."""

    __slots__ = ("_through", "peer", "write")

    dress: bytes
    peer: str
    write: "Callable[[bytes], None]"
    _through: Through | None

    @override
    def pass_on(self, head: Head, data: bytes) -> None:
        passed, payload, edge = head.passed, self._payload, self._edge
        assert passed is not None
        assert payload is not None
        self._memo = self._message = None
        self._stage = Stage.UPLOAD
        call = Call(passed.request.request_id or edge.new_id(), head.path, edge.now())
        call.client = self.peer
        call.dress = self.dress
        edge.intake.mark(passed.request, call)
        make = maker(call, upgrade=passed.passage.upgrade)
        through = self._through = make(
            edge.course, call, self, passed, limits=edge.limits, over=edge.passing.discard
        )
        edge.passing.add(through)
        refusal = self._refusal(call, passed)
        if payload.is_eof() and not head.length:
            self.uploading(data)
            through.start(refusal)
            return
        through.start(refusal)
        if self._stage is Stage.UPLOAD:
            if head.expects and not payload.is_eof() and self.transport is not None:
                self.transport.write(CONTINUE)
            self.uploading(data)

    def _refusal(self, call: Call, passed: Passed) -> Failure | None:
        edge, guard = self._edge, self._edge.course.guard
        if passed.passage.surface is Surface.OLLAMA_ADMIN and not edge.ollama_admin:
            return ADMIN_OFF
        return None if guard is None else guard.admit_passage(call, passed.request, passed.model)

    @override
    def uploading(self, data: bytes) -> None:
        payload, head, limit = self._payload, self._head, self._edge.limits.body
        through = self._through
        assert payload is not None
        assert head is not None
        assert through is not None
        if payload.exception() is not None:
            self.spoilt(failure(Kind.BAD_REQUEST, "the body's framing is broken"))
        elif payload.total_bytes > limit and not head.boundless:
            self.spoilt(self._too_large(payload.total_bytes))
        else:
            self._go_on(through, head, payload, data)

    def _go_on(self, through: Through, head: Head, payload: StreamReader, data: bytes) -> None:
        piece = _taken(payload) if head.length else b""
        if payload.is_eof():
            self._payload = self._head = None
            self._finish(head, data)
            self._stage = CALL
        if piece:
            through.more(piece)
        if self._stage is CALL and not through.call.end:
            through.uploaded()

    def spoilt(self, failure: Failure) -> None:
        """End what passes through: its body is not what was announced."""
        if self._through is not None:
            self.closing = True
            self._through.stop(failure)

    @override
    def tunnelled(self, data: bytes) -> None:
        if isinstance(self._through, WebSocket):
            self._through.from_client(data)

    def refuse(self, call: Call, failure: Failure) -> None:
        """Answer with an error."""
        raise NotImplementedError

    def answered(self, *, whole: bool) -> None:
        """Take the connection back."""
        raise NotImplementedError

    def switch(self) -> bool:
        """Direct every byte to the WebSocket from now on; False if some have been lost already."""
        if self._junk:
            return False
        self._stage = Stage.TUNNEL
        return True

    def hold(self) -> None:
        """Read no more from the client."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def read_on(self) -> None:
        """Read again."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()


def _taken(payload: StreamReader) -> bytes:
    """Take what the parser has put into a body so far."""
    # Its own methods would resume a transport that is paused for the engine's sake.
    buffer, splits = payload._buffer, payload._http_chunk_splits  # noqa: SLF001
    data = b"".join(buffer)
    buffer.clear()
    payload._size = 0  # noqa: SLF001
    if splits:
        splits.clear()
    return data
