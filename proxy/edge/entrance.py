"""The entrance to the admin pages: their token, and header fields that keep browsers careful.

The token is asked for on every page but the two that probes read. It is compared by digests, in a
time that says nothing about it. In a browser it is the password of Basic, whatever the user: so the
dashboard and its feed work without a page to log in and without cookies.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from aiohttp import web

from proxy.edge.orders import answer
from proxy.settings.credential import Secret

OPEN: Final = frozenset({"/healthz", "/readyz"})
CAREFUL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Server": "headrace",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Entrance:
    """Asks for the token, if there is one; `token` may become another one at any time."""

    __slots__ = ("_digest",)

    def __init__(self) -> None:
        self._digest: bytes | None = None

    def lock(self, token: Secret | None) -> None:
        """Ask for `token` from now on; None = for nothing."""
        self._digest = None if token is None else _digest(token.reveal().encode())

    def guard(self, app: web.Application) -> None:
        """Stand before every page of `app`."""

        @web.middleware
        async def ask(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path in OPEN or self.admits(request.headers.get("Authorization", "")):
                return await handler(request)
            refusal = answer({"error": "this page needs the admin_token: send it as Bearer"}, 401)
            refusal.headers["WWW-Authenticate"] = 'Basic realm="headrace", charset="UTF-8"'
            return refusal

        app.middlewares.insert(0, ask)
        app.on_response_prepare.append(_careful)

    def admits(self, authorization: str) -> bool:
        """Tell whether a header says the token."""
        if self._digest is None:
            return True
        said = _said(authorization)
        return said is not None and hmac.compare_digest(_digest(said), self._digest)


def _said(authorization: str) -> bytes | None:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip().encode("utf-8", "surrogateescape")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest.strip(), validate=True)
        except (binascii.Error, ValueError):
            return None
        return pair.partition(b":")[2]
    return None


def _digest(said: bytes) -> bytes:
    return hashlib.sha256(said).digest()


async def _careful(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in CAREFUL.items():
        response.headers.setdefault(name, value)
