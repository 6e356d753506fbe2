"""Which header fields pass between client and engine, and which end here.

Three kinds end here, in both directions: fields that describe this hop only (RFC 9110 section
7.6.1, with everything `Connection` nominates), fields that frame the message (the sender of the
next hop writes its own), and fields that are ours to set. From the client also its credentials: an
engine gets its own key or none, never a tenant's.

A client may nominate fields in `Connection` to make a proxy drop them. That is granted, except for
the fields whose loss would change where the message goes or where it ends: those are refused.

Names and values are bytes as parsed. Costs (10 fields, CPython 3.11, 2 GHz class machine): see the
functions; they run once per distinct head, not once per request.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from proxy.core.failure import Failure, Kind, Origin, Phase

Field = tuple[bytes, bytes]

_NEVER: Final[frozenset[bytes]] = frozenset()
_HOP: Final = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_FRAMING: Final = frozenset({b"content-length"})
_OURS: Final = frozenset({b"x-request-id"})
_CREDENTIALS: Final = frozenset(
    {b"api-key", b"authorization", b"cookie", b"x-api-key", b"x-goog-api-key"}
)
_REQUEST: Final = (
    _HOP
    | _FRAMING
    | _OURS
    | _CREDENTIALS
    | {
        b"accept-encoding",  # an encoded answer could not be looked into
        b"expect",  # answered here: the body is read before an engine is chosen
        b"host",
        b"x-conversation-id",  # llama-server keeps generating for it after the client has left
    }
)
_RESPONSE: Final = _HOP | _FRAMING | _OURS
_PREFIXES: Final = (b"proxy-", b"x-headrace-")
_NOT_NOMINATED: Final = frozenset(
    {b"content-encoding", b"content-length", b"content-type", b"host", b"transfer-encoding"}
)
_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_SAFE_ID: Final = re.compile(rb"[\x21-\x7e]{1,128}")


def request_fields(raw: Iterable[Field], also: frozenset[bytes] = _NEVER) -> list[Field] | Failure:
    """Return what an engine may see of a client's header fields: names in lower case, order kept.

    `also` holds more names (lower case) this engine must not see. Fails with BAD_REQUEST when
    `Connection` nominates a field that routes or frames the message.
    """
    kept: list[Field] = []
    nominated: set[bytes] = set()
    for name, value in raw:
        lower = name.lower()
        if lower in _REQUEST or lower.startswith(_PREFIXES):
            if lower == b"connection":
                nominated |= _tokens(value)
            continue
        kept.append((lower, value))
    refused = nominated & _NOT_NOMINATED
    if refused:
        names = b", ".join(sorted(refused)).decode("ascii")
        return Failure(
            kind=Kind.BAD_REQUEST,
            origin=Origin.CLIENT,
            phase=Phase.READ,
            detail=f"Connection must not nominate {names}",
        )
    dropped = nominated | also
    if dropped:
        return [field for field in kept if field[0] not in dropped]
    return kept


def response_fields(raw: Iterable[Field]) -> list[Field] | None:
    """Return what the client may see of an engine's header fields: names in lower case, order kept.

    None when a name is no token or a value holds a control byte: such a head must not be passed on
    (parsers of engines' heads are lenient; a client's may not be). Framing fields are left out: who
    writes the answer writes them.
    """
    kept: list[Field] = []
    nominated: set[bytes] = set()
    for name, value in raw:
        lower = name.lower()
        if not lower or lower.translate(None, _TOKEN) or _CONTROL.search(value):
            return None
        if lower in _RESPONSE or lower.startswith(_PREFIXES):
            if lower == b"connection":
                nominated |= _tokens(value)
            continue
        kept.append((lower, value))
    if nominated:
        # An engine cannot make us lose the type of its own body.
        nominated -= _NOT_NOMINATED
        return [field for field in kept if field[0] not in nominated]
    return kept


def request_id(value: bytes | None, fallback: bytes) -> bytes:
    """Return the client's request id if it is safe to log and echo, else `fallback`.

    Safe: 1 to 128 visible ASCII characters.
    """
    return value if value is not None and _SAFE_ID.fullmatch(value) else fallback


def render(fields: Sequence[Field]) -> bytes:
    """Return the fields as header lines, each with its line end; no blank line after them."""
    return b"".join([name + b": " + value + b"\r\n" for name, value in fields])


def _tokens(value: bytes) -> set[bytes]:
    return {token.strip(b" \t") for token in value.lower().split(b",")}
