"""A request head, judged once: what the parser lets through and a proxy must not, and the route.

The parser (llhttp) has already refused smuggled framing, bad bytes, missing or repeated Host. Left
to refuse here: other protocol versions, odd Host values, chunked framing on HTTP/1.0, encoded
bodies, upgrades, targets that are not a plain path, heads that are too large altogether.
"""

import re
from typing import Final

import msgspec
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage

from proxy.core import headers
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.openai_api import OPERATIONS, Operation
from proxy.flow.course import Request
from proxy.flow.scope import split

MAX_FIELDS: Final = 100
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._~%!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_ABSOLUTE: Final = re.compile(r"https?://([^/?#]*)(/[^#]*)?", re.IGNORECASE)
_NUMBER: Final = re.compile(rb"-?[0-9]{1,6}")
_SECONDS: Final = re.compile(rb"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s)?")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a head asks for. `operation` is None for everything the ordinary lane serves.

    `length` is -1 for a chunked body. `path` is without query and, for an operation, without the
    scope.
    """

    path: str
    operation: Operation | None
    request: Request | None
    length: int
    http10: bool
    close: bool
    expects: bool


def judge(message: RawRequestMessage, limit: int) -> Head | Failure:
    """Return what the head asks for, or why it is refused. `limit` is for all its bytes."""
    problem = _version_problem(message) or _size_problem(message, limit) or _body_problem(message)
    if problem is not None:
        return problem
    path = _path(message)
    if isinstance(path, Failure):
        return path
    scope, inner = split(path)
    operation = OPERATIONS.get(inner) if message.method == "POST" else None
    request = _request(operation, message, scope) if operation is not None else None
    if isinstance(request, Failure):
        return request
    length = message.headers.get("content-length")
    http10 = message.version == HttpVersion10
    return Head(
        path=path if operation is None else inner,
        operation=operation,
        request=request,
        length=-1 if message.chunked else int(length or 0),
        http10=http10,
        close=message.should_close,
        # A client of HTTP/1.0 cannot expect anything: RFC 9110, section 10.1.1.
        expects=not http10 and message.headers.get("expect", "").lower() == "100-continue",
    )


def _version_problem(message: RawRequestMessage) -> Failure | None:
    version = message.version
    if version not in {HttpVersion10, HttpVersion11}:
        return _bad(f"HTTP/{version.major}.{version.minor} is not spoken here, only 1.0 and 1.1")
    coding = message.headers.getall("transfer-encoding", None)
    if coding is not None:
        if version == HttpVersion10:
            return _bad("HTTP/1.0 knows no Transfer-Encoding")
        if len(coding) > 1 or coding[0].lower() != "chunked":
            return _bad("no Transfer-Encoding is read here but `chunked`")
    host = message.headers.get("host")
    if host is not None and host and _HOST.fullmatch(host) is None:
        return _bad("the Host header is not a host")
    if message.method in {"CONNECT", "TRACE"}:
        return _bad(f"{message.method} is not served here", Kind.METHOD)
    if message.upgrade:
        return _bad("protocol upgrades are not served here")
    return None


def _size_problem(message: RawRequestMessage, limit: int) -> Failure | None:
    raw = message.raw_headers
    size = len(message.path) + sum([len(name) + len(value) + 4 for name, value in raw])
    if size > limit:
        return _bad(f"the request head has {size} bytes, over {limit}", Kind.HEAD_TOO_LARGE)
    if len(raw) > MAX_FIELDS:
        detail = f"the request head has {len(raw)} fields, over {MAX_FIELDS}"
        return _bad(detail, Kind.HEAD_TOO_LARGE)
    return None


def _body_problem(message: RawRequestMessage) -> Failure | None:
    for given in message.headers.getall("content-encoding", ()):
        coding = given.strip().lower()
        if coding not in {"", "identity"}:
            detail = f"a body encoded as {coding[:40]} is not read here"
            return _bad(detail, Kind.UNSUPPORTED_CODING)
    return None


def _path(message: RawRequestMessage) -> str | Failure:
    """Return the path of the target, as it was sent: nothing is decoded or normalised."""
    target = message.path
    if not target.startswith("/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None or "@" in absolute.group(1):
            if target == "*" and message.method == "OPTIONS":
                return target
            return _bad("the request target is not a path")
        target = absolute.group(2) or "/"
    return target.partition("?")[0]


def _request(
    operation: Operation, message: RawRequestMessage, scope: str | None
) -> Request | Failure:
    kept = headers.request_fields(message.raw_headers)
    if isinstance(kept, Failure):
        return kept
    request = Request(operation, kept)
    for name, value in message.raw_headers:
        lower = name.lower()
        if lower == b"content-type":
            request.content_type = value
        elif lower == b"x-request-id":
            request.request_id = headers.request_id(value, b"").decode("ascii") or None
        elif lower.startswith(b"x-headrace-"):
            problem = _own_field(request, lower[11:], value.strip())
            if problem is not None:
                return problem
    request.scope = scope
    if request.pin is None:
        request.pin = scope
    return request


def _own_field(request: Request, name: bytes, value: bytes) -> Failure | None:
    """Take one of the request headers that address this proxy."""
    if name == b"session":
        request.session = value.decode("latin-1")[:256]
    elif name == b"backend":
        request.pin = value.decode("latin-1")[:256]
    elif name == b"priority":
        if _NUMBER.fullmatch(value) is None:
            return _bad("x-headrace-priority must be a whole number; lower goes first")
        request.priority = int(value)
    elif name == b"timeout":
        match = _SECONDS.fullmatch(value)
        if match is None:
            return _bad("x-headrace-timeout must be a duration such as 30s or 500ms")
        request.timeout = float(match.group(1)) / (1000 if match.group(2) == b"ms" else 1)
    return None


def _bad(detail: str, kind: Kind = Kind.BAD_REQUEST) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
