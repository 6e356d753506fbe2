"""One small GET to an engine over a connection of its own: the answer whole, or why there is none.

Framed by llhttp, like the answers to requests, but kept and not passed on, so every field of the
head is told and nothing is refused that a careful reader can make sense of.
"""

import asyncio
import ssl
from typing import Final, cast

import httptools
from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.base import Reply
from proxy.upstream.connect import why
from proxy.upstream.framing import MAX_FIELDS, MAX_HEAD

MAX_BODY: Final = 4 * 1024 * 1024
_FRAMED: Final = frozenset({"content-length", "transfer-encoding"})


class Question(asyncio.Protocol):
    """Sends `request` once it is connected; `answer` is a `Reply` or a `Failure`, never an error.

    `close` it in the end, whether it was answered or not. Needs a running loop.
    """

    def __init__(self, request: bytes) -> None:
        self.answer: asyncio.Future[Reply | Failure] = asyncio.get_running_loop().create_future()
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._fields: list[tuple[str, str]] = []
        self._body = bytearray()
        self._begun = 0  # bytes, until the head is whole
        self._headed = False

    def close(self) -> None:
        """Let go of the connection."""
        transport, self._transport, self._parser = self._transport, None, None
        if transport is not None:
            transport.abort()

    # from the loop ------------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's for TLS is no subclass
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            return
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end(failed(Kind.BAD_RESPONSE, "not HTTP"))
        if not self._headed:
            self._begun += len(data)
            if self._begun > MAX_HEAD:
                self._end(failed(Kind.BAD_RESPONSE, "not HTTP"))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        framed = any(name in _FRAMED for name, _ in self._fields)
        if isinstance(exc, ssl.SSLError):  # in TLS 1.3 a client is refused after its handshake
            self._end(failed(Kind.CONNECT_TLS, why(exc)))
        elif isinstance(exc, ConnectionResetError):
            self._end(failed(Kind.CLOSED, "reset"))
        elif not self._headed:
            self._end(failed(Kind.CLOSED, "closed without an answer"))
        elif framed or exc is not None:
            self._end(failed(Kind.CLOSED, "closed within the answer"))
        else:
            self._answered()

    # from the parser ----------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head."""
        self._fields.append((_text(name).lower(), _text(value)))
        if len(self._fields) > MAX_FIELDS:
            self._end(failed(Kind.BAD_RESPONSE, "not HTTP"))

    def on_headers_complete(self) -> None:
        """Take note that a body follows, unless this was an interim answer."""
        self._headed = self._status() >= 200

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._body += data
        if len(self._body) > MAX_BODY:
            self._end(failed(Kind.BAD_RESPONSE, f"answer over {MAX_BODY} bytes"))

    def on_message_complete(self) -> None:
        """End, or go on behind an interim answer."""
        if self._headed:
            self._answered()
        else:
            self._fields.clear()

    # the end ------------------------------------------------------------------------------------

    def _status(self) -> int:
        return self._parser.get_status_code() if self._parser is not None else 0

    def _answered(self) -> None:
        reply = Reply(status=self._status(), headers=dict(self._fields), body=bytes(self._body))
        self._end(reply)

    def _end(self, answer: Reply | Failure) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)
        self.close()


def failed(kind: Kind, detail: str) -> Failure:
    """Return why there is no answer; `detail` is a reason, to be told behind the engine's name."""
    phase = Phase.CONNECT if kind.value.startswith("connect") else Phase.WAIT
    return Failure(kind=kind, origin=Origin.BACKEND, phase=phase, detail=detail)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
