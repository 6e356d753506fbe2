"""How much of a body may be decoded and written anew while everybody waits.

Passing a body on costs next to nothing, whatever is in it. Saying it in another dialect costs by
what is in it (CPython 3.11, 2026-11), and it cannot be interrupted:

    an object                1.5 to 3.2 us
    a short string           0.1 us
    an escape in a string    0.02 us
    a byte                   0.003 us

So what is translated is bounded by counting those: to some 50 ms in all. Bodies of `SMALL` bytes
are within it whatever they hold, and nothing is counted in them.
"""

import re
from itertools import islice
from typing import Final

from proxy.core.shorten import shorten

SMALL: Final = 64 * 1024
LARGE: Final = 1024 * 1024  # bytes from which nothing is done twice
MOST: Final = 16 * 1024 * 1024  # bytes
OBJECTS: Final = 10_000
STRINGS: Final = 200_000
ESCAPES: Final = 1_000_000
SHORT: Final = 2 * 1024 * 1024  # bytes besides long strings
# In a string the quote would be escaped.
_object: Final = re.compile(rb'\{[ \t\r\n]*+"').finditer


def excess(body: bytes) -> str:
    """Return what a JSON body has too much of to be translated; empty if nothing.

    Costs 13 ms for a body of `MOST` bytes.
    """
    if len(body) <= SMALL:
        return ""
    if len(body) > MOST:
        return f"{MOST} bytes"
    if body.count(b"\\") > ESCAPES:
        return f"{ESCAPES} escaped characters"
    text = shorten(body)
    if len(text) > SHORT:
        return f"{SHORT} bytes besides long texts"
    if text.count(b'"') > 2 * STRINGS:
        return f"{STRINGS} strings"
    if next(islice(_object(text), OBJECTS, None), None) is not None:
        return f"{OBJECTS} objects"
    return ""
