"""API keys of clients: how they are made, kept and recognised.

A key is 256 random bits, so its SHA-256 is kept and nothing slower: a slow hash (bcrypt, argon2)
protects words that people think of, which can be guessed; 2^256 values cannot, at any speed. It is
recognised by a table of hashes. Who times that learns about the hash of what he sent, and cannot
choose what it begins with, so time tells nothing; the hash that is found is compared in constant
time all the same.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, Literal

import msgspec

from proxy.core.catalog import matches
from proxy.core.headers import Field

PREFIX: Final = "hr-"  # by which scanners for secrets in code know it
RANDOM: Final = 32  # bytes
SHOWN: Final = 7  # letters of a key that lists may show, 24 of its bits
HASH: Final = "sha256:"
MAX_KEY: Final = 512  # bytes of a credential that are looked at
SOCKET: Final = b"openai-insecure-api-key."  # browsers cannot set a header of a WebSocket

_BEARER: Final = b"bearer "
_PLACES: Final = (b"authorization", b"x-api-key", b"api-key")
_PROTOCOL: Final = b"sec-websocket-protocol"


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """The hash of one secret, and when it stops to count (Unix seconds). A key may have several."""

    digest: bytes
    expires_at: float | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Who may ask for what. None is no limit.

    models: patterns, none = all. money is in the unit of the prices. A tenant groups keys in
    metrics. `priority` is its place in queues: lower goes first.
    """

    name: str
    credentials: tuple[Credential, ...] = ()
    models: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    budget_tokens: int | None = None
    budget_money: float | None = None
    budget_period: Literal["day", "month"] = "month"
    priority: int = 0
    tenant: str = ""

    def may_use(self, model: str) -> bool:
        """Tell whether it may ask for a model, by the name the client uses."""
        return not self.models or any(matches(pattern, model) for pattern in self.models)


class Ring:
    """All keys there are, recognised by their secrets. Never changed: others are another ring."""

    __slots__ = ("_found", "keys")

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys: Mapping[str, Key] = {key.name: key for key in keys}
        self._found: dict[bytes, tuple[Key, Credential]] = {
            one.digest: (key, one) for key in self.keys.values() for one in key.credentials
        }

    def find(self, secret: bytes) -> tuple[Key, Credential] | None:
        """Return the key of a secret, whether it still counts or not."""
        digest = sha256(secret).digest()
        found = self._found.get(digest)
        if found is None or not hmac.compare_digest(found[1].digest, digest):
            return None
        return found


def made(random: bytes) -> str:
    """Return a new key from `RANDOM` random bytes."""
    return PREFIX + urlsafe_b64encode(random).rstrip(b"=").decode("ascii")


def digest(secret: str) -> bytes:
    """Return what is kept of a key."""
    return sha256(secret.encode()).digest()


def written(digest: bytes) -> str:
    """Return a hash as it stands in settings."""
    return HASH + digest.hex()


def read(text: str) -> bytes | None:
    """Return the hash that settings write so; None if it is none."""
    if not text.startswith(HASH):
        return None
    try:
        found = bytes.fromhex(text.removeprefix(HASH))
    except ValueError:
        return None
    return found if len(found) == 32 else None


def presented(fields: Iterable[Field]) -> bytes:
    """Return the secret a request presents; empty if none. Names may be in any case.

    `Authorization: Bearer` counts before `x-api-key` (Anthropic's clients) and `api-key` (Azure's),
    these before the subprotocol by which browsers hand a key to a WebSocket.
    """
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        lower = name.lower()
        if lower in _PLACES:
            found.setdefault(lower, value.strip())
        elif lower == _PROTOCOL:
            found.setdefault(lower, _of_protocols(value))
    bearer = found.get(b"authorization", b"")
    if bearer[: len(_BEARER)].lower() == _BEARER:
        return bearer[len(_BEARER) :].strip()[:MAX_KEY]
    others = (found.get(name, b"") for name in (b"x-api-key", b"api-key", _PROTOCOL))
    return next((value for value in others if value), b"")[:MAX_KEY]


def _of_protocols(value: bytes) -> bytes:
    tokens = (token.strip() for token in value.split(b","))
    return next((one.removeprefix(SOCKET) for one in tokens if one.startswith(SOCKET)), b"")
