"""A large body as it arrives: poured together piece by piece, so that no tick copies all of it.

To join the pieces of 60 MB once they are there holds the loop for 20 to 50 ms, most of it spent by
the kernel on finding the memory. `io.BytesIO` hands its buffer over without a copy (CPython), and
to write 256 KiB into it takes 0.4 ms at worst (2026-11).
"""

from collections import deque
from io import BytesIO
from typing import Final

LARGE: Final = 1024 * 1024  # bytes; what is smaller is joined at the end, in half a millisecond

Pieces = list[bytes] | deque[bytes]


def pour(bulk: BytesIO | None, pieces: Pieces) -> BytesIO:
    """Move pieces to what has been poured so far; nothing yet is None."""
    found = BytesIO() if bulk is None else bulk
    found.writelines(pieces)
    pieces.clear()
    return found


def whole(bulk: BytesIO | None, pieces: Pieces) -> bytes:
    """Return the body: what has been poured, and the pieces that came since."""
    return b"".join(pieces) if bulk is None else pour(bulk, pieces).getvalue()
