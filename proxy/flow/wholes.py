"""Whole events only: what stands behind the last whole one is held back until the rest is here.

An engine that dies in the middle of an event must not leave half of it with a client that might act
on it. So a client stands between two events, and one more may be put there: an error event, or what
another engine says. Most pieces end with an event and need none of this (`EVENT_END`).
"""

from typing import Final

from typing_extensions import override

from proxy.upstream.framing import EVENT_END, LAST_CHUNK, BadResponse, Dechunker

MOST: Final = 256 * 1024  # bytes held of one event; a longer one is passed on in parts
MOST_ASTRAY: Final = 8 * 1024  # the same while nobody looks for the ends of events
_ENDS: Final = (b"\n\n", b"\n\r\n", b"\r\r")  # of an event, before a line that is not begun


class Wholes:
    """Splits the decoded bytes of one stream at the end of its last event.

    `stream` is "sse" or "ndjson". `torn`: the client has a part of an event already.
    """

    __slots__ = ("_held", "_lines", "torn")

    def __init__(self, stream: str) -> None:
        self._lines = stream == "ndjson"
        self._held = bytearray()
        self.torn = False

    @property
    def held(self) -> bool:
        """Tell whether anything is held back."""
        return bool(self._held)

    def add(self, data: bytes) -> bytes:
        """Return what may go out now that `data` has come."""
        held = self._held
        if held:
            seen = len(held)
            held += data
            cut = self._end(held, max(0, seen - 3))  # an end may lie across the seam
            ready = bytes(held[:cut])
            del held[:cut]
        else:
            cut = self._end(data)
            if cut == len(data) or (self.torn and not cut):
                self.torn = self.torn and not cut
                return data
            held += data[cut:]
            ready = data[:cut]
        if ready:
            self.torn = False
        if len(held) > MOST:
            ready += self._rest()
            self.torn = True
        return ready

    def end(self, data: bytes) -> bytes:
        """Return all there is left to send: `data` ended the stream, and well."""
        return self.add(data) + self._rest()

    def salvage(self, data: bytes) -> bytes:
        """Return what may go out of `data`, which ended a stream that is not whole."""
        return self.add(data)

    def _rest(self) -> bytes:
        rest = bytes(self._held)
        self._held.clear()
        return rest

    def _end(self, data: bytes | bytearray, start: int = 0) -> int:
        """Return where the last event of `data` ends, looking from `start` on; 0 if none does."""
        if self._lines:
            return data.rfind(b"\n", start) + 1
        if data.endswith(b"\n\n"):
            return len(data)
        found = [(at, end) for end in _ENDS if (at := data.rfind(end, start)) >= 0]
        return max((at + len(end) for at, end in found), default=0)


class FramedWholes(Wholes):
    """The same for bytes with chunk framing inside, which the client is to get with framing.

    It stands between two chunks. Unless it has been sent a piece as it was that ended elsewhere, in
    a size line or at most three bytes into an event: then what follows goes out as it is, too, once
    there is a piece that ends with an event, or more of it than is held.
    """

    __slots__ = ("_astray", "_decoder")

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._decoder = Dechunker()
        self._astray = False

    def stray(self) -> None:
        """Take note that the client stands inside a chunk."""
        self._astray = self.torn = True

    @property
    def settled(self) -> bool:
        """Tell whether all has gone out, up to the end of an event and of a chunk."""
        return not self.torn and not self._held and self._decoder.between

    @override
    def add(self, data: bytes) -> bytes:
        if self._astray:
            held = self._held
            held += data
            if data.endswith(EVENT_END):
                self._astray = self.torn = False
            elif len(held) <= MOST_ASTRAY:
                return b""
            return self._rest()
        settled = self.settled
        ready = super().add(self._decoded(data))
        return data if settled and self.settled else framed(ready)

    @override
    def end(self, data: bytes) -> bytes:
        if self._astray or self.settled:
            return self._rest() + data
        return framed(super().add(self._decoded(data)) + self._rest()) + LAST_CHUNK

    @override
    def salvage(self, data: bytes) -> bytes:
        return b"" if self._astray else framed(super().add(self._decoded(data)))

    def _decoded(self, data: bytes) -> bytes:
        try:
            return self._decoder.feed(data)
        except BadResponse:  # llhttp has let the same bytes pass in the exchange
            return b""


def framed(data: bytes) -> bytes:
    """Return `data` as one chunk; nothing for nothing, which would be the last."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
