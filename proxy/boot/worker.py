"""One of several processes that serve clients: it is told what the control process knows.

It routes, relays and keeps its own queues; what it learns of backends and what becomes of calls it
tells the control process, which checks the backends, reads the settings and has the admin pages.
"""

import asyncio
import random
import socket
from typing import Final

import structlog
from typing_extensions import override

from proxy.boot import derived, sharing
from proxy.boot.board import Seat
from proxy.boot.fleet import Fleet
from proxy.boot.frames import (
    Applied,
    Changed,
    Drain,
    Ended,
    Entry,
    Frame,
    Freed,
    Heard,
    Hurry,
    Known,
    Noticed,
    Report,
    Snapshot,
    Taken,
    entry,
    read,
)
from proxy.boot.instance import Instance
from proxy.boot.keeping import Keeping
from proxy.boot.link import Link
from proxy.boot.told import Knowing, Told
from proxy.core import admission
from proxy.core.backend import Backend
from proxy.core.call import Call
from proxy.core.failure import Failure
from proxy.core.joint import JointBreaker, News, Turns
from proxy.core.peers import SharedBackend, ToldHealth
from proxy.flow import pump
from proxy.flow.attempts import Attempts
from proxy.settings.logging import LogLevel
from proxy.settings.schema import Settings
from proxy.telemetry import logs
from proxy.telemetry.journal import Reader
from proxy.telemetry.logs import Render
from proxy.telemetry.sink import Sink

LOT: Final = 256  # calls in one frame
FLUSH: Final = 2.0  # seconds for the last frames

log = structlog.get_logger()


class Forward:
    """Tells the control process of calls. Fulfils `telemetry.journal.Reader`."""

    __slots__ = ("_entries", "_link", "finished_count", "started_count")

    def __init__(self, link: Link) -> None:
        self._link = link
        self._entries: list[Entry] = []
        self.started_count = 0
        self.finished_count = 0

    def started(self) -> None:
        """Count a call that begins."""
        self.started_count += 1

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        """Note it as it is now: the call goes on and changes."""
        self._entries.append(entry(call, retried=retried, failure=failure))

    def finished(self, call: Call) -> None:
        """Note an end."""
        self.finished_count += 1
        self._entries.append(entry(call))
        if len(self._entries) >= LOT:
            self.send()

    def send(self) -> None:
        """Send what has been noted."""
        if self._entries:
            entries, self._entries = self._entries, []
            self._link.send(Ended(entries=entries), droppable=True)


class WorkerFleet(Fleet):
    """Backends that other processes use, too."""

    backend_type = SharedBackend
    breaker_type = JointBreaker
    health_type = ToldHealth

    @override
    def part(self) -> None:
        for backend in self.leaving:
            assert isinstance(backend, SharedBackend)
            backend.look()
        super().part()


class Worker(Instance):
    """A worker. `settings` are those of `snapshot`, with which it begins."""

    def __init__(  # noqa: PLR0913 - what the process was given at its birth
        self,
        snapshot: Snapshot,
        out: Sink,
        *,
        seat: Seat,
        turns: Turns,
        link: Link,
        render: Render | None = None,
        err: Sink | None = None,
    ) -> None:
        self._seat = seat
        self._turns = turns
        self._link = link
        self._forward = Forward(link)
        self._by_slot: dict[int, Backend] = {}
        self._report = Report()
        self._freed = False  # it is about to be told
        self.ending = asyncio.Event()  # there was an order to let go
        super().__init__(read(snapshot.settings), out, render=render, err=err)
        seat.on_freed = self._tell_freed
        self._course.started = self._forward.started
        self._take(snapshot.backends)
        for one in snapshot.standing:
            self._breaker(one.slot).hear(one.news, self.now())

    # what is other than in a process that is alone ---------------------------------------------

    @override
    def _make_fleet(self) -> Fleet:
        return WorkerFleet(self.settings, now=self.now, random=random.random)

    @override
    def _make_queues(self) -> admission.Queues[Attempts]:
        return admission.Queues(derived.queueing(self.settings), self._seat)

    @override
    def _make_keeping(self) -> Keeping:
        return Keeping(
            self.settings.keys,
            self._course,
            make=sharing.window,
            tally=self._seat.tally,
            processes=self._seat.workers,
        )

    @override
    def _make_prober(self) -> Knowing:
        return Told(wake=self._notice, reread=self._doubt)

    @override
    def _observers(self) -> tuple[Reader, ...]:
        elsewhere = (self._metrics, *self._lookout.readers)
        return (*(one for one in super()._observers() if one not in elsewhere), self._forward)

    @override
    def settle(self, settings: Settings) -> None:
        super().settle(settings)
        quieten(settings)

    @override
    def _tell_unanswered(self) -> None:
        """Leave that to the control process, which asks them."""

    @override
    def _uphold(self) -> None:
        """Leave that to the control process, which has the orders."""

    @override
    def _unheard(self) -> list[str]:
        here = self.backends()
        if not here:  # its sources may find some yet; the control process asks them
            return [source.title for source in self.settings.discovery.sources]
        return self._unread(here)

    @override
    def in_flight(self) -> int:
        forward = self._forward
        return forward.started_count - forward.finished_count - len(self._journal)

    @override
    def _tell(self) -> None:
        super()._tell()
        self._forward.send()
        taken = sharing.taken(self._keys.accounts)
        if taken:
            self._link.send(Taken(keys=taken))
        lag = self.loop_lag()
        report = Report(
            in_flight=self.in_flight(),
            connections=self.client_connections(),
            queues=dict(self.queues()),
            lag=lag if lag > 0.001 else 0.0,
            dropped=self.dropped_lines(),
            handshakes=self._edge.handshakes(),
            tables={name: rows for name, of in self._metrics.tables.items() if (rows := [*of()])},
        )
        if report != self._report:
            self._report = report
            self._link.send(report, droppable=True)

    # life ----------------------------------------------------------------------------------------

    async def serve(self, client_socket: socket.socket) -> None:
        """Begin to take clients."""
        await self._keys.start()
        self._begin_beats()
        await self._open_clients(client_socket)

    def hear(self, frame: Frame) -> None:
        """Do what the control process says."""
        match frame:
            case Snapshot():
                self._apply(frame)
            case Changed():
                self._take(frame.backends)
                pump.run(self._course)
            case Heard():
                if frame.slot in self._by_slot:
                    self._breaker(frame.slot).hear(frame.news, self.now())
            case Freed():
                pump.run(self._course)
            case Taken():
                sharing.hear(self._keys.accounts, frame.keys, self.now())
            case Drain():
                self.let_go(handed_over=frame.handed_over)
            case Hurry():
                self.hurry()
            case _:
                raise AssertionError(f"not for a worker: {frame!r}")

    @override
    async def stop(self) -> None:
        await super().stop()
        self._tell()
        self._link.close()
        try:
            async with asyncio.timeout(FLUSH):
                await self._link.ended.wait()
        except TimeoutError:
            log.warning("the control process does not take the last counts")

    def let_go(self, *, handed_over: bool = False) -> None:
        """Begin to let go; `drain` waits for the end."""
        self._going = self._draining.begin(handed_over=handed_over)
        self.ending.set()

    # what is known -------------------------------------------------------------------------------

    def _apply(self, snapshot: Snapshot) -> None:
        settings = read(snapshot.settings)
        self.join(settings)
        self._take(snapshot.backends)
        self.settle(settings)
        self._link.send(Applied(serial=snapshot.serial))

    def _take(self, found: tuple[Known, ...]) -> None:
        """Bring backends up to date. Those that are not here have left meanwhile."""
        here = {(backend.name, backend.url): backend for backend in self._fleet.sides}
        for known in found:
            backend = here.get((known.name, known.url))
            if isinstance(backend, SharedBackend):
                self._seat_at(backend, known.slot)
                self._learn(backend, known)

    def _seat_at(self, backend: SharedBackend, slot: int) -> None:
        backend.share(self._seat, slot)
        self._by_slot[slot] = backend
        breaker = self._breaker(slot)
        breaker.turns = self._turns

        def tell(news: News) -> None:
            self._link.send(Heard(slot=slot, news=news))

        breaker.tell = tell

    def _learn(self, backend: SharedBackend, known: Known) -> None:
        engine = self.settings.engines.get(known.kind)
        if engine is not None and self._fleet.sides[backend].engine is not engine:
            backend.kind = known.kind
            self._fleet.recognised(backend, engine)
        backend.learned_cap = known.learned_cap
        backend.told_load(known.reported, known.foreign)
        health = backend.health
        assert isinstance(health, ToldHealth)
        health.recovered_at = known.recovered_at
        health.next_probe_at = known.next_probe_at
        backend.breaker.recovered_at = known.trusted_at
        if backend not in self._fleet.leaving:
            health.told(known.state, known.since, known.reason)
        if self._fleet.found(backend) != known.models:
            self._on_models(backend, known.models)

    def _breaker(self, slot: int) -> JointBreaker:
        breaker = self._by_slot[slot].breaker
        assert isinstance(breaker, JointBreaker)
        return breaker

    # what is noticed -----------------------------------------------------------------------------

    def _notice(self, backend: Backend) -> None:
        assert isinstance(backend, SharedBackend)
        self._link.send(Noticed(slot=backend.slot))

    def _doubt(self, backend: Backend) -> None:
        assert isinstance(backend, SharedBackend)
        self._link.send(Noticed(slot=backend.slot, models=True))

    def _tell_freed(self) -> None:
        if not self._freed:  # once a turn of the loop
            self._freed = True
            self._loop.call_soon(self._send_freed)

    def _send_freed(self) -> None:
        self._freed = False
        self._link.send(Freed())


def quieten(settings: Settings) -> None:
    """Leave what is known of backends to the control process to tell."""
    if settings.log.level is LogLevel.INFO:
        logs.set_level(LogLevel.WARNING.value)
