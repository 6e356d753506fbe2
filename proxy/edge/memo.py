"""A request head that has been judged, to be recognised when it comes again on its connection.

Clients repeat their heads byte for byte; only the length of the body differs. What is kept is the
text before and behind those digits, so a match is two prefix comparisons and a digit test, as
strict as comparing the whole head: one byte more, less or other and the parser judges anew.
"""

import re
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from proxy.edge.heads import Head

_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,11})\r\n", re.IGNORECASE)
MAX_HEAD: Final = 8192  # longer heads are not worth keeping twice


class Memo:
    """One judged head."""

    __slots__ = ("_after", "_before", "head")

    def __init__(self, before: bytes, after: bytes, head: "Head") -> None:
        self._before = before
        self._after = after
        self.head = head

    @classmethod
    def of(cls, head: "Head", data: bytes) -> Self | None:
        """Keep the head that `data` begins with; None if it cannot be recognised safely."""
        end = data.find(b"\r\n\r\n") + 2
        if end < 2 or end > MAX_HEAD or head.length < 0:
            return None
        found = list(_LENGTH.finditer(data, 0, end))
        if len(found) != 1 or int(found[0].group(1)) != head.length:
            return None
        start, stop = found[0].span(1)
        if len(data) > end + 2 + head.length:
            return None  # another message begins behind it: the parser is in the middle of that one
        return cls(data[:start], data[stop : end - 2], head)

    def match(self, data: bytes, end: int) -> int:
        """Return the body's length if the head in `data[:end]` is this one, else -1."""
        before, after = self._before, self._after
        digits = data[len(before) : end - len(after)]
        if (
            digits.isdigit()
            and len(digits) < 12
            and data.startswith(before)
            and data.startswith(after, end - len(after))
        ):
            return int(digits)
        return -1
