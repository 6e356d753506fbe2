"""The answer before the commit: held until its first data event tells what it is.

An engine's "200" is no answer yet. A stream is committed when its first data event is there and is not
an error; a plain answer with its first bytes; an error status is gathered whole, because its body
says whose fault it was. Until then everything can still be failed over.
"""

from typing import TYPE_CHECKING, Final, Protocol

from proxy.core import events, retry
from proxy.core.breaker import Blame
from proxy.core.inband import is_error
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.upstream.framing import BadResponse, Dechunker, Framing, ResponseHead

if TYPE_CHECKING:
    from proxy.dialects.base import Engine
    from proxy.flow.relay import Relay

MAX_ERROR_BODY: Final = 64 * 1024  # bytes of an engine's error answer that are passed on
MAX_HELD: Final = (
    256 * 1024
)  # bytes held for a first event; an engine that only comments is relayed


# Passed on as they came, whatever version of HTTP the client speaks.
_DELIMITED: Final = frozenset({Framing.LENGTH, Framing.NONE})


class Owner(Protocol):
    """Who made the attempt."""

    def commit(self, head: ResponseHead, length: int) -> "tuple[Relay, bytes]":
        """Return the relay for the rest, and the head as the client is to see it."""

    def complete(self, head: ResponseHead, length: int, body: bytes) -> None:
        """Commit to a plain answer of which `body` is all, and end the call with it."""

    def drop(self, failure: Failure) -> None:
        """Leave the attempt: abort its connection if it still talks, then retry or give up."""


class Opening:
    """The receiver of one exchange until its commit."""

    __slots__ = ("_decoder", "_engine", "_head", "_held", "_length", "_owner", "_scanner", "_size", "dead")

    phase = Phase.WAIT

    def __init__(self, owner: Owner, engine: "Engine") -> None:
        self._owner = owner
        self._engine = engine
        self._head: ResponseHead | None = None
        self._length = -1
        self._held: list[bytes] = []
        self._size = 0
        self._decoder: Dechunker | None = None
        self._scanner: events.FirstEvent | events.FirstLine | None = None
        self.dead = False  # has dropped its attempt: hears nothing more

    def head(self, head: ResponseHead, length: int) -> None:
        """Take the engine's head."""
        self._head = head
        self._length = length
        if head.stream and head.status < 300:
            self._scanner = events.FirstEvent() if head.stream == "sse" else events.FirstLine()
            if head.framing is Framing.CHUNKED:
                self._decoder = Dechunker()

    def chunk(self, data: bytes) -> None:
        """Hold a piece, or commit with it."""
        head = self._head
        assert head is not None
        self._held.append(data)
        self._size += len(data)
        if head.status >= 300:
            if self._size > MAX_ERROR_BODY:
                self._drop(Kind.BAD_RESPONSE, f"an error answer over {MAX_ERROR_BODY} bytes")
        elif self._scanner is None or self._is_answer(data):
            relay, fields = self._owner.commit(head, self._length)
            relay.begin(fields, self._held)

    def last(self, data: bytes) -> None:
        """Take the final piece of an answer that was not committed before it."""
        head = self._head
        assert head is not None
        if head.status >= 300:
            self._held.append(data)
            self._judge_status(head)
        elif self._scanner is None or (data and self._is_answer(data)):
            self._whole(head, data)
        elif not self.dead:
            self._drop(Kind.TRUNCATED, "the engine ended its stream before the first event")

    def failed(self, failure: Failure) -> None:
        """Hear that the connection broke."""
        self._leave(failure)

    def _whole(self, head: ResponseHead, data: bytes) -> None:
        """End with an answer that arrived whole before it was committed."""
        if self._held:
            data = b"".join((*self._held, data))
        if not head.stream and head.framing in _DELIMITED:
            self._owner.complete(head, self._length, data)
            return
        relay, fields = self._owner.commit(head, self._length)
        relay.whole(fields, data)

    def _is_answer(self, data: bytes) -> bool:
        """Tell whether a stream may be committed; drops the attempt if it is an error."""
        scanner = self._scanner
        assert scanner is not None
        try:
            decoded = data if self._decoder is None else self._decoder.feed(data)
        except BadResponse as error:
            self._drop(Kind.BAD_RESPONSE, f"bad chunk framing: {error}")
            return False
        payload = scanner.feed(decoded)
        if not payload:
            return payload is not None or self._size > MAX_HELD
        error_event = is_error(payload, scanner.name)
        if error_event is None or _is_mistake(error_event.status):
            return True
        detail = f"the engine answered 200 and then an error event: {error_event.message}"
        self._drop(Kind.ERROR_EVENT, detail, error_event.status or 502)
        return False

    def _judge_status(self, head: ResponseHead) -> None:
        body = b"".join(self._held)
        if head.framing is Framing.CHUNKED:
            try:
                body = Dechunker().feed(body)
            except BadResponse:
                body = b""
        if head.status < 400:
            self._drop(Kind.BAD_RESPONSE, f"the engine answered {head.status}, a redirect")
            return
        mistake = self._engine.client_fault(head.status, body)
        verdict = retry.classify_status(
            head.status, retry_after=head.retry_after, client_fault=mistake
        )
        theirs = verdict.retryable or verdict.blame is not Blame.NONE
        self._leave(
            Failure(
                kind=Kind.STATUS,
                origin=Origin.BACKEND if theirs else Origin.CLIENT,
                phase=Phase.WAIT,
                detail=f"the engine answered {head.status}",
                retryable=verdict.retryable,
                status=head.status,
                retry_after=head.retry_after,
                body=body,
                content_type=head.content_type,
            )
        )

    def _drop(self, kind: Kind, detail: str, status: int | None = None) -> None:
        self._leave(
            Failure(
                kind=kind,
                origin=Origin.BACKEND,
                phase=Phase.WAIT,
                detail=detail,
                retryable=True,
                status=status,
            )
        )

    def _leave(self, failure: Failure) -> None:
        self.dead = True
        self._owner.drop(failure)


def _is_mistake(status: int | None) -> bool:
    """Tell whether an error event inside the stream blames the client: then it is the answer."""
    return status is not None and 400 <= status < 500 and status != 429
