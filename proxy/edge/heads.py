"""A request head, judged once: what the parser lets through and a proxy must not, and the route.

The parser (llhttp) has already refused smuggled framing, bad bytes, missing or repeated Host. Left
to refuse here: other protocol versions, odd Host values, chunked framing on HTTP/1.0, encoded
bodies, WebSockets where none is, targets that are not a plain path, heads that are too large
altogether. Offers of other protocols are ignored, as RFC 9110, section 7.8 allows: Java's client
offers HTTP/2 with every request.
"""

import re
from typing import Final

import msgspec
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage

from proxy.core.failure import Failure, Kind
from proxy.dialects.openai_api import OPERATIONS, Operation
from proxy.dialects.passages import find
from proxy.edge import passing, queries
from proxy.edge.asks import asked, bad
from proxy.edge.passing import Passed
from proxy.flow.course import Request
from proxy.flow.scope import split

MAX_FIELDS: Final = 100
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._~%!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_ABSOLUTE: Final = re.compile(r"https?://([^/?#]*)(/[^#]*)?", re.IGNORECASE)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a head asks for: an `operation`, something `passed`, or what the ordinary lane serves.

    `length` is -1 for a chunked body. `path` is without query and, but for the ordinary lane,
    without the scope.
    """

    path: str
    operation: Operation | None
    request: Request | None
    length: int
    http10: bool
    close: bool
    expects: bool
    passed: Passed | None = None

    @property
    def boundless(self) -> bool:
        """Tell whether the body may be of any size: then it is never held."""
        return self.passed is not None and self.passed.passage.boundless


def judge(message: RawRequestMessage, limit: int) -> Head | Failure:
    """Return what the head asks for, or why it is refused. `limit` is for all its bytes."""
    problem = _version_problem(message) or _size_problem(message, limit) or _body_problem(message)
    if problem is not None:
        return problem
    path = _path(message)
    if isinstance(path, Failure):
        return path
    wanted = _wanted(message, path)
    if isinstance(wanted, Failure):
        return wanted
    path, operation, request, passed = wanted
    length = message.headers.get("content-length")
    http10 = message.version == HttpVersion10
    return Head(
        path=path,
        operation=operation,
        request=request,
        passed=passed,
        length=-1 if message.chunked else int(length or 0),
        http10=http10,
        close=message.should_close or message.upgrade,
        # A client of HTTP/1.0 cannot expect anything: RFC 9110, section 10.1.1.
        expects=not http10 and message.headers.get("expect", "").lower() == "100-continue",
    )


_Wanted = tuple[str, Operation | None, Request | None, Passed | None]


def _wanted(message: RawRequestMessage, path: str) -> _Wanted | Failure:
    """Return what the path leads to, and the path without the scope unless that is a page."""
    scope, inner = split(path)
    operation = OPERATIONS.get(inner) if message.method == "POST" else None
    websocket = message.upgrade and _offers_websocket(message)
    if operation is not None and not websocket:
        request = asked(operation, message.raw_headers, scope)
        if isinstance(request, Failure):
            return request
        request.query = queries.version(message.path.partition("?")[2])
        return inner, operation, request, None
    passage = find(inner)
    if passage is not None and message.method in passage.methods:
        passed = passing.judge(message, passage, inner, scope)
        if isinstance(passed, Failure):
            return passed
        if passage.upgrade or not websocket:
            return inner, None, passed.request, passed
    if websocket:
        return bad("no path is a WebSocket here but /v1/realtime")
    return path, None, None, None


def _offers_websocket(message: RawRequestMessage) -> bool:
    return "websocket" in ",".join(message.headers.getall("upgrade", ())).lower()


def _version_problem(message: RawRequestMessage) -> Failure | None:
    version = message.version
    if version not in {HttpVersion10, HttpVersion11}:
        return bad(f"HTTP/{version.major}.{version.minor} is not spoken here, only 1.0 and 1.1")
    coding = message.headers.getall("transfer-encoding", None)
    if coding is not None:
        if version == HttpVersion10:
            return bad("HTTP/1.0 knows no Transfer-Encoding")
        if len(coding) > 1 or coding[0].lower() != "chunked":
            return bad("no Transfer-Encoding is read here but `chunked`")
    host = message.headers.get("host")
    if host is not None and host and _HOST.fullmatch(host) is None:
        return bad("the Host header is not a host")
    if message.method in {"CONNECT", "TRACE"}:
        return bad(f"{message.method} is not served here", Kind.METHOD)
    return None


def _size_problem(message: RawRequestMessage, limit: int) -> Failure | None:
    raw = message.raw_headers
    size = len(message.path) + sum([len(name) + len(value) + 4 for name, value in raw])
    if size > limit:
        detail = f"the request head has {size} bytes, over {limit} (limits.headers)"
        return bad(detail, Kind.HEAD_TOO_LARGE)
    if len(raw) > MAX_FIELDS:
        detail = f"the request head has {len(raw)} fields, over {MAX_FIELDS}"
        return bad(detail, Kind.HEAD_TOO_LARGE)
    return None


def _body_problem(message: RawRequestMessage) -> Failure | None:
    for given in message.headers.getall("content-encoding", ()):
        coding = given.strip().lower()
        if coding not in {"", "identity"}:
            detail = f"a body encoded as {coding[:40]} is not read here"
            return bad(detail, Kind.UNSUPPORTED_CODING)
    return None


def _path(message: RawRequestMessage) -> str | Failure:
    """Return the path of the target, as it was sent: nothing is decoded or normalised."""
    target = message.path
    if not target.startswith("/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None or "@" in absolute.group(1):
            if target == "*" and message.method == "OPTIONS":
                return target
            return bad("the request target is not a path")
        target = absolute.group(2) or "/"
    return target.partition("?")[0]
