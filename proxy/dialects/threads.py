"""Message threads of Anthropic's API: a conversation that the service keeps, turn by turn.

No engine keeps one; those that speak the API pass over `thread`, and would answer the next turn
without those before it. So such a request is refused, whatever the engine, with the details by
which Anthropic's clients know it: they send the same turn again with all its messages.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from proxy.core.decoding import DECODE_ERRORS
from proxy.core.shorten import shorten

BETA: Final = b"message-threads"  # in `anthropic-beta`: without it there is no such field
FIELD: Final = "thread"
WHY: Final = "no conversation is kept; send all messages."
DETAILS: Final[Mapping[str, Any]] = {
    "error_code": "thread_unsupported_request",
    "unsupported": ["message_threads"],
}


_NAMED: Final = b'"thread"'
_MOST: Final = 1024 * 1024  # bytes besides long texts: decoded in 5 to 20 ms


class _Threaded(msgspec.Struct):
    thread: msgspec.Raw = msgspec.Raw(b"null")


_decoder: Final = msgspec.json.Decoder(_Threaded)


def wanted(body: bytes) -> bool:
    """Tell whether a request is a turn of a thread; one too large to be read here counts as one.

    Who asks for a turn and is refused asks again without a thread, and is not asked then.
    """
    if _NAMED not in body:
        return False
    text = shorten(body)
    if len(text) > _MOST:
        return True
    try:
        return bytes(_decoder.decode(text).thread) != b"null"
    except DECODE_ERRORS:
        return False
