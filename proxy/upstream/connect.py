"""Opening a connection to an engine, with foreign errors mapped to a `Failure` once."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

import msgspec
from typing_extensions import override

from proxy.core import handshake
from proxy.core.failure import EXHAUSTED, Failure, Kind, Origin, Phase
from proxy.settings.seals import Seal
from proxy.upstream.whereabouts import Whereabouts

P = TypeVar("P", bound=asyncio.Protocol)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine listens: TCP by `host` and `port`, or a Unix socket by `path`.

    `secure`: it speaks TLS there. `below`: its paths stand below this one.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    secure: bool = False
    below: str = ""

    @property
    def authority(self) -> str:
        """Return the value of the Host header the engine expects: its own."""
        if self.path:
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @override
    def __str__(self) -> str:
        """Return the address as a person would write it."""
        return f"unix:{self.path}" if self.path else self.authority


async def dial(
    endpoint: Endpoint, there: Whereabouts, factory: Callable[[], P], seal: Seal | None = None
) -> P:
    """Open a connection; raise `OSError` or `UnicodeError` (see `refusal`), or be cancelled.

    Of several addresses the first that answers is taken. If none does, the error that is raised is
    one other than a refusal, if there was one: that says more. With a `seal` TLS is spoken; its
    handshake counts as part of the connect.
    """
    loop = asyncio.get_running_loop()
    if endpoint.path:
        _, protocol = await loop.create_unix_connection(factory, endpoint.path)
        return protocol
    worst: OSError | None = None
    try:
        for address in await there.find():
            try:
                if seal is None:
                    _, protocol = await loop.create_connection(factory, address, endpoint.port)
                else:
                    name = seal.server_name or endpoint.host
                    _, protocol = await loop.create_connection(
                        factory, address, endpoint.port, ssl=seal.context, server_hostname=name
                    )
                return protocol
            except OSError as error:
                if worst is None or isinstance(worst, ConnectionRefusedError):
                    worst = error
        raise worst or socket.gaierror(socket.EAI_NODATA, "the name has no address")
    finally:
        worst = None  # it knows this frame: both would wait for the garbage collector


def refusal(error: OSError | UnicodeError, endpoint: Endpoint) -> Failure:
    """Return the failure a connect error stands for.

    It costs no retry budget: nothing was sent. If it is this process that has run out of something,
    no other engine would do better and none is to blame.
    """
    if isinstance(error, OSError) and error.errno in EXHAUSTED:
        return Failure(
            kind=Kind.INTERNAL,
            origin=Origin.PROXY,
            phase=Phase.CONNECT,
            detail=f"no connection to {endpoint} could be made here: {os.strerror(error.errno)}",
            retry_after=1.0,
        )
    if isinstance(error, ssl.SSLError):
        return _failure(Kind.CONNECT_TLS, f"no TLS with {endpoint}: {why(error)}")
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return _failure(Kind.CONNECT_REFUSED, f"nothing listens at {endpoint}")
    if isinstance(error, socket.gaierror | UnicodeError):
        return _failure(Kind.CONNECT_FAILED, f"the name does not resolve: {endpoint}")
    if isinstance(error, TimeoutError | ConnectionAbortedError):  # the latter of a TLS handshake
        return _failure(Kind.CONNECT_TIMEOUT, f"no answer to a connect at {endpoint}")
    if endpoint.secure and isinstance(error, ConnectionResetError):
        reason = f"{endpoint} closed the connection in the middle of the handshake"
        return _failure(Kind.CONNECT_TLS, f"no TLS: {reason}")
    return _failure(
        Kind.CONNECT_FAILED, f"cannot connect ({error.strerror or error}) to {endpoint}"
    )


def dropped(endpoint: Endpoint) -> Failure:
    """Return the failure of a connection that was gone again before it could be used."""
    return _failure(Kind.CONNECT_FAILED, f"the connection was dropped at once by {endpoint}")


def why(error: ssl.SSLError) -> str:
    """Return what was wrong with a TLS handshake, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return handshake.judged(error.verify_code, error.verify_message)
    reason = getattr(error, "reason", None)  # one that a loop has raised itself has none
    return handshake.refused(reason or "")


def _failure(kind: Kind, detail: str) -> Failure:
    return Failure(
        kind=kind,
        origin=Origin.BACKEND,
        phase=Phase.CONNECT,
        detail=detail,
        retryable=True,
        free=True,
    )
