"""A large body with one part replaced, told as pieces: to copy 60 MB would hold the loop for 20 ms.

It has a length like the bytes it stands for, and whoever writes it writes its pieces in order.
"""

from typing import Final

LARGE: Final = 1024 * 1024  # bytes from which on the copy is worth to be spared


class Patched:
    """`body` with the bytes from `start` to `end` replaced by `part`."""

    __slots__ = ("_size", "pieces")

    def __init__(self, body: bytes, start: int, end: int, part: bytes) -> None:
        view = memoryview(body)
        self.pieces = (view[:start], part, view[end:])
        self._size = len(body) - (end - start) + len(part)

    def __len__(self) -> int:
        """Return how many bytes its pieces have together."""
        return self._size


def in_pieces(body: bytes | Patched) -> tuple[bytes | memoryview, ...]:
    """Return what is to be written one after the other."""
    return body.pieces if isinstance(body, Patched) else (body,)
