"""Which header fields pass between client and engine, and which end here.

Three kinds end here, in both directions: fields that describe this hop only (RFC 9110 section
7.6.1, with everything `Connection` nominates), fields that frame the message (the sender of the
next hop writes its own), and fields that are ours to set. From the client also its credentials: an
engine gets its own key or none, never a tenant's.

A client may nominate fields in `Connection` to make a proxy drop them. That is granted, except for
the fields whose loss would change where the message goes or where it ends: those are refused.

Names and values are bytes as parsed.
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
CREDENTIALS: Final = frozenset(
    {b"api-key", b"authorization", b"cookie", b"x-api-key", b"x-goog-api-key"}
)
_REQUEST: Final = (
    _HOP
    | _FRAMING
    | _OURS
    | CREDENTIALS
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
_CONTROL: Final = bytes({*range(0x20), 0x7F} - {0x09})
_PSEUDONYM: Final = b"headrace"
MOST_HOPS: Final = 8  # a gateway before a cluster before a sidecar is three
_SAFE_ID: Final = re.compile(rb"[\x21-\x7e]{1,128}")


def request_fields(raw: Iterable[Field], also: frozenset[bytes] = _NEVER) -> list[Field] | Failure:
    """Return what an engine may see of a client's header fields: names in lower case, order kept.

    `also` holds more names (lower case) this engine must not see. Fails with BAD_REQUEST when
    `Connection` nominates a field that routes or frames the message. About 5 us for 10 fields.
    """
    fields = [(name.lower(), value) for name, value in raw]
    kept, nominated = _pass(fields, _REQUEST, b"".join([name for name, _ in fields]))
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
    return [field for field in kept if field[0] not in dropped] if dropped else kept


def sent_on(raw: Iterable[Field]) -> list[Field] | Failure:
    """Return what an engine is sent of a client's fields: those it may see, and where they passed.

    Ours in `Via` (RFC 9110 section 7.6.3) stands behind those of others. Fails as `request_fields`,
    and with LOOP after MOST_HOPS proxies like this one: no chain is so long, so two of them have
    each other as a backend, and would hand a request round until a limit ends it.
    """
    fields = request_fields(raw)
    if isinstance(fields, Failure):
        return fields
    hops = sum(value.count(b" " + _PSEUDONYM) for name, value in fields if name == b"via")
    if hops >= MOST_HOPS:
        return Failure(
            kind=Kind.LOOP,
            origin=Origin.CLIENT,
            phase=Phase.READ,
            detail=f"the request has come through {hops} proxies like this one",
        )
    return [*fields, (b"via", b"1.1 " + _PSEUDONYM)]


def response_fields(raw: Iterable[Field]) -> list[Field] | None:
    """Return what the client may see of an engine's header fields: names in lower case, order kept.

    None when a name is no token or a value holds a control byte: such a head must not be passed on
    (parsers of engines' heads are lenient; a client's may not be). Framing fields are left out: who
    writes the answer writes them. About 6 us for 10 fields.
    """
    fields = [(name.lower(), value) for name, value in raw]
    listed = [name for name, _ in fields]
    names = b"".join(listed)
    values = b"".join([value for _, value in fields])
    # Deleting bytes in one go is the cheapest look at all of them.
    if b"" in listed or names.translate(None, _TOKEN):
        return None
    if len(values.translate(None, _CONTROL)) != len(values):
        return None
    kept, nominated = _pass(fields, _RESPONSE, names)
    dropped = nominated - _NOT_NOMINATED  # an engine cannot make us lose the type of its body
    return [field for field in kept if field[0] not in dropped] if dropped else kept


def _pass(
    fields: list[Field], ended: frozenset[bytes], names: bytes
) -> tuple[list[Field], set[bytes]]:
    """Return the fields that do not end here, and the names that `Connection` nominates."""
    nominated: set[bytes] = set()
    kept: list[Field] = []
    prefixed = b"proxy-" in names or b"x-headrace-" in names  # hardly ever
    for field in fields:
        name = field[0]
        if name not in ended:
            if not (prefixed and name.startswith(_PREFIXES)):
                kept.append(field)
        elif name == b"connection":
            nominated |= {token.strip(b" \t") for token in field[1].lower().split(b",")}
    return kept, nominated


def without(fields: Iterable[Field], hidden: Iterable[bytes]) -> list[Field]:
    """Return the fields whose names (lower case) are not hidden; a `*` in `hidden` ends a prefix.

    What frames or types the message stays whatever is hidden.
    """
    names = frozenset(hidden) - _NOT_NOMINATED
    prefixes = tuple(name[:-1] for name in names if name.endswith(b"*"))
    return [
        field
        for field in fields
        if field[0] in _NOT_NOMINATED
        or (field[0] not in names and not (prefixes and field[0].startswith(prefixes)))
    ]


def request_id(value: bytes | None, fallback: bytes) -> bytes:
    """Return the client's request id if it is safe to log and echo, else `fallback`.

    Safe: 1 to 128 visible ASCII characters.
    """
    return value if value is not None and _SAFE_ID.fullmatch(value) else fallback


def render(fields: Sequence[Field]) -> bytes:
    """Return the fields as header lines, each with its line end; no blank line after them."""
    return b"".join([name + b": " + value + b"\r\n" for name, value in fields])
