"""What a stream of events says at its two ends; its middle is never looked into.

Theory. A streamed answer has two moments that matter to a proxy. At the beginning, the first event
with data decides whether the engine answers or reports an error under status 200; until then
another engine can still answer (`FirstEvent` and `FirstLine` here, `is_error` in `core/inband`). At
the end: did the answer finish or was it cut, and how many tokens was it (`core/tail`).

Both work on the bytes as they came. Two properties of JSON make searching safe: a string holds no
raw line end, so what begins a line was not written by the model; and it holds no bare quote, so a
quoted word is a key or a whole value, not a part of the model's text.

Formats: server-sent events (OpenAI, Anthropic, Responses) and NDJSON (Ollama). The rules and their
reasons: docs/explanation/streams.md.
"""

from typing import Final

from typing_extensions import override

from proxy.core.inband import ErrorEvent, is_error
from proxy.core.tail import Tail, read_tail, read_usage

__all__ = ["ErrorEvent", "FirstEvent", "FirstLine", "Tail", "is_error", "read_tail", "read_usage"]

LIMIT: Final = 64 * 1024  # bytes without an event after which an answer is taken as it comes
_BOM: Final = b"\xef\xbb\xbf"


def plain_event(data: bytes) -> bytes | None:
    """Recognise what nearly every stream begins with, a whole event of one line.

    Returns its payload; None if `data` begins otherwise, for `FirstEvent` to read.
    """
    if not data.startswith(b"data: "):
        return None
    payload, _, rest = data[6:].partition(b"\n")
    usual = rest.startswith(b"\n") and len(payload) < LIMIT and b"\r" not in payload
    return payload if usual and payload.strip() else None


class FirstEvent:
    """Finds the payload of the first event with data; fed decoded body bytes as they come.

    Comments, other fields and events without data are passed over. `name` is the `event:` name of
    the event found. After `limit` bytes without one, `feed` returns b"": the answer is then to be
    taken as it is. Holds at most `limit` bytes.
    """

    __slots__ = (
        "_after_cr",
        "_begun",
        "_buffer",
        "_data",
        "_limit",
        "_searched",
        "_seen",
        "name",
    )

    def __init__(self, limit: int = LIMIT) -> None:
        self.name = b""
        self._limit = limit
        self._seen = 0
        self._buffer = bytearray()  # the current line, as far as it is here
        self._searched = 0  # how much of it is known to hold no line end
        self._after_cr = False  # a line feed now would belong to the line before
        self._begun = False  # the first line is over
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> bytes | None:
        """Return the payload (never empty), b"" after giving up, None while more is needed."""
        room = self._limit - self._seen
        over = len(data) > room
        if over:
            data = data[:room]
        self._seen += len(data)
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        self._buffer += data
        while (line := self._next_line()) is not None:
            if payload := self._take(line):
                return payload
        if over:
            self._buffer.clear()
            return b""
        return None

    def _next_line(self) -> bytes | None:
        buffer = self._buffer
        end = buffer.find(b"\n", self._searched)
        cr = buffer.find(b"\r", self._searched, end if end >= 0 else len(buffer))
        after = end + 1
        if cr >= 0:
            after = end + 1 if end == cr + 1 else cr + 1
            self._after_cr = after == len(buffer) and end != cr + 1
            end = cr
        if end < 0:
            self._searched = len(buffer)
            return None
        line = bytes(buffer[:end])
        del buffer[:after]
        self._searched = 0
        if self._begun:
            return line
        self._begun = True
        return line.removeprefix(_BOM)

    def _take(self, line: bytes) -> bytes | None:
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
            elif field == b"event":
                self.name = value.removeprefix(b" ")
            return None
        payload = b"\n".join(self._data)
        self._data.clear()
        if payload.strip():
            return payload
        self.name = b""
        return None


class FirstLine(FirstEvent):
    """Finds the first line that is not blank: the first event of NDJSON."""

    __slots__ = ()

    @override
    def _take(self, line: bytes) -> bytes | None:
        return line.strip() or None
