"""The admin listener: its door and its connections."""

import socket
from typing import Final

from aiohttp import web

from proxy.edge.doors import Door
from proxy.settings.seals import Seal

BACKLOG: Final = 128
HANDSHAKE: Final = 10.0  # seconds


class Desk:
    """Serves one application on one socket."""

    __slots__ = ("_door", "_runner")

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._door: Door | None = None

    async def start(
        self, listening: socket.socket, app: web.Application, seal: Seal | None
    ) -> None:
        """Serve `app`."""
        runner = self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        assert runner.server is not None
        self._door = Door(listening, runner.server, backlog=BACKLOG)
        await self._door.open(seal, HANDSHAKE)

    async def reseal(self, seal: Seal | None) -> None:
        """Meet who connects from now on with another certificate, or with none."""
        if self._door is not None:
            await self._door.open(seal, HANDSHAKE)

    def close(self) -> None:
        """Accept no more."""
        if self._door is not None:
            self._door.close()

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._door is not None:
            self._door.close()
        if self._runner is not None:
            await self._runner.cleanup()
