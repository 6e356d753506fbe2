"""Where the name of an engine leads; while nobody can say, where it led last.

A name is looked up for every new connection, so an address that moved is found at once. When the
lookup fails for a while, or takes too long, the last answer holds: an outage of DNS is no outage of
the engine. A name that is said not to exist is gone, and so is what was known of it.
"""

import asyncio
import ipaddress
import socket
from typing import Final

from typing_extensions import override

PATIENCE: Final = 0.5  # seconds for a lookup, once an answer is known
_GONE: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


class Whereabouts:
    """The addresses of one host, which may be a name or an address itself (`named` tells which)."""

    __slots__ = ("_host", "_known", "_port", "named")

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self.named = not _is_address(host)
        self._known: tuple[str, ...] = () if self.named else (host,)

    async def find(self) -> tuple[str, ...]:
        """Return the addresses to be tried, in order; raise `OSError` or `UnicodeError` if none."""
        if not self.named:
            return self._known
        try:
            async with asyncio.timeout(PATIENCE if self._known else None):
                found = await asyncio.get_running_loop().getaddrinfo(
                    self._host, self._port, type=socket.SOCK_STREAM
                )
        except (socket.gaierror, TimeoutError) as error:
            if isinstance(error, socket.gaierror) and error.errno in _GONE:
                self._known = ()
            if not self._known:
                raise
            return self._known
        self._known = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        return self._known

    @override
    def __repr__(self) -> str:
        """Show the host and what is known of it."""
        return f"<Whereabouts {self._host} {', '.join(self._known)}>"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
