"""The control plane's HTTP client: small GETs to engines, each over a connection of its own.

A check must open a connection, as a request would: an engine that shuts down often keeps answering
on old ones. Paths come from an allow-list and are sent as they stand; nothing is followed, stored,
decompressed or taken from the environment; an answer has a bounded size.
"""

import errno
import ssl
from collections.abc import Mapping

import aiohttp
import yarl

from proxy.core import handshake
from proxy.core.failure import EXHAUSTED, Failure, Kind, Origin, Phase
from proxy.dialects.base import Reply
from proxy.discovery.asking import Peer
from proxy.discovery.remembering import Remembering
from proxy.settings.seals import Seal

MAX_BODY = 4 * 1024 * 1024
_UNIX = "unix://"
_REASONS = {
    errno.ECONNREFUSED: "refused",
    errno.ENOENT: "no such socket",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "no route to host",
}


class HttpFetch:
    """A `Fetch` over aiohttp. Make it inside a running loop; `close` it in the end.

    `paths` are all that may be asked. `keys` maps the URL of a peer to the Bearer key sent to it
    and to nobody else; `seals` what a peer is met with that speaks TLS.
    """

    __slots__ = ("_keys", "_paths", "_seals", "_sessions")

    def __init__(
        self,
        paths: frozenset[str],
        keys: Mapping[str, str],
        seals: Mapping[str, Seal] | None = None,
    ) -> None:
        self._paths = paths
        self._keys = dict(keys)
        self._seals = dict(seals or {})
        self._sessions: dict[str, aiohttp.ClientSession] = {}

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

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions = {}

    async def __call__(self, peer: Peer, path: str, timeout: float) -> Reply | Failure:
        """GET `path`. A path outside the allow-list is a mistake of the caller: ValueError."""
        if path not in self._paths:
            raise ValueError(f"{path!r} is not a path that may be asked")
        base = "http://localhost" if peer.url.startswith(_UNIX) else peer.url.rstrip("/")
        key = self._keys.get(peer.url)
        seal = self._seals.get(peer.url)
        try:
            async with self._session(peer.url).get(
                yarl.URL(base + path, encoded=True),
                headers={"Authorization": f"Bearer {key}"} if key else None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
                ssl=True if seal is None else seal.context,
                server_hostname=None if seal is None else seal.server_name,
            ) as response:
                return await _read(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            return failure(error)

    def _session(self, url: str) -> aiohttp.ClientSession:
        socket = url.removeprefix(_UNIX) if url.startswith(_UNIX) else ""
        session = self._sessions.get(socket)
        if session is None:
            session = self._sessions[socket] = aiohttp.ClientSession(
                connector=_connector(socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"Accept-Encoding": "identity", "User-Agent": "headrace"},
                trust_env=False,
            )
        return session


def _connector(socket: str) -> aiohttp.BaseConnector:
    if socket:
        return aiohttp.UnixConnector(socket, limit=0, force_close=True)
    # Names are resolved anew for each check: an address that moved is found at once.
    return aiohttp.TCPConnector(
        limit=0, force_close=True, use_dns_cache=False, resolver=Remembering()
    )


async def _read(response: aiohttp.ClientResponse) -> Reply | Failure:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MAX_BODY:
            return _failed(Kind.BAD_RESPONSE, f"answer over {MAX_BODY} bytes")
    return Reply(
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=bytes(body),
    )


def failure(error: Exception) -> Failure:
    """Return the failure that stands for an exception of the client."""
    if isinstance(error, TimeoutError):
        return _failed(Kind.CONNECT_TIMEOUT, "timeout")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _failed(Kind.CONNECT_FAILED, "host not found")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _failed(Kind.CONNECT_TLS, _distrust(error.certificate_error))
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        reason = getattr(error.os_error, "reason", None)
        return _failed(Kind.CONNECT_TLS, handshake.refused(reason or ""))
    if isinstance(error, aiohttp.ClientOSError):
        return _of_system(error)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return _failed(Kind.CLOSED, "closed without an answer")
    if isinstance(error, aiohttp.ClientPayloadError):
        return _failed(Kind.CLOSED, "closed within the answer")
    return _failed(Kind.BAD_RESPONSE, "not HTTP")


def _distrust(error: Exception) -> str:
    assert isinstance(error, ssl.SSLCertVerificationError)
    return handshake.judged(error.verify_code, error.verify_message)


def _of_system(error: aiohttp.ClientOSError) -> Failure:
    number = error.errno
    if number in EXHAUSTED:
        return Failure(
            kind=Kind.INTERNAL,
            origin=Origin.PROXY,
            phase=Phase.CONNECT,
            detail="this proxy has run out of files or memory",
        )
    if number == errno.ECONNREFUSED:
        return _failed(Kind.CONNECT_REFUSED, "refused")
    if number == errno.ECONNRESET:
        return _failed(Kind.CLOSED, "reset")
    return _failed(Kind.CONNECT_FAILED, _REASONS.get(number or 0, "cannot connect"))


def _failed(kind: Kind, detail: str) -> Failure:
    phase = Phase.CONNECT if kind.value.startswith("connect") else Phase.WAIT
    return Failure(kind=kind, origin=Origin.BACKEND, phase=phase, detail=detail)
