"""The commit point: the answer's head as the client gets it, and the relay that carries the body.

Bodies pass unchanged wherever both sides frame alike. They do not when the engine ends a body by
closing (HTTP/1.0 engines) or the client speaks HTTP/1.0: then, and only then, a converting relay is
put in.
"""

from typing import TYPE_CHECKING, Final

from proxy.flow.relay import ConvertingRelay, Relay
from proxy.upstream.framing import Framing, ResponseHead

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.call import Call
    from proxy.flow.attempts import Attempts
    from proxy.flow.course import Client
    from proxy.upstream.exchange import Connection

CHUNKED: Final = b"transfer-encoding: chunked\r\n"
CLOSE: Final = b"connection: close\r\n"
_OWN: Final = (
    b"x-request-id: %b\r\nx-headrace-backend: %b\r\n"
    b"x-headrace-attempts: %d\r\nx-headrace-queue-ms: %d\r\n\r\n"
)
_WITH_LENGTH: Final = b"%bcontent-length: %d\r\n" + _OWN


def head_bytes(head: ResponseHead, length: int, call: "Call", client: "Client") -> bytes:
    """Render the answer's head: the engine's end-to-end fields, our framing, our own fields."""
    if head.framing is Framing.LENGTH and not client.closing:  # the usual plain answer, in one go
        backend = call.backend
        return _WITH_LENGTH % (
            head.start,
            length,
            call.request_id.encode(),
            backend.name.encode() if backend is not None else b"-",
            call.attempts,
            int(call.queued_s * 1000),
        )
    framing = b""
    if head.framing is Framing.LENGTH:
        framing = b"content-length: %d\r\n" % length
    elif head.framing is Framing.NONE:
        framing = b"content-length: 0\r\n" if head.status >= 200 and head.status != 204 else b""
    elif client.http10:
        client.closing = True
    else:
        framing = CHUNKED
    return b"%b%b%b%b" % (
        head.start,
        framing,
        CLOSE if client.closing else b"",
        own_fields(call),
    )


def own_fields(call: "Call") -> bytes:
    """Render the header fields this proxy adds to every answer, and the blank line."""
    backend = call.backend
    return _OWN % (
        call.request_id.encode(),
        backend.name.encode() if backend is not None else b"-",
        call.attempts,
        int(call.queued_s * 1000),
    )


def relay_for(
    head: ResponseHead,
    attempts: "Attempts",
    connection: "Connection",
    *,
    done_required: bool,
    now: "Callable[[], float]",
) -> Relay:
    """Return the relay for this pair of framings."""
    http10 = attempts.client.http10
    if head.framing is Framing.EOF or (head.framing is Framing.CHUNKED and http10):
        converting = ConvertingRelay(
            attempts, head, connection, done_required=done_required, now=now
        )
        converting.prepare(chunking=not http10)
        return converting
    return Relay(attempts, head, connection, done_required=done_required, now=now)
