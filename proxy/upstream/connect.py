"""Opening a connection to an engine, with foreign errors mapped to a `Failure` once."""

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

import msgspec

from proxy.core.failure import Failure, Kind, Origin, Phase

P = TypeVar("P", bound=asyncio.Protocol)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine listens: TCP by `host` and `port`, or a Unix socket by `path`."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def authority(self) -> str:
        """Return the value of the Host header the engine expects: its own."""
        if self.path:
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 80 else f"{host}:{self.port}"  # noqa: PLR2004 - http's port

    def __str__(self) -> str:
        """Return the address as a person would write it."""
        return f"unix:{self.path}" if self.path else self.authority


async def dial(endpoint: Endpoint, factory: Callable[[], P]) -> P:
    """Open a connection; raise `OSError` (mapped by `refusal`) or be cancelled."""
    loop = asyncio.get_running_loop()
    if endpoint.path:
        _, protocol = await loop.create_unix_connection(factory, endpoint.path)
    else:
        _, protocol = await loop.create_connection(factory, endpoint.host, endpoint.port)
    return protocol


def refusal(error: OSError, endpoint: Endpoint) -> Failure:
    """Return the failure a connect error stands for. It costs no retry budget: nothing was sent."""
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        kind, words = Kind.CONNECT_REFUSED, "nothing listens at"
    elif isinstance(error, socket.gaierror):
        kind, words = Kind.CONNECT_FAILED, "the name does not resolve:"
    elif isinstance(error, TimeoutError):
        kind, words = Kind.CONNECT_TIMEOUT, "no answer to a connect at"
    else:
        kind, words = Kind.CONNECT_FAILED, f"cannot connect ({error.strerror or error}) to"
    return Failure(
        kind=kind,
        origin=Origin.BACKEND,
        phase=Phase.CONNECT,
        detail=f"{words} {endpoint}",
        retryable=True,
        free=True,
    )
