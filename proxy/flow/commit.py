"""The commit point: the answer's head as the client gets it, and the relay that carries the body.

Bodies pass unchanged wherever both sides frame alike. They do not when the engine ends a body by
closing (HTTP/1.0 engines) or the client speaks HTTP/1.0: then, and only then, a converting relay is
put in.
"""

from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from proxy.flow.allowances import limit_fields, without_limits
from proxy.flow.relay import ConvertingRelay, Relay
from proxy.flow.translating import TranslatingRelay
from proxy.upstream import framing
from proxy.upstream.framing import ResponseHead

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.dialects.base import Engine
    from proxy.flow.attempts import Attempts
    from proxy.flow.course import Client
    from proxy.upstream.exchange import Connection

CHUNKED: Final = b"transfer-encoding: chunked\r\n"
CLOSE: Final = b"connection: close\r\n"
KEEP: Final = b"connection: keep-alive\r\n"  # a client of HTTP/1.0 waits for the close without it
_OF_THE_BODY: Final = (b"content-type:", b"content-encoding:", b"etag:", b"digest:")
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
    elif client.http10:
        delimiter += KEEP
    start = head.start if call.grant is None else without_limits(head.start)
    return start + delimiter + own_fields(call)


def dressed(head: ResponseHead, content_type: bytes, *, whole: bool) -> ResponseHead:
    """Return an engine's head for a body that was made here: with another type and framing."""
    lines = head.fields.splitlines(keepends=True)
    kept = b"".join([line for line in lines if not line.startswith(_OF_THE_BODY)])
    fields = b"%bcontent-type: %b\r\n" % (kept, content_type)
    return msgspec.structs.replace(
        head,
        fields=fields,
        start=b"HTTP/1.1 %d %b\r\n%b" % (head.status, head.reason, fields),
        framing=framing.LENGTH if whole else framing.EOF,
        content_type=content_type,
    )


def answer_head(status: int, reason: bytes, fields: bytes) -> ResponseHead:
    """Return the head of an answer that no engine gave."""
    return ResponseHead(
        status=status,
        reason=reason,
        fields=fields,
        start=b"HTTP/1.1 %d %b\r\n%b" % (status, reason, fields),
        framing=framing.LENGTH,
        length=0,
        keep_alive=True,
        stream="",
        content_type=b"",
        retry_after=None,
        http10=False,
    )


def own_fields(call: "Call") -> bytes:
    """Render the header fields this proxy adds to every answer, and the blank line."""
    backend = call.backend
    name = "-" if backend is None else backend.name
    if call.attempts == 1 and not call.queued_s:
        rest = _at_once(name)
    else:
        rest = _OWN % (name.encode(), call.attempts, int(call.queued_s * 1000))
    if call.dress:
        rest = call.dress + rest
    if call.grant is not None:
        rest = limit_fields(call.grant) + rest
    return b"x-request-id: %b\r\n%b" % (call.request_id.encode(), rest)


@cache
def _at_once(name: str) -> bytes:
    """Render what stays the same in the answers of a backend that was tried first, at once."""
    return _OWN % (name.encode(), 1, 0)


def begun(
    head: ResponseHead,
    length: int,
    attempts: "Attempts",
    connection: "Connection",
    engine: "Engine",
) -> tuple[Relay, bytes]:
    """Return the relay for this pair of framings and of dialects, and the client's head."""
    http10, now, done_required = attempts.client.http10, attempts.course.now, engine.done_required
    if attempts.answer is not None:
        translating = TranslatingRelay(
            attempts, head, connection, done_required=done_required, now=now
        )
        translating.prepare(chunking=not http10)
        translating.speak(attempts.answer, attempts.course.wall() - now())
        shown = dressed(head, attempts.answer.content_type(stream=True), whole=False)
        return translating, head_bytes(shown, -1, attempts.call, attempts.client)
    fields = head_bytes(head, length, attempts.call, attempts.client)
    if head.framing is framing.EOF or (head.framing is framing.CHUNKED and http10):
        converting = ConvertingRelay(
            attempts, head, connection, done_required=done_required, now=now
        )
        converting.prepare(chunking=not http10)
        return converting, fields
    relay = Relay(attempts, head, connection, done_required=done_required, now=now)
    return relay, fields
