"""Opening a connection to an engine, with foreign errors mapped to a `Failure` once."""

import asyncio
import errno
import re
import socket
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase

P = TypeVar("P", bound=asyncio.Protocol)
_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


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
        return host if self.port == 80 else f"{host}:{self.port}"

    @override
    def __str__(self) -> str:
        """Return the address as a person would write it."""
        return f"unix:{self.path}" if self.path else self.authority


async def dial(endpoint: Endpoint, factory: Callable[[], P]) -> P:
    """Open a connection; raise `OSError` or `UnicodeError` (see `refusal`), or be cancelled."""
    loop = asyncio.get_running_loop()
    if endpoint.path:
        _, protocol = await loop.create_unix_connection(factory, endpoint.path)
    else:
        _, protocol = await loop.create_connection(factory, endpoint.host, endpoint.port)
    return protocol


def refusal(error: OSError | UnicodeError, endpoint: Endpoint) -> Failure:
    """Return the failure a connect error stands for. It costs no retry budget: nothing was sent."""
    if isinstance(error, ConnectionRefusedError | FileNotFoundError) or _all_refused(error):
        return _failure(Kind.CONNECT_REFUSED, f"nothing listens at {endpoint}")
    if isinstance(error, socket.gaierror | UnicodeError):
        return _failure(Kind.CONNECT_FAILED, f"the name does not resolve: {endpoint}")
    if isinstance(error, TimeoutError):
        return _failure(Kind.CONNECT_TIMEOUT, f"no answer to a connect at {endpoint}")
    return _failure(
        Kind.CONNECT_FAILED, f"cannot connect ({error.strerror or error}) to {endpoint}"
    )


def dropped(endpoint: Endpoint) -> Failure:
    """Return the failure of a connection that was gone again before it could be used."""
    return _failure(Kind.CONNECT_FAILED, f"the connection was dropped at once by {endpoint}")


def _all_refused(error: Exception) -> bool:
    # A name with several addresses: the loop joins their errors into one text without a number.
    numbers = _NUMBER.findall(str(error)) if str(error).startswith("Multiple exceptions") else []
    return bool(numbers) and all(int(number) == errno.ECONNREFUSED for number in numbers)


def _failure(kind: Kind, detail: str) -> Failure:
    return Failure(
        kind=kind,
        origin=Origin.BACKEND,
        phase=Phase.CONNECT,
        detail=detail,
        retryable=True,
        free=True,
    )
