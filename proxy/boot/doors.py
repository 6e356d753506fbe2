"""Both listeners: opened, given other certificates when the settings have some, closed."""

import asyncio
import socket
from collections.abc import Mapping

import structlog
from aiohttp import web

from proxy.edge.desk import Desk
from proxy.edge.server import Edge
from proxy.settings.tls import Tls
from proxy.telemetry.metrics import Metrics

log = structlog.get_logger()


class Doors:
    """The way in for clients and for who runs the proxy."""

    __slots__ = ("_desk", "_edge", "_lock", "_metrics", "_tasks", "_tls", "counted")

    def __init__(self, edge: Edge, metrics: Metrics) -> None:
        self._edge = edge
        self._desk = Desk()
        self._metrics = metrics
        self._tls = Tls()
        self.counted = edge.handshakes  # elsewhere, where other processes take clients
        self._lock = asyncio.Lock()  # two reloads may follow each other closely
        self._tasks: set[asyncio.Task[None]] = set()

    async def open_clients(self, listening: socket.socket, app: web.Application, tls: Tls) -> None:
        """Begin to accept clients."""
        self._take(tls)
        await self._edge.start([listening], app, tls.listen.seal)

    async def open_admin(self, listening: socket.socket, app: web.Application, tls: Tls) -> None:
        """Begin to accept who runs the proxy."""
        self._take(tls)
        await self._desk.start(listening, app, tls.admin.seal)

    def close_admin(self) -> None:
        """Leave the admin listener to another process; what is connected goes on."""
        self._desk.close()

    def follow(self, tls: Tls) -> None:
        """Meet who connects from now on with these certificates."""
        task = asyncio.get_running_loop().create_task(self._follow(tls), name="reseal")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, tls: Tls) -> None:
        async with self._lock:
            old = self._tls
            self._take(tls)
            await self._edge.reseal(tls.listen.seal)
            await self._desk.reseal(tls.admin.seal)
        for name in ("listen", "admin"):
            if getattr(old, name).seal != getattr(tls, name).seal:
                log.info(
                    "certificate changed", listener=name, tls=getattr(tls, name).seal is not None
                )

    def _take(self, tls: Tls) -> None:
        self._tls = tls
        self._metrics.certificates = self._ends
        self._metrics.handshakes = self._handshakes

    def _ends(self) -> Mapping[str, float]:
        """Return when the certificate of each listener that has one ends."""
        pairs = (("listen", self._tls.listen.seal), ("admin", self._tls.admin.seal))
        return {name: seal.ends for name, seal in pairs if seal is not None and seal.ends}

    def _handshakes(self) -> Mapping[str, int]:
        return self.counted() if self._tls.listen.seal is not None else {}

    async def stop(self) -> None:
        """Close both, and every connection."""
        for task in self._tasks:
            task.cancel()
        await self._edge.stop()
        await self._desk.stop()
