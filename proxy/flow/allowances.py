"""What the answer to a call of a known key says of the key's limits: `x-ratelimit-*`.

The names and units are those of the OpenAI API. `remaining` is what is left after this call was let
in, tokens by its estimate; `reset` is when all of the limit is there again.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from proxy.core.account import Grant
    from proxy.core.window import Allowance

_FIELDS: Final = (
    b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %.3fs\r\n"
)


def limit_fields(grant: "Grant") -> bytes:
    """Render them; empty for a key without limits of this kind."""
    account = grant.account
    rendered = b""
    if account.requests is not None:
        rendered = _of(b"requests", account.requests, grant.at)
    if account.tokens is not None:
        rendered += _of(b"tokens", account.tokens, grant.at)
    return rendered


def _of(name: bytes, allowance: "Allowance", now: float) -> bytes:
    left = max(0, int(allowance.remaining(now)))
    return _FIELDS % (name, allowance.limit, name, left, name, allowance.full_in(now))
