"""What the answer to a call of a known key says of the key's limits: `x-ratelimit-*`.

The names and units are those of the OpenAI API. `remaining` is what is left after this call was let
in, tokens by its estimate; `reset` is when all of the limit is there again.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from proxy.core.account import Grant
    from proxy.core.window import Allowance

_FIELDS: Final = (
    "x-ratelimit-limit-{name}: {limit:.0f}\r\nx-ratelimit-remaining-{name}: %d\r\n"
    "x-ratelimit-reset-{name}: %dms\r\n"
)


def limit_fields(grant: "Grant") -> bytes:
    """Render them; empty for a key without limits of this kind."""
    account = grant.account
    rendered = b""
    if account.requests is not None:
        rendered = _of("requests", account.requests, grant.at)
    if account.tokens is not None:
        rendered += _of("tokens", account.tokens, grant.at)
    return rendered


def _of(name: str, allowance: "Allowance", now: float) -> bytes:
    left = allowance.remaining(now)
    shown = max(0, left)
    return _template(name, allowance.limit) % (shown, allowance.full_in(now) * 1000)


@lru_cache(maxsize=4096)
def _template(name: str, limit: float) -> bytes:
    return _FIELDS.format(name=name, limit=limit).encode()
