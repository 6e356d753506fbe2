"""HTTP/1.1 answers: finding their end while they arrive, and taking them apart afterwards.

While load runs, a read costs a stamp, an append and a look at its last bytes. Only the head goes
through a parser at once. A chunked body ends with a last chunk of size zero, so a read that cannot
be the end of one is not looked into. A chunk whose content looks like a last chunk at the very end
of a read would be taken for the end; `taken_apart` parses everything after the fact and finds such
an answer incomplete, so the guess can spoil a request but never pass for an answer.

| state | event | next |
|---|---|---|
| HEAD | interim answer (100, 102, 103) | HEAD |
| HEAD | headers complete, chunked | CHUNKED |
| HEAD | headers complete, other body | COUNTED |
| HEAD, COUNTED | parser: message complete | OVER |
| CHUNKED | read ends like a last chunk | OVER |
| any but OVER | connection closed | OVER if the parser says so, else broken |
"""

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import httptools

Reads = Sequence[tuple[int, bytes]]

_LAST = re.compile(rb"(?:\r\n|\A)0+(?:[ \t;][^\r\n]*)?\r\n(?:[^\r\n:]+:[^\r\n]*\r\n)*\r\n\Z")
_LOOK_BACK = 512  # bytes at the end in which a last chunk with its trailers must fit
_INTERIM = frozenset({100, 102, 103})
_SHORT = 8  # a read shorter than this may be the rest of a last chunk


class State(IntEnum):
    """How far the framing of an answer has come."""

    HEAD = 0
    CHUNKED = 1
    COUNTED = 2
    OVER = 3


class Watch:
    """Follows one answer to its end. `head_ns` is 0 until the head is complete."""

    __slots__ = ("_chunked", "_parser", "head_ns", "keep", "state", "status")

    def __init__(self) -> None:
        self.state = State.HEAD
        self.status = 0
        self.head_ns = 0
        self.keep = False
        self._chunked = False
        self._parser: Any = httptools.HttpResponseParser(self)

    def look(self, reads: Reads) -> bool:
        """Take the newest read into account; return whether the answer is over.

        Raises httptools.HttpParserError for what is no HTTP.
        """
        stamp, data = reads[-1]
        if self.state is State.CHUNKED:
            if ends(reads):
                self.state = State.OVER
            return self.state is State.OVER
        began = self.state
        self._parser.feed_data(data)
        if began is State.HEAD and self.state is not State.HEAD:
            self.head_ns = stamp
        return self.state is State.OVER

    def closed(self) -> bool:
        """Tell whether a close is how this answer ends."""
        return self.state is State.COUNTED and not self.keep

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note how the body is framed."""
        if name.lower() == b"transfer-encoding" and value.lower().endswith(b"chunked"):
            self._chunked = True

    def on_headers_complete(self) -> None:
        """Note the status and go on to the body."""
        self.status = self._parser.get_status_code()
        self.keep = self._parser.should_keep_alive()
        self.state = State.CHUNKED if self._chunked else State.COUNTED

    def on_message_complete(self) -> None:
        """Note the end; an interim answer only comes before the real one."""
        self.state = State.HEAD if self.status in _INTERIM else State.OVER


def ends(reads: Reads) -> bool:
    """Tell whether the last bytes read look like the end of a chunked body."""
    data = reads[-1][1]
    if data[-7:] == b"\r\n0\r\n\r\n" or data == b"0\r\n\r\n":
        return True
    if len(data) >= _SHORT and data[-4:] != b"\r\n\r\n":
        return False
    tail, at = data[-_LOOK_BACK:], len(reads) - 1
    while len(tail) < _LOOK_BACK and at:
        at -= 1
        tail = reads[at][1][-_LOOK_BACK:] + tail
    return _LAST.search(tail) is not None


class Message:
    """An answer taken apart: `pieces` are the parts of its body with their arrival."""

    __slots__ = (
        "_parser",
        "_stamp",
        "complete",
        "ended_ns",
        "headers",
        "pieces",
        "problem",
        "status",
    )

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[tuple[int, bytes]] = []
        self.complete = False
        self.ended_ns = 0
        self.problem = ""
        self._stamp = 0
        self._parser: Any = httptools.HttpResponseParser(self)

    def feed(self, stamp: int, data: bytes) -> None:
        """Take one read."""
        if self.complete:
            self.problem = "bytes came behind the end of the answer"
            return
        self._stamp = stamp
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.problem = f"the answer is not HTTP: {error}"

    def close(self) -> None:
        """Take the end of the connection for the end of a body without length."""
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if self.status and not framed and not self.complete:
            self.complete, self.ended_ns = True, self._stamp

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Keep the status."""
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Keep a piece."""
        self.pieces.append((self._stamp, body))

    def on_message_complete(self) -> None:
        """Note the end; an interim answer only comes before the real one."""
        if self.status in _INTERIM:
            self.headers.clear()
            return
        self.complete, self.ended_ns = True, self._stamp


def taken_apart(reads: Reads, *, closed: bool) -> Message:
    """Parse a whole answer; `closed`: the other end closed the connection behind it."""
    message = Message()
    for stamp, data in reads:
        message.feed(stamp, data)
        if message.problem:
            return message
    if closed:
        message.close()
    return message
