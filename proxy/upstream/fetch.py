"""The control plane's HTTP client: small GETs to engines, each over a connection of its own.

A check must open a connection, as a request would, and goes the same way (`connect.dial`): an
engine that shuts down often keeps answering on old ones. Paths come from an allow-list and are sent
as they stand; nothing is followed, stored, decompressed or taken from the environment; an answer
has a bounded size.

A check costs 0.15 ms of CPU so; with aiohttp's client it was 0.4 ms, which 500 backends ask for a
hundred times a second, and one that found nobody left a dozen objects to the garbage collector.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Mapping
from typing import Final, Protocol

from proxy.core.failure import EXHAUSTED, Failure, Kind, Origin, Phase
from proxy.dialects.base import Reply
from proxy.settings import address
from proxy.settings.seals import Seal
from proxy.upstream.connect import Endpoint, dial, why
from proxy.upstream.question import Question, failed
from proxy.upstream.whereabouts import Whereabouts

_REASONS: Final = {
    errno.ENOENT: "no such socket",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "no route to host",
}


class Peer(Protocol):
    """Something with an address: `http(s)://host:port` or `unix:///path`."""

    @property
    def url(self) -> str:
        """Where it listens."""


class HttpFetch:
    """GETs to peers. Use it inside a running loop.

    `paths` are all that may be asked. `keys` maps the URL of a peer to the Bearer key sent to it
    and to nobody else; `seals` what a peer is met with that speaks TLS.
    """

    __slots__ = ("_keys", "_named", "_paths", "_seals")

    def __init__(
        self,
        paths: frozenset[str],
        keys: Mapping[str, str],
        seals: Mapping[str, Seal] | None = None,
    ) -> None:
        self._named: dict[tuple[str, int], Whereabouts] = {}
        self.allow(paths, keys, seals)

    def allow(
        self,
        paths: frozenset[str],
        keys: Mapping[str, str],
        seals: Mapping[str, Seal] | None = None,
    ) -> None:
        """Put other paths, keys and seals in force, from the next question on."""
        self._paths = paths
        self._keys = dict(keys)
        self._seals = dict(seals or {})

    async def __call__(self, peer: Peer, path: str, timeout: float) -> Reply | Failure:
        """GET `path`. A path outside the allow-list is a mistake of the caller: ValueError."""
        if path not in self._paths:
            raise ValueError(f"{path!r} is not a path that may be asked")
        endpoint = _endpoint(peer.url)
        request = _request(endpoint, path, self._keys.get(peer.url))
        question: Question | None = None
        try:
            async with asyncio.timeout(timeout):
                there = self._there(endpoint)
                question = await dial(
                    endpoint, there, lambda: Question(request), self._seals.get(peer.url)
                )
                return await question.answer
        except (OSError, UnicodeError) as error:
            return failure(error)
        finally:
            if question is not None:
                question.close()

    def _there(self, endpoint: Endpoint) -> Whereabouts:
        """Return where the host is; names are kept, for what was known of them."""
        known = self._named.get((endpoint.host, endpoint.port))
        if known is None:
            known = Whereabouts(endpoint.host, endpoint.port)
            if known.named:
                self._named[endpoint.host, endpoint.port] = known
        return known


def _endpoint(url: str) -> Endpoint:
    there = address.backend(url)
    return Endpoint(
        host=there.host,
        port=there.port,
        path=there.path,
        secure=there.secure,
        below=there.below,
    )


def _request(endpoint: Endpoint, path: str, key: str | None) -> bytes:
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    return (
        f"GET {endpoint.below}{path} HTTP/1.1\r\n"
        f"Host: {endpoint.authority}\r\n"
        "Accept: */*\r\n"
        "Accept-Encoding: identity\r\n"
        "User-Agent: headrace\r\n"
        "Connection: close\r\n"
        f"{authorization}\r\n"
    ).encode()


def failure(error: OSError | UnicodeError) -> Failure:
    """Return the failure that stands for a connection that could not be made, or not in time."""
    if isinstance(error, TimeoutError | ConnectionAbortedError):  # the latter of a TLS handshake
        return failed(Kind.CONNECT_TIMEOUT, "timeout")
    if isinstance(error, ssl.SSLError):
        return failed(Kind.CONNECT_TLS, why(error))
    if isinstance(error, socket.gaierror | UnicodeError):
        return failed(Kind.CONNECT_FAILED, "host not found")
    if isinstance(error, ConnectionRefusedError):
        return failed(Kind.CONNECT_REFUSED, "refused")
    if isinstance(error, ConnectionResetError):
        return failed(Kind.CLOSED, "reset")
    if error.errno in EXHAUSTED:
        return Failure(
            kind=Kind.INTERNAL,
            origin=Origin.PROXY,
            phase=Phase.CONNECT,
            detail="this proxy has run out of files or memory",
        )
    return failed(Kind.CONNECT_FAILED, _REASONS.get(error.errno or 0, "cannot connect"))
