"""What the header fields of a request ask of an engine and of this proxy."""

import re
from collections.abc import Iterable
from typing import Final

from proxy.core import headers
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects import threads
from proxy.dialects.openai_api import Operation
from proxy.flow.course import Request

_SWITCH: Final = {b"on": True, b"off": False}
_NUMBER: Final = re.compile(rb"-?[0-9]{1,6}")
_VERSION: Final = re.compile(rb"20(?:2[3-9]|[3-9][0-9])-(?:0[1-9]|1[0-2])-[0-3][0-9]")
_SECONDS: Final = re.compile(rb"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s)?")


def asked(
    operation: Operation, raw: Iterable[headers.Field], scope: str | None
) -> Request | Failure:
    """Return what is asked, or why it is refused. `raw` are the fields, `scope` is the path's."""
    raw = tuple(raw)
    sent = headers.sent_on(raw)
    if isinstance(sent, Failure):
        return sent
    request = Request(operation, sent)
    for name, value in raw:
        lower = name.lower()
        if lower == b"content-type":
            request.content_type = value
        elif lower == b"x-request-id":
            request.request_id = headers.request_id(value, b"").decode("ascii") or None
        elif lower == b"anthropic-version" and _VERSION.fullmatch(value.strip()) is None:
            return bad("anthropic-version must be a date since 2023, such as 2023-06-01")
        elif lower == b"anthropic-beta":
            request.threads |= threads.BETA in value
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
            return bad("x-headrace-priority must be a whole number; lower goes first")
        request.priority = int(value)
    elif name == b"continue":
        request.continues = _SWITCH.get(value)
        if request.continues is None:
            return bad("x-headrace-continue must be `on` or `off`")
    elif name == b"timeout":
        match = _SECONDS.fullmatch(value)
        if match is None:
            return bad("x-headrace-timeout must be a duration such as 30s or 500ms")
        request.timeout = float(match.group(1)) / (1000 if match.group(2) == b"ms" else 1)
    return None


def bad(detail: str, kind: Kind = Kind.BAD_REQUEST) -> Failure:
    """Return the failure of a request that is refused for what it says."""
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
