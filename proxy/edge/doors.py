"""A listening socket whose certificate can be another one while it is open.

The socket stays, and with it the queue of those who are about to connect. A new seal gets a new
server on a second handle of that socket; then the old server lets go of its own. Nobody is refused
in between, and who is connected goes on with the handshake he had.
"""

import asyncio
import socket
from collections.abc import Callable

from proxy.settings.seals import Seal

SHUTDOWN = 5.0  # seconds in which a client must answer that a TLS connection ends


class Door:
    """One listener. `begun` counts the connections it has accepted, before any handshake."""

    __slots__ = ("_backlog", "_make", "_seal", "_server", "_socket", "_timeout", "begun")

    def __init__(
        self, listening: socket.socket, make: Callable[[], asyncio.Protocol], *, backlog: int
    ) -> None:
        self._socket = listening
        self._make = make
        self._backlog = backlog
        self._seal: Seal | None = None
        self._timeout = 0.0
        self._server: asyncio.Server | None = None
        self.begun = 0

    async def open(self, seal: Seal | None, timeout: float) -> None:
        """Accept, with `seal` from now on; None = no TLS. `timeout` is for a handshake."""
        if self._server is not None and (seal, timeout) == (self._seal, self._timeout):
            return
        self._seal, self._timeout = seal, timeout
        context = None if seal is None else seal.context
        server = await asyncio.get_running_loop().create_server(
            self._accept,
            sock=self._socket.dup(),
            backlog=self._backlog,
            ssl=context,
            ssl_handshake_timeout=None if context is None else timeout,
            ssl_shutdown_timeout=None if context is None else SHUTDOWN,
        )
        old, self._server = self._server, server
        if old is not None:
            old.close()

    def close(self) -> None:
        """Accept nobody any more; who is connected goes on."""
        if self._server is not None:
            self._server.close()
        self._socket.close()

    def _accept(self) -> asyncio.Protocol:
        self.begun += 1
        return self._make()
