"""Where a body that broke may be added to, judged by its last pieces.

A chunk may be added only between two chunks, and an event only between two events; a wrong guess
would glue an error to half an event, or complete a message that must stay incomplete. In doubt the
answer is no.
"""

import re
from collections.abc import Sequence
from typing import Final

from proxy.upstream.framing import LAST_CHUNK

# The bytes before a chunk's data: after them a line end may be data or framing, so nothing is
# certain.
_SIZE_BEFORE: Final = re.compile(rb"\n[0-9A-Fa-f]+(?:;[^\r\n]*)?\r\n[\r\n]+$")
_NEAR: Final = 256  # bytes of the end that are looked at
_LINE_ENDS: Final = b"\r\n"


def at_event_boundary(pieces: Sequence[bytes], stream: str, *, framed: bool) -> bool:
    """Tell whether the body that ends with `pieces` ends between two events.

    `stream` is "sse" or "ndjson". `framed`: chunk framing is inside and stands between two chunks;
    the last chunk may be there.
    """
    end = b"".join(pieces)[-_NEAR:]
    if not end:
        return True
    if framed:
        end = end.removesuffix(LAST_CHUNK).removesuffix(b"\r\n")
        if _SIZE_BEFORE.search(end):
            return False
    if stream == "sse":
        return end.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
    return end.endswith(b"\n")


def before_last_chunk(pieces: Sequence[bytes], data: bytes) -> tuple[bytes, bool]:
    """Return what of `data`, the final one of `pieces`, may go out without ending the message.

    The second value says whether that ends between two chunks. All of `data` is held back unless it
    holds the last chunk whole and plain: part of one is out already, or has trailers.
    """
    whole = b"".join(pieces)
    if data.endswith(LAST_CHUNK) and (whole == LAST_CHUNK or whole.endswith(b"\n" + LAST_CHUNK)):
        return data.removesuffix(LAST_CHUNK), True
    return b"", False


def without_surplus(pieces: Sequence[bytes], data: bytes) -> bytes:
    """Return `data`, which completes a chunked message, without line ends that follow the message.

    llhttp passes over them. They would stand before the client's next answer. The message itself
    ends with two line ends, whether it has trailers or not.
    """
    whole = b"".join((*pieces, data))
    surplus = len(whole) - len(whole.rstrip(_LINE_ENDS)) - 4
    return data[: len(data) - surplus] if 0 < surplus <= len(data) else data
