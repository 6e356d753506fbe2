"""Where an engine's response head ends, what it says, and how its body is delimited.

llhttp (through httptools) does the parsing; what it lets through and a proxy must not (both
framings at once, an unasked 101, control bytes in values) is refused here. Nothing here knows calls
or clients.
"""

import re
from enum import Enum
from typing import Final

import httptools
import msgspec

from proxy.core import headers

MAX_HEAD: Final = 64 * 1024  # bytes; an engine's own head is under 2 KiB
MAX_FIELDS: Final = 200
# A parser that frames only a chunked body is fed this head first: llhttp then stands at the body.
CHUNKED_HEAD: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
SOME: Final = 16  # chunks; an engine's first read holds one or two
EVENT_END: Final = b"\n\n\r\n"  # of an event and of the chunk it is in, as nearly all engines write
# Standing alone, not as the end of a longer size: 10 CR LF CR LF begins a chunk of 16 bytes.
_ALONE: Final = re.compile(rb"(?:^|\n)0\r\n\r\n")
_VISIBLE: Final = re.compile(rb"[ -~]*")


class Framing(Enum):
    """How the end of a body is known."""

    LENGTH = "length"
    CHUNKED = "chunked"
    EOF = "eof"
    NONE = "none"


# For the way of every response; see `core.failure.QUEUE`.
LENGTH: Final = Framing.LENGTH
CHUNKED: Final = Framing.CHUNKED
EOF: Final = Framing.EOF
NONE: Final = Framing.NONE


class BadResponse(Exception):  # noqa: N818 - names the thing, never leaves this package
    """An engine's head that must not be passed on; the text says why."""


class ResponseHead(msgspec.Struct, frozen=True, kw_only=True):
    """A checked response head.

    `fields` holds the end-to-end header lines, rendered, without framing fields; `start` is the
    status line with them, as a client gets it. `length` is set
    for `Framing.LENGTH` only. `stream` names the event format: "sse", "ndjson" or "" for anything
    else.
    """

    status: int
    reason: bytes
    fields: bytes
    start: bytes
    framing: Framing
    length: int
    keep_alive: bool
    stream: str
    content_type: bytes
    retry_after: float | None
    http10: bool


def hopeless(begun: bytes) -> str:
    """Tell what is wrong with a head that has not ended yet; empty if nothing."""
    if len(begun) > MAX_HEAD or not begun.startswith(b"HTTP/1."[: len(begun)]):
        return "that is too long or not HTTP"
    if b"\n\n" in begun or b"\n\r\n" in begun:  # it has ended, for a lenient reader
        return "with bare line feeds"
    return ""


def only_end(piece: bytes) -> int:
    """Return where a chunked body ends within a piece that goes on behind it; -1 if in doubt.

    llhttp does not say where. One last-chunk line in the piece is unmistakable; anything else is
    not worth guessing for an engine that talks too much.
    """
    ends = [found.end() for found in _ALONE.finditer(piece)]
    return ends[0] if len(ends) == 1 else -1


class _Sink:
    """Collects what httptools reports of one head."""

    __slots__ = ("done", "fields", "keep_alive", "parser", "reason")

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.reason = b""
        self.done = False
        self.keep_alive = False
        self.parser: httptools.HttpResponseParser | None = None

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.fields) >= MAX_FIELDS:
            message = f"more than {MAX_FIELDS} header fields"
            raise BadResponse(message)
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        # llhttp forgets the connection flags once the message is complete: ask here.
        assert self.parser is not None
        self.keep_alive = self.parser.should_keep_alive()
        self.done = True


def parse_head(raw: bytes, hidden: frozenset[bytes] = frozenset()) -> ResponseHead:
    """Parse one whole head (with its blank line).

    `hidden` are fields a client must not see, in lower case; a `*` ends a prefix. Raises
    `BadResponse` for anything that must not reach a client.
    """
    sink = _Sink()
    parser = sink.parser = httptools.HttpResponseParser(sink)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade as error:
        message = "the engine switched protocols unasked"
        raise BadResponse(message) from error
    except httptools.HttpParserCallbackError as error:
        message = str(error.__context__ or error)
        raise BadResponse(message) from error
    except httptools.HttpParserError as error:
        raise BadResponse(str(error)) from error
    finally:
        sink.parser = None
    status = parser.get_status_code()
    if not sink.done:
        message = "an incomplete head"
        raise BadResponse(message)
    if status == 101:
        message = "the engine switched protocols unasked"
        raise BadResponse(message)
    kept = headers.response_fields(sink.fields)
    if kept is None:
        message = "a header field with forbidden bytes"
        raise BadResponse(message)
    http10 = parser.get_http_version() == "1.0"
    framing, length = _framing(status, sink.fields)
    content_type = _value(sink.fields, b"content-type")
    reason = sink.reason if _VISIBLE.fullmatch(sink.reason) else b""  # it says nothing that counts
    fields = headers.render(headers.without(kept, hidden) if hidden else kept)
    return ResponseHead(
        status=status,
        reason=reason,
        fields=fields,
        start=b"HTTP/1.1 %d %b\r\n%b" % (status, reason, fields),
        framing=framing,
        length=length,
        keep_alive=sink.keep_alive and framing is not Framing.EOF,
        stream=_stream(content_type),
        content_type=content_type,
        retry_after=_seconds(_value(sink.fields, b"retry-after")),
        http10=http10,
    )


def _value(fields: list[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    for name, value in fields:
        if name.lower() == wanted:
            return value.strip()
    return b""


def _stream(content_type: bytes) -> str:
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == b"text/event-stream":
        return "sse"
    return "ndjson" if kind == b"application/x-ndjson" else ""


def _seconds(value: bytes) -> float | None:
    # The date form is not worth a parser: no inference engine sends it.
    return float(value) if value.isdigit() and len(value) < 7 else None


def _framing(status: int, fields: list[tuple[bytes, bytes]]) -> tuple[Framing, int]:
    lengths = [value.strip() for name, value in fields if name.lower() == b"content-length"]
    codings = [
        value.strip().lower() for name, value in fields if name.lower() == b"transfer-encoding"
    ]
    if status in {204, 304} or status < 200:
        return Framing.NONE, 0
    if codings and lengths:
        message = "both content-length and transfer-encoding"
        raise BadResponse(message)
    if codings:
        if codings != [b"chunked"]:
            message = "a transfer-encoding other than chunked"
            raise BadResponse(message)
        return Framing.CHUNKED, 0
    if not lengths:
        return Framing.EOF, 0
    if len(lengths) != 1 or not lengths[0].isdigit():
        message = "an ambiguous content-length"
        raise BadResponse(message)
    length = int(lengths[0])
    return (Framing.LENGTH, length) if length else (Framing.NONE, 0)


def only_chunks(raw: bytes) -> bytes | None:
    """Return the data of `raw` if that is exactly some whole chunks, not the last; None if not.

    For bytes whose framing llhttp has accepted: this compares lengths, it does not judge. A piece
    with extensions or with more than `SOME` chunks is nothing for it.
    """
    pieces: list[bytes] = []
    at, length = 0, len(raw)
    while at < length and len(pieces) < SOME:
        end = raw.find(b"\r\n", at, at + 12)
        try:
            size = int(raw[at:end], 16) if end > at else 0
        except ValueError:  # an extension
            return None
        if not size:
            return None
        at = end + 2 + size
        pieces.append(raw[end + 2 : at])
        at += 2
    return b"".join(pieces) if pieces and at == length else None


class _Body:
    """Collects what httptools decodes of a body.

    Apart from `Dechunker`, so that nothing is circular: objects in a circle wait for the garbage
    collector, and that were five a stream.
    """

    __slots__ = ("between", "complete", "pieces")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.between = True  # no chunk is open
        self.complete = False

    def on_chunk_header(self) -> None:
        self.between = False

    def on_chunk_complete(self) -> None:
        self.between = True

    def on_body(self, data: bytes) -> None:
        if not self.complete:  # what follows the end is nobody's
            self.pieces.append(data)

    def on_message_complete(self) -> None:
        self.complete = True


class Dechunker:
    """Decodes chunk framing piece by piece: before the commit, and for clients that cannot chunk.

    `feed` returns the decoded bytes and raises `BadResponse` on a framing error.
    """

    __slots__ = ("_body", "_parser", "between")

    def __init__(self) -> None:
        self.between = True  # what was fed ends between two chunks
        self._body = _Body()
        self._parser = httptools.HttpResponseParser(self._body)
        self._parser.feed_data(CHUNKED_HEAD)

    @property
    def complete(self) -> bool:
        """Tell whether the last chunk has been seen."""
        return self._body.complete

    def feed(self, raw: bytes) -> bytes:
        """Return what `raw` decodes to."""
        body = self._body
        try:
            self._parser.feed_data(raw)
        except httptools.HttpParserError as error:
            if not body.complete:
                raise BadResponse(str(error)) from error
        # An open size line is not seen by the parser, but does not end like this.
        self.between = body.between and raw.endswith(b"\n")
        pieces, body.pieces = body.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
