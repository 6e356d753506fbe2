"""The admin listener: its door and its connections."""

import asyncio
import socket
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from typing_extensions import override

from proxy.edge.doors import Door
from proxy.edge.reception import Visitors
from proxy.settings.seals import Seal

BACKLOG: Final = 128
HANDSHAKE: Final = 10.0  # seconds


class Desk:
    """Serves one application on one socket. `visitors` may become others at any time."""

    __slots__ = ("_door", "_runner", "visitors")

    def __init__(self) -> None:
        self.visitors = Visitors(())
        self._runner: web.AppRunner | None = None
        self._door: Door | None = None

    async def start(
        self, listening: socket.socket, app: web.Application, seal: Seal | None
    ) -> None:
        """Serve `app`."""
        runner = self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        manager, loop = runner.server, asyncio.get_running_loop()
        assert manager is not None

        def connection() -> asyncio.Protocol:
            return _Visit(self, manager, loop=loop, access_log=None)

        self._door = Door(listening, connection, backlog=BACKLOG)
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


class _Visit(RequestHandler):
    """A connection to the admin address, which only some may have."""

    __slots__ = ("_desk",)

    def __init__(self, desk: Desk, manager: web.Server, **options: Any) -> None:  # noqa: ANN401
        super().__init__(manager, **options)
        self._desk = desk

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        name = transport.get_extra_info("peername")
        if not self._desk.visitors.admits(name[0] if isinstance(name, tuple) else ""):
            cast("asyncio.Transport", transport).abort()
