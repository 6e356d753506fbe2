"""Heads of HTTP answers and the framing of chunks."""

import time
from email.utils import formatdate
from http import HTTPStatus

LAST_CHUNK = b"0\r\n\r\n"


def frame(data: bytes) -> bytes:
    """One HTTP chunk around `data`."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Heads:
    """Renders response heads; `lines` are what every head of this engine shares."""

    __slots__ = ("_date", "_fixed", "_second")

    def __init__(self, lines: bytes, name: str) -> None:
        self._fixed = lines + b"x-simulated-engine: " + name.encode() + b"\r\n"
        self._second = 0
        self._date = b""

    def render(
        self,
        status: int,
        content_type: bytes,
        length: int | None,
        *,
        request_id: bytes = b"",
        close: bool = False,
        extra: bytes = b"",
    ) -> bytes:
        """Render a head; `length` None means chunked; `extra` are finished lines with CRLF."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._date = b"date: %b\r\n" % formatdate(now, usegmt=True).encode()
        return b"".join(
            (
                b"HTTP/1.1 %d %b\r\n" % (status, _reason(status)),
                self._date,
                self._fixed,
                b"x-request-id: %b\r\n" % request_id if request_id else b"",
                b"content-type: %b\r\n" % content_type if content_type else b"",
                b"transfer-encoding: chunked\r\n"
                if length is None
                else b"content-length: %d\r\n" % length,
                b"connection: close\r\n" if close else b"",
                extra,
                b"\r\n",
            )
        )


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Unknown"
