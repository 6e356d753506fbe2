"""What the answer to a call of a known key says of the key's limits: `x-ratelimit-*`.

The names and units are those of the OpenAI API. `remaining` is what is left after this call was let
in, tokens by its estimate. `reset` is when all of the limit is there again: a window slides, so
that is always a period after what was taken last, and the same in every answer.

What an engine says of such limits is said of the key it is asked with, which all clients share: it
goes to clients only while they have no keys of their own here.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from proxy.core.window import FULL_IN

if TYPE_CHECKING:
    from proxy.core.account import Grant

_FIELDS: Final = (
    "x-ratelimit-limit-{name}: {limit}\r\nx-ratelimit-remaining-{name}: %d\r\n"
    "x-ratelimit-reset-{name}: {reset:.0f}ms\r\n"
)
# OpenAI's and Anthropic's names, and those of the IETF's draft.
_OF_ENGINES: Final = re.compile(rb"^(?:x-|anthropic-)?ratelimit[^:\r]*:[^\r]*\r\n", re.MULTILINE)


def without_limits(start: bytes) -> bytes:
    """Leave out of the start of a head what an engine says of its own limits."""
    return _OF_ENGINES.sub(b"", start) if b"ratelimit" in start else start


def limit_fields(grant: "Grant") -> bytes:
    """Render them; empty for a key without limits of this kind."""
    account, now = grant.account, grant.at
    requests, tokens = account.requests, account.tokens
    if requests is None and tokens is None:
        return b""
    some = 0.0 if requests is None else requests.remaining(now)
    many = 0.0 if tokens is None else tokens.remaining(now)
    both = (some if some >= 1 else 0, many if many >= 1 else 0)
    key = account.key
    template = _template(key.requests_per_minute, key.tokens_per_minute)
    if requests is None or tokens is None:
        return template % (both[0] if tokens is None else both[1])
    return template % both


@lru_cache(maxsize=4096)
def _template(requests: int | None, tokens: int | None) -> bytes:
    limits = (("requests", requests), ("tokens", tokens))
    told = [
        _FIELDS.format(name=name, limit=limit, reset=FULL_IN * 1000)
        for name, limit in limits
        if limit is not None
    ]
    return "".join(told).encode()
