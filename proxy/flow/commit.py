"""The commit point: the answer's head as the client gets it, and the relay that carries the body.

Bodies pass unchanged wherever both sides frame alike. They do not when the engine ends a body by
closing (HTTP/1.0 engines) or the client speaks HTTP/1.0: then, and only then, a converting relay is
put in.
"""

from functools import cache
from typing import TYPE_CHECKING, Final

from proxy.flow.relay import ConvertingRelay, Relay
from proxy.upstream import framing
from proxy.upstream.framing import ResponseHead

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.call import Call
    from proxy.flow.attempts import Attempts
    from proxy.flow.course import Client
    from proxy.upstream.exchange import Connection

CHUNKED: Final = b"transfer-encoding: chunked\r\n"
CLOSE: Final = b"connection: close\r\n"
_OWN: Final = (
    b"x-headrace-backend: %b\r\nx-headrace-attempts: %d\r\nx-headrace-queue-ms: %d\r\n\r\n"
)


def head_bytes(head: ResponseHead, length: int, call: "Call", client: "Client") -> bytes:
    """Render the answer's head: the engine's end-to-end fields, our framing, our own fields."""
    framed = head.framing
    if framed is framing.LENGTH:
        delimiter = b"content-length: %d\r\n" % length
    elif framed is framing.NONE:
        delimiter = b"content-length: 0\r\n" if head.status >= 200 and head.status != 204 else b""
    elif client.http10:
        delimiter = b""
        client.closing = True
    else:
        delimiter = CHUNKED
    if client.closing:
        delimiter += CLOSE
    return head.start + delimiter + own_fields(call)


def own_fields(call: "Call") -> bytes:
    """Render the header fields this proxy adds to every answer, and the blank line."""
    backend = call.backend
    name = "-" if backend is None else backend.name
    if call.attempts == 1 and not call.queued_s:
        rest = _at_once(name)
    else:
        rest = _OWN % (name.encode(), call.attempts, int(call.queued_s * 1000))
    return b"x-request-id: %b\r\n%b" % (call.request_id.encode(), rest)


@cache
def _at_once(name: str) -> bytes:
    """Render what stays the same in the answers of a backend that was tried first, at once."""
    return _OWN % (name.encode(), 1, 0)


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
    if head.framing is framing.EOF or (head.framing is framing.CHUNKED and http10):
        converting = ConvertingRelay(
            attempts, head, connection, done_required=done_required, now=now
        )
        converting.prepare(chunking=not http10)
        return converting
    return Relay(attempts, head, connection, done_required=done_required, now=now)
