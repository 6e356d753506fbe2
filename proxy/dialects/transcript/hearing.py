"""Hears the body of one answer as it goes by, and keeps what it says in the room there is.

What is held besides that: of a stream the unfinished event, of a whole answer all of it, either up
to `MOST` bytes; a longer one is not read. Nothing here raises, whatever the bytes are.
"""

from typing import Any, Final

from proxy.dialects.transcript.answered import READERS, Answered
from proxy.dialects.transcript.parts import Room
from proxy.dialects.translate.payloads import Payloads, TooLongError

MOST: Final = 1024 * 1024


class Hearing:
    """The answer to one request of an operation of `READERS`; fed decoded bytes.

    stream: `sse`, `ndjson`, or empty for a whole answer. `unread` says why nothing was read.
    """

    __slots__ = ("_answered", "_held", "_read", "_room", "_split", "_stream", "unread")

    def __init__(self, operation: str, limit: int, stream: str) -> None:
        self.unread = ""
        self._read = READERS[operation]
        self._room = Room(limit)
        self._answered = Answered(self._room)
        self._stream = stream
        self._split = Payloads(MOST)
        self._held = bytearray()

    @property
    def cut(self) -> bool:
        """Tell whether the answer said more than is kept."""
        return self._room.cut

    def feed(self, data: bytes) -> None:
        """Hear the next bytes."""
        if self.unread:
            return
        if self._stream == "sse":
            try:
                self._take(self._split.feed(data))
            except TooLongError:
                self._overflow()
            return
        if not self._stream and len(self._held) + len(data) > MOST:
            self._overflow()
            return
        self._held += data
        if self._stream == "ndjson" and b"\n" in data:
            *lines, rest = self._held.split(b"\n")
            self._held = rest
            self._take([bytes(line) for line in lines])
        if len(self._held) > MOST:
            self._overflow()

    def messages(self) -> list[dict[str, Any]]:
        """Return what was said. Called once, at the end."""
        if not self._stream and self._held:
            self._take([bytes(self._held)])
            self._held.clear()
        return self._answered.messages()

    def _take(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            if self._answered.wants(payload):
                self._read(payload, self._answered)

    def _overflow(self) -> None:
        self.unread = f"the answer has over {MOST} bytes" + (" in one event" * bool(self._stream))
        self._held.clear()
        self._split = Payloads(MOST)
