"""The process behind the workers: it knows the backends, reads the settings, has the admin pages.

No client's request comes here. Workers tell it of the ends of their calls, so everything that
counts calls counts here for all of them, and a worker that dies takes no count along but that of
its last quarter of a second. What it finds out about backends it tells all workers; what one of
them learns of a breaker it passes on to the others.
"""

import asyncio
import random
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import structlog
from typing_extensions import override

from proxy.boot.board import Board
from proxy.boot.crew import Peer, Workers
from proxy.boot.draining import LINGER
from proxy.boot.fleet import Fleet
from proxy.boot.frames import (
    Applied,
    Changed,
    Drain,
    Ended,
    Frame,
    Freed,
    Heard,
    Hurry,
    Known,
    Noticed,
    Report,
    Snapshot,
    Taken,
    call_of,
    written,
)
from proxy.boot.instance import Instance
from proxy.boot.warmth import checked
from proxy.boot.watched import WatchedFleet
from proxy.core.backend import Backend
from proxy.core.catalog import Model
from proxy.core.joint import JointBreaker, News, What
from proxy.dialects.base import Engine
from proxy.edge.orders import Outcome
from proxy.settings.load import Supply
from proxy.settings.schema import Settings
from proxy.telemetry import families
from proxy.telemetry.logs import Render
from proxy.telemetry.processes import Processes
from proxy.telemetry.sink import Sink

ACKNOWLEDGED: Final = 5.0  # seconds in which every worker should have put new settings in force
COMPLETE: Final = 30.0  # seconds in which all workers should serve for the first time
GRACE: Final = 5.0  # seconds for workers to end after their drain

log = structlog.get_logger()


class Control(Instance):
    """The control process. `going` is called when the workers are told to end."""

    def __init__(  # noqa: PLR0913 - what the process was given at its birth
        self,
        settings: Settings,
        out: Sink,
        *,
        board: Board,
        supply: Supply,
        going: Callable[[], None],
        parent: int,
        render: Render | None = None,
        err: Sink | None = None,
    ) -> None:
        self._board = board
        self._going = going
        self._dirty = False  # changes are about to be told
        self._serial = 0
        self._told: dict[int, Known] = {}  # what the workers have been told last, by slot
        self._named: dict[str, Backend] = {}
        self._drained: asyncio.Task[None] | None = None
        self._warm = asyncio.Event()  # workers may be told
        self._workers = Workers(board, self.now, self._gone)
        super().__init__(settings, out, render=render, err=err, supply=supply)
        self.crew = self._workers
        self._doors.counted = self._workers.handshakes
        tables = self._metrics.tables
        turned_away = families.TURNED_AWAY.name  # here, too: the admin address is this process's
        for name in tables.keys() - {turned_away}:
            tables[name] = partial(self._workers.table, name)
        self._doors.elsewhere = partial(self._workers.table, turned_away)
        self._metrics.system = Processes(lambda: [parent, *self._workers.pids()])

    @override
    def _make_fleet(self) -> Fleet:
        self._watched = WatchedFleet(
            self.settings,
            now=self.now,
            random=random.random,
            board=self._board,
            changed=self._changed,
        )
        return self._watched

    async def serve(self, admin_socket: socket.socket, workers: int, warm: float) -> None:
        """Observe the backends, open the admin address; return when so many workers serve.

        Workers are kept waiting until every backend has been checked once, or `warm` seconds.
        """
        self._prober.start()
        self._begin_beats()
        await checked(self.backends(), warm)
        self._warm.set()
        await self._open_admin(admin_socket)
        self.reloader.start()
        await self._workers.complete(workers, COMPLETE)

    async def welcome(self, index: int, pid: int, end: socket.socket) -> None:
        """Take a worker on and tell it everything."""
        await self._warm.wait()
        peer = await self._workers.welcome(index, pid, end, self._hear)
        peer.link.send(self._snapshot())
        if self._workers.ending:
            peer.link.send(Drain())

    # what the workers say ------------------------------------------------------------------------

    def _hear(self, peer: Peer, frame: Frame) -> None:
        match frame:
            case Ended():
                self._ended(frame)
            case Report():
                peer.report = frame
            case Heard():
                self._pass_on(peer, frame.slot, frame.news)
            case Freed():
                self._workers.send_waiting(frame, peer)
            case Taken():
                self._workers.send(frame, but=peer)
            case Noticed():
                self._noticed(frame)
            case Applied():
                peer.applied = frame.serial
            case _:
                raise AssertionError(f"not for the control process: {frame!r}")

    def _ended(self, frame: Ended) -> None:
        for told in frame.entries:
            call = call_of(told, self._backend_named)
            if told.retried is None:
                self._journal.finished(call)
            elif told.failure is not None:
                self._journal.attempt_failed(call, told.failure, retried=told.retried)

    def _backend_named(self, name: str) -> Backend | None:
        found = self._named.get(name)
        if found is None or found not in self._fleet.sides:
            self._named = {backend.name: backend for backend in self._fleet.sides}
            found = self._named.get(name)
        return found

    def _noticed(self, frame: Noticed) -> None:
        backend = self._watched.slots.get(frame.slot)
        if backend is not None:
            check = self._prober.reread if frame.models else self._prober.wake
            check(backend)

    def _pass_on(self, peer: Peer, slot: int, news: News) -> None:
        """Take news of a breaker over, and tell the others."""
        backend = self._watched.slots.get(slot)
        if backend is None:
            return
        if news.what is What.PROBING:
            peer.probing.add(slot)
        else:
            peer.probing.discard(slot)
        breaker = backend.breaker
        assert isinstance(breaker, JointBreaker)
        breaker.hear(news, self.now())
        self._workers.send(Heard(slot=slot, news=news), but=peer)

    def _gone(self, peer: Peer) -> None:
        """Free the places of trial requests that died with their worker."""
        for slot in tuple(peer.probing):
            self._pass_on(peer, slot, News(what=What.ABANDONED))

    # what the workers are told -------------------------------------------------------------------

    def _snapshot(self) -> Snapshot:
        known = self._watched.knowledge()
        self._told = {one.slot: one for one in known}
        standing = []
        for one in known:
            breaker = self._watched.slots[one.slot].breaker
            assert isinstance(breaker, JointBreaker)
            standing += [Heard(slot=one.slot, news=news) for news in breaker.standing()]
        return Snapshot(
            serial=self._serial,
            settings=written(self.settings, self.reloader.loaded.base),
            backends=tuple(known),
            standing=tuple(standing),
        )

    def _changed(self, _backend: Backend) -> None:
        """Have it told soon: what is changing is not all there yet."""
        if not self._dirty:
            self._dirty = True
            self._loop.call_soon(self._tell_changes)

    def _tell_changes(self) -> None:
        """Tell of every backend of which something else is known than was told last."""
        self._dirty = False
        changed = [one for one in self._watched.knowledge() if self._told.get(one.slot) != one]
        if changed:
            self._told |= {one.slot: one for one in changed}
            self._workers.send(Changed(backends=tuple(changed)))

    @override
    def _on_kind(self, backend: Backend, kind: Engine) -> None:
        super()._on_kind(backend, kind)
        self._changed(backend)

    @override
    def _on_models(self, backend: Backend, found: tuple[Model, ...]) -> None:
        super()._on_models(backend, found)
        self._changed(backend)

    @override
    def _tend(self) -> None:
        super()._tend()
        self._tell_changes()  # of what nobody announces: caps, loads, the time of the next check

    @override
    def settle(self, settings: Settings) -> None:
        super().settle(settings)
        self._serial += 1
        self._workers.send(self._snapshot())

    @override
    async def reload(self, cause: str) -> Outcome:
        outcome = await super().reload(cause)
        if not await self._workers.applied(self._serial, ACKNOWLEDGED):
            log.warning("a worker has not put the new settings in force yet")
        return outcome

    # the end -------------------------------------------------------------------------------------

    @override
    def begin_drain(self, *, handed_over: bool = False) -> asyncio.Task[None]:
        if self._drained is None:
            self._workers.ending = True
            self._going()
            self._workers.send(Drain(handed_over=handed_over))
            drain = self.settings.drain
            log.info("draining", calls=self.in_flight(), delay=drain.delay, timeout=drain.timeout)
            delay = max(drain.delay, LINGER) if handed_over else drain.delay
            wait = self._workers.ended(delay + drain.timeout + GRACE)
            self._drained = self._loop.create_task(wait, name="drain")
        return self._drained

    @override
    async def stop(self) -> None:
        await super().stop()
        await self._workers.close()

    @override
    def hurry(self) -> None:
        self._workers.send(Hurry())

    @property
    @override
    def draining(self) -> bool:
        return self._drained is not None

    # what the admin pages see --------------------------------------------------------------------

    @override
    def in_flight(self) -> int:
        return self._workers.in_flight()

    @override
    def client_connections(self) -> int:
        return self._workers.connections()

    @override
    def queues(self) -> Mapping[str, int]:
        return self._workers.queues()

    @override
    def loop_lag(self) -> float:
        return max(super().loop_lag(), self._workers.lag())

    @override
    def dropped_lines(self) -> int:
        return super().dropped_lines() + self._workers.dropped_lines()
