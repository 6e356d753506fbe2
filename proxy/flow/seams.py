"""What stands behind a chunked message and must not go out with it."""

from collections.abc import Sequence
from typing import Final

_LINE_ENDS: Final = b"\r\n"


def without_surplus(pieces: Sequence[bytes], data: bytes) -> bytes:
    """Return `data`, which completes a chunked message, without line ends that follow the message.

    llhttp passes over them. They would stand before the client's next answer. The message itself
    ends with two line ends, whether it has trailers or not.
    """
    whole = b"".join((*pieces, data))
    surplus = len(whole) - len(whole.rstrip(_LINE_ENDS)) - 4
    return data[: len(data) - surplus] if 0 < surplus <= len(data) else data
