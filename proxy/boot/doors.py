"""Both listeners: opened, told who may come in and which certificates to show, closed.

Who may come in follows a reload at once; certificates in a task, a moment later.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence

import structlog
from aiohttp import web

from proxy.edge.desk import Desk
from proxy.edge.entrance import Entrance
from proxy.edge.reception import Visitors, reception
from proxy.edge.server import Edge
from proxy.settings.schema import Settings
from proxy.settings.seals import Seal
from proxy.settings.tls import ListenerTls, Tls
from proxy.telemetry import families
from proxy.telemetry.metrics import Metrics

log = structlog.get_logger()

Rows = Sequence[tuple[tuple[str, ...], float]]


class Doors:
    """The way in for clients and for who runs the proxy."""

    __slots__ = (
        "_desk",
        "_edge",
        "_entrance",
        "_lock",
        "_refused",
        "_tasks",
        "_tls",
        "counted",
        "elsewhere",
    )

    def __init__(self, edge: Edge, metrics: Metrics) -> None:
        self._edge = edge
        self._desk = Desk()
        self._entrance = Entrance()
        self._tls = Tls()
        self.counted = edge.handshakes  # elsewhere, where other processes take clients
        self.elsewhere: Callable[[], Rows] = tuple  # who was turned away by other processes
        self._refused = [0, 0]  # connections turned away by those who judged before
        self._lock = asyncio.Lock()  # two reloads may follow each other closely
        self._tasks: set[asyncio.Task[None]] = set()
        metrics.certificates = self._ends
        metrics.handshakes = self._handshakes
        metrics.tables[families.TURNED_AWAY.name] = self._turned_away

    async def open_clients(
        self, listening: socket.socket, app: web.Application, settings: Settings
    ) -> None:
        """Begin to accept clients."""
        self._tls = settings.tls
        self._admit(settings)
        await self._edge.start([listening], app, _sealed(settings.tls.listen))

    async def open_admin(
        self, listening: socket.socket, app: web.Application, settings: Settings
    ) -> None:
        """Begin to accept who runs the proxy."""
        self._tls = settings.tls
        self._admit(settings)
        self._entrance.guard(app)
        await self._desk.start(listening, app, _sealed(settings.tls.admin))

    def close_admin(self) -> None:
        """Leave the admin listener to another process; what is connected goes on."""
        self._desk.close()

    def follow(self, old: Settings, settings: Settings) -> None:
        """Meet who connects from now on by other settings."""
        self._admit(settings, old)
        task = asyncio.get_running_loop().create_task(self._follow(settings.tls), name="reseal")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _admit(self, settings: Settings, old: Settings | None = None) -> None:
        self._entrance.lock(settings.admin_token)
        if old is not None and (old.allow, old.cors) == (settings.allow, settings.cors):
            return
        self._refused = self._own()
        self._desk.visitors = Visitors(settings.allow.admin)
        self._edge.received_by(reception(settings.allow, settings.cors))

    async def _follow(self, tls: Tls) -> None:
        async with self._lock:
            old = self._tls
            tls = self._tls = Tls(
                listen=_kept(old.listen, tls.listen), admin=_kept(old.admin, tls.admin)
            )
            await self._edge.reseal(_sealed(tls.listen))
            await self._desk.reseal(_sealed(tls.admin))
        pairs = {"listen": (old.listen, tls.listen), "admin": (old.admin, tls.admin)}
        for name, (before, now) in pairs.items():
            if before.seal != now.seal:
                log.info("certificate changed", listener=name, tls=now.seal is not None)

    # what metrics show -----------------------------------------------------------------------

    def _ends(self) -> Mapping[str, float]:
        """Return when the certificate of each listener that has one ends."""
        pairs = (("listen", self._tls.listen.seal), ("admin", self._tls.admin.seal))
        return {name: seal.ends for name, seal in pairs if seal is not None and seal.ends}

    def _handshakes(self) -> Mapping[str, int]:
        return self.counted() if self._tls.listen.seal is not None else {}

    def _turned_away(self) -> Rows:
        others = dict(self.elsewhere())
        own = zip((("listen",), ("admin",)), self._own(), strict=True)
        return [(labels, count + others.get(labels, 0)) for labels, count in own]

    def _own(self) -> list[int]:
        """Return how many this process has turned away: clients, and at the admin address."""
        receives = self._edge.reception
        clients = 0 if receives is None else receives.visitors.refused
        before = self._refused
        return [before[0] + clients, before[1] + self._desk.visitors.refused]

    async def stop(self) -> None:
        """Close both, and every connection."""
        for task in self._tasks:
            task.cancel()
        await self._edge.stop()
        await self._desk.stop()


def _sealed(tls: ListenerTls) -> Seal | None:
    """Return the seal of a listener.

    One with a certificate never speaks without TLS: a worker makes its seals itself, and the file
    may have gone by then.
    """
    if tls.certificate is not None and tls.seal is None:
        raise RuntimeError(f"{tls.certificate} cannot be used any more: `headrace check` says why")
    return tls.seal


def _kept(old: ListenerTls, new: ListenerTls) -> ListenerTls:
    if new.certificate is None or new.seal is not None:
        return new
    log.error("certificate not changed, the one of before stays", certificate=new.certificate)
    return old
