"""Names for the control plane: looked up for every check, remembered while nobody can say.

The same as `upstream/whereabouts` does for requests, for the same reason: if checks failed with
every outage of DNS, all engines would be down with it.
"""

import asyncio
import socket
from typing import Final

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

PATIENCE: Final = 0.5  # seconds for a lookup, once an answer is known
_GONE: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


class Remembering(AbstractResolver):
    """Asks the system's resolver. Hosts come from the settings, so there are few."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()
        self._known: dict[tuple[str, int], list[ResolveResult]] = {}

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return where `host` leads; raise `OSError` if nobody says and nobody has said."""
        known = self._known.get((host, port))
        try:
            async with asyncio.timeout(PATIENCE if known else None):
                found = await self._system.resolve(host, port, family)
        except (socket.gaierror, TimeoutError) as error:
            if isinstance(error, socket.gaierror) and error.errno in _GONE:
                self._known.pop((host, port), None)
                raise
            if not known:
                raise
            return known
        self._known[host, port] = found
        return found

    @override
    async def close(self) -> None:
        """Forget all."""
        self._known.clear()
