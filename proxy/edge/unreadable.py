"""What is said of bytes that are no request: the parser's words, or plainer ones.

The parser is one for requests and answers; some of its words mean nothing to who sent a request.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiohttp.http import HttpProcessingError
from aiohttp.http_exceptions import LineTooLong

from proxy.core.failure import Failure, Kind
from proxy.edge.asks import bad
from proxy.edge.heads import MAX_FIELDS

MAX_LINE: Final = 8190  # bytes of one header line, as everywhere in the field
_PLAINER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Bad status line": "the first line is no METHOD /path HTTP/1.1 with CR LF behind it",
        "Pause on PRI/Upgrade": "this is HTTP/2, only 1.0 and 1.1 are spoken here",
        "Received HTTPS traffic on an HTTP port": "this is TLS, on a port without",
    }
)


def unreadable(error: HttpProcessingError) -> Failure:
    """Return what was wrong with bytes the parser has refused."""
    if isinstance(error, LineTooLong):
        detail = f"a line of the request head is over {MAX_LINE} bytes"
        return bad(detail, Kind.HEAD_TOO_LARGE)
    # aiohttp's own words quote the offending bytes; the first line names the fault.
    first = str(error.message).partition("\n")[0].strip(" :")
    if first.startswith("Too many headers"):
        return bad(f"the request head has over {MAX_FIELDS} fields", Kind.HEAD_TOO_LARGE)
    return bad(f"the request is not valid HTTP: {_PLAINER.get(first, first)}")
