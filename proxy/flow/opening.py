"""The answer before the commit: held until its first data event tells what it is.

An engine's "200" is no answer yet. A stream is committed when its first data event is there and is
not an error; a plain answer with its first bytes; an error status is gathered whole, because its
body says whose fault it was. Until then everything can still be failed over.
"""

import re
from typing import TYPE_CHECKING, Final, Protocol

from proxy.core import events
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.inband import is_error
from proxy.flow import verdicts
from proxy.upstream import framing
from proxy.upstream.framing import (
    LAST_CHUNK,
    BadResponse,
    Dechunker,
    ResponseHead,
    only_chunks,
)

if TYPE_CHECKING:
    from proxy.dialects.base import Engine
    from proxy.flow.relay import Relay
    from proxy.flow.ways import Way

MAX_ERROR_BODY: Final = 1024 * 1024  # bytes of an engine's error answer; some repeat the prompt
MAX_HELD: Final = 256 * 1024  # bytes held for a first event; who only comments is relayed

# How a stream's first event may look that says nothing yet: who speaks, or that there will be an
# answer.
_ROLE: Final = (b'"role":"assistant"', b'"role": "assistant"')
_SAYS: Final = re.compile(rb'"(?:content|reasoning_content|reasoning|tool_calls)": ?["\[][^"\]]')
_ANNOUNCED: Final = frozenset({b"message_start", b"response.created"})
# Passed on as they came, whatever version of HTTP the client speaks.
_DELIMITED: Final = (framing.LENGTH, framing.NONE)
# How the whole of a plain answer begins that is an error in spite of its status.
_ERROR: Final = b'{"error"'


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

    __slots__ = (
        "_announced",
        "_decoder",
        "_engine",
        "_head",
        "_held",
        "_length",
        "_owner",
        "_plain",
        "_scanner",
        "_size",
        "_way",
        "dead",
    )

    phase = Phase.WAIT

    def __init__(self, owner: Owner, engine: "Engine", way: "Way | None" = None) -> None:
        self._owner = owner
        self._engine = engine
        self._way = way
        self._head: ResponseHead | None = None
        self.dead = False  # has dropped its attempt: hears nothing more

    def head(self, head: ResponseHead, length: int) -> None:
        """Take the engine's head; what follows is held."""
        self._head = head
        self._length = length
        self._held: list[bytes] = []
        self._size = 0
        self._decoder: Dechunker | None = None
        self._plain = not head.stream or head.status >= 300  # no events: any byte is the answer
        self._scanner: events.FirstEvent | events.FirstLine | None = None
        self._announced = False  # what is held names the speaker and no more: no token yet

    def whole(self, head: ResponseHead, length: int, body: bytes) -> None:
        """Take an answer of stated length that arrived in one go."""
        if head.status == 200 and not head.stream:
            if not (body.startswith(_ERROR) and self._is_failed(body, b"")):
                self._owner.complete(head, length, body)
        else:
            self.head(head, length)
            self.last(body)

    def chunk(self, data: bytes) -> None:
        """Hold a piece, or commit with it."""
        head = self._head
        assert head is not None
        self._held.append(data)
        self._size += len(data)
        if head.status >= 300:
            if self._size > MAX_ERROR_BODY:
                self._judge_status(head, None)
        elif self._plain or self._is_answer(head, data):
            relay, fields = self._owner.commit(head, self._length)
            # What needed no decoder came as whole chunks.
            events = not self._plain and self._decoder is None
            relay.begin(fields, self._held, chunks=events)
            if self._announced:
                relay.prime()

    def last(self, data: bytes) -> None:
        """Take the final piece of an answer that was not committed before it."""
        head = self._head
        assert head is not None
        if head.status >= 300:
            self._held.append(data)
            self._judge_status(head, self._error_body(head))
        elif self._plain or (data and self._is_answer(head, data)):
            self._gathered(head, data)
        elif not self.dead:
            self._drop(Kind.TRUNCATED, "the engine ended its stream before the first event")

    def failed(self, failure: Failure) -> None:
        """Hear that the connection broke; an error status that is here already counts for more."""
        if self._head is not None and self._head.status >= 400:
            self._judge_status(self._head, None)
        else:
            self._leave(failure)

    def _gathered(self, head: ResponseHead, data: bytes) -> None:
        """End with an answer that arrived whole before it was committed."""
        if self._held:
            data = b"".join((*self._held, data))
        if head.status == 200 and (not data or data == LAST_CHUNK):
            # No operation is answered like this: passed on, it would look like success.
            self._drop(Kind.BAD_RESPONSE, "the engine answered 200 and an empty body")
            return
        if not head.stream and head.framing in _DELIMITED:
            if data.startswith(_ERROR) and self._is_failed(data, b""):
                return
            self._owner.complete(head, self._length, data)
            return
        relay, fields = self._owner.commit(head, self._length)
        relay.whole(fields, data)

    def _is_answer(self, head: ResponseHead, data: bytes) -> bool:
        """Tell whether a stream may be committed; drops the attempt if it is an error."""
        try:
            decoded = self._decoded(head, data)
        except BadResponse as error:
            self._drop(Kind.BAD_RESPONSE, f"bad chunk framing: {error}")
            return False
        name, scanner = b"", self._scanner
        first = scanner is None and head.stream == "sse"
        payload = events.plain_event(decoded) if first else None
        if payload is None:
            if scanner is None:
                scanner = events.FirstEvent() if head.stream == "sse" else events.FirstLine()
                self._scanner = scanner
            payload = scanner.feed(decoded)
            name = scanner.name
        if not payload:
            return payload is not None or self._size > MAX_HELD
        if self._is_failed(payload, name):
            return False
        self._announced = _is_all(decoded, payload) and _announces(payload, name)
        return True

    def _decoded(self, head: ResponseHead, data: bytes) -> bytes:
        if head.framing is not framing.CHUNKED:
            return data
        if self._decoder is None:
            # Engines write an event as one chunk, and the role and the first token often arrive
            # together: then no decoder is needed at all.
            whole = only_chunks(data)
            if whole is not None:
                return whole
            self._decoder = Dechunker()
        return self._decoder.feed(data)

    def _is_failed(self, payload: bytes, name: bytes) -> bool:
        """Tell whether an answer under status 200 is an error of the engine's; then drop it."""
        error = is_error(payload, name)
        if error is None:
            return False
        failure = verdicts.of_event(self._engine, error, payload)
        if not failure.retryable:
            return self._is_refused(failure)
        self._leave(failure)
        return True

    def _is_refused(self, failure: Failure) -> bool:
        """Tell whether a mistake of the client's ends the attempt; it is the answer as it is."""
        return False

    def _error_body(self, head: ResponseHead) -> bytes | None:
        body = b"".join(self._held)
        if head.framing is not framing.CHUNKED:
            return body
        try:
            return Dechunker().feed(body)
        except BadResponse:
            return None

    def _judge_status(self, head: ResponseHead, body: bytes | None) -> None:
        """Leave with what the status says; without its `body` the client gets one of ours."""
        if head.status < 400:
            self._drop(Kind.BAD_RESPONSE, f"the engine answered {head.status}, a redirect")
            return
        spare = self._way is not None and self._way.spare
        self._leave(verdicts.of_answer(self._engine, head, body, other_way=spare))

    def _drop(self, kind: Kind, detail: str) -> None:
        self._leave(
            Failure(
                kind=kind,
                origin=Origin.BACKEND,
                phase=Phase.WAIT,
                detail=detail,
                retryable=True,
            )
        )

    def _leave(self, failure: Failure) -> None:
        self.dead = True
        self._owner.drop(failure)


def _announces(payload: bytes, name: bytes) -> bool:
    """Tell whether a first event holds no token: a role, or a notice that the answer begins."""
    if name in _ANNOUNCED:
        return True
    return (_ROLE[0] in payload or _ROLE[1] in payload) and _SAYS.search(payload) is None


def _is_all(decoded: bytes, payload: bytes) -> bool:
    """Tell whether nothing has come behind the first event."""
    return decoded.rstrip(b"\r\n").endswith(payload.rstrip(b"\r\n"))
