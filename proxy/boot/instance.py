"""One running proxy: every object made once, wired, started, drained and stopped.

What the admin pages show is what stands here: `Instance` is their `View`, and carries out their
`Orders`.
"""

import asyncio
import random
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import structlog

import proxy
from proxy.boot import derived, judging, memory, shortage
from proxy.boot.alarm import Alarm
from proxy.boot.doors import Doors
from proxy.boot.draining import Draining
from proxy.boot.fleet import Fleet, keys, seals_of
from proxy.boot.keeping import Keeping
from proxy.boot.pages import Pages
from proxy.boot.reload import Reloader
from proxy.boot.tidying import Tidying
from proxy.boot.told import Knowing
from proxy.boot.tracing import begin
from proxy.boot.unanswered import Unanswered
from proxy.boot.upkeep import Upkeep
from proxy.boot.warmth import checked
from proxy.core import admission, health
from proxy.core.backend import Backend
from proxy.core.catalog import Model
from proxy.dialects.base import Engine
from proxy.dialects.registry import probe_paths
from proxy.discovery.loads import Loads
from proxy.discovery.prober import Hooks, Prober
from proxy.edge import admin, models, routes
from proxy.edge.orders import Outcome
from proxy.edge.server import Edge
from proxy.flow import deadlines, pump, scope
from proxy.flow.attempts import Attempts
from proxy.flow.course import Course
from proxy.flow.evict import reroute
from proxy.flow.reckon import Reckoner
from proxy.settings.load import Supply
from proxy.settings.schema import Settings
from proxy.telemetry import logs
from proxy.telemetry.access import AccessLog
from proxy.telemetry.crew import Crew
from proxy.telemetry.journal import Journal, Reader
from proxy.telemetry.logs import Render
from proxy.telemetry.lookout import Lookout
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.reloads import Reloads
from proxy.telemetry.sink import Sink
from proxy.upstream.fetch import HttpFetch

# Seconds between two looks at what is due. Waking an idle process costs 0.2 ms of CPU on a virtual
# machine: at 50 ms, and with a beat of its own for the log, that was a tenth of a streamed chunk.
TICK: Final = 0.25
NEXT_LOT: Final = 0.005  # seconds until the next lot of ended calls is told to the observers

NEVER_READY: Final = frozenset({health.State.UNKNOWN, health.State.STARTING})

log = structlog.get_logger()


class Instance(Pages):
    """One process's worth of proxy. Make it inside a running loop.

    Access lines go to `out`, as JSON or as `render` has them; `err` is where the log goes. Without
    a `supply` there is nothing to read `settings` again from.
    """

    def __init__(
        self,
        settings: Settings,
        out: Sink,
        *,
        render: Render | None = None,
        err: Sink | None = None,
        supply: Supply | None = None,
    ) -> None:
        self.settings = settings
        self._loop = asyncio.get_running_loop()
        self._sinks = (out,) if err is None else (out, err)
        self.version, self.started_at = proxy.__version__, self.now()
        self._down, self._unanswered = set[Backend](), Unanswered()
        self._lag = self._worst_lag = 0.0
        self._fleet = self._make_fleet()
        self._fleet.on_catalog = self._catalog_changed
        self._queues = self._make_queues()
        self._course = self._make_course()
        derived.renew(self._course, settings)
        self._referee = judging.referee(self._course, settings)
        self._lookout = Lookout(self.now, lambda: self._course.calls)
        self.reloads, self.crew = Reloads(time.time), Crew()
        self._metrics = Metrics(self.version, self)
        judging.count(self._metrics, self._referee)
        self._access = AccessLog(out.write, monotonic=self.now, wall=time.time, render=render)
        self._tracing = begin(settings.tracing, self.version)
        self._keys = self._make_keeping()
        self._journal = Journal(self._observers())
        self._course.observers = (*self._keys.observers, self._journal)
        self._course.started = self._metrics.started
        self._edge = Edge(self._course, settings.limits, ollama_admin=settings.ollama_admin)
        self._tracing.attach(self._edge, self._metrics)
        self._keys.attach(self._edge, self._metrics)
        self._draining = Draining(self._course, self._edge, lambda: self.settings.drain, self._idle)
        paths = probe_paths(settings.engines.values())
        self._fetch = HttpFetch(paths, self._fleet.keys(), self._fleet.seals())
        self._loads = Loads(self._fetch, loop=self._loop, random=random.random)
        self._prober = self._make_prober()
        self._course.suspect, self._course.reread = self._prober.wake, self._prober.reread
        self.upkeep = Upkeep(self.now, self._prober.wake)
        self._course.unheard = self._unheard
        self._course.alarm = Alarm(self.now).refused
        self._course.wall = time.time
        supply = supply or derived.nowhere(settings)
        self.reloader = Reloader(self, supply, self.reloads)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._doors = Doors(self._edge, self._metrics)
        self._shelter = memory.Shelter(self._edge, self.now)

    # The clock of everything here: the function itself, so that reading it costs no frame of ours.
    now = staticmethod(time.monotonic)

    def _observers(self) -> tuple[Reader, ...]:
        reckoner = Reckoner(self._course.estimator)
        readers: tuple[Reader, ...] = (reckoner, *self._keys.readers, self._metrics)
        readers += (self._referee, *self._lookout.readers, *self._tracing.readers)
        return (*readers, self._access) if self.settings.log.access else readers

    def _make_fleet(self) -> Fleet:
        return Fleet(self.settings, now=self.now, random=random.random)

    def _make_queues(self) -> admission.Queues[Attempts]:
        return admission.Queues(derived.queueing(self.settings))

    def _make_keeping(self) -> Keeping:
        return Keeping(self.settings.keys, self._course)

    def _make_course(self) -> Course:
        settings = self.settings
        return Course(
            directory=self._fleet.directory,
            selector=derived.selector(settings),
            queues=self._queues,
            sides=self._fleet.sides,
            common_paths=derived.common_paths(settings),
            now=self.now,
            random=random.random,
            later=self._loop.call_later,
            timeouts_for=self._fleet.timeouts_for,
            queue_timeout=settings.limits.queue_timeout,
            least_body=derived.least_body(settings),
        )

    def _make_prober(self) -> Knowing:
        return Prober(
            self._fleet.backends(),
            self._fetch,
            self.settings.engines.values(),
            Hooks(on_kind=self._on_kind, on_models=self._on_models),
            loop=self._loop,
            random=random.random,
        )

    # life ------------------------------------------------------------------------------------

    async def start(
        self, client_socket: socket.socket, admin_socket: socket.socket, warm: float = 0.0
    ) -> None:
        """Observe the backends, then open both ports.

        `warm` is how many seconds every backend may take to be checked once before that.
        """
        await self._keys.start()
        self._prober.start()
        self._begin_beats()
        await checked(self.backends(), warm)
        await self._open_clients(client_socket)
        await self._open_admin(admin_socket)
        self.reloader.start()

    def _begin_beats(self) -> None:
        self._uphold()
        self._repeat("wheel", TICK, self._turn)
        self._repeat("backends", 1.0, self._tend)
        tidying = Tidying(time.monotonic)
        self._repeat("garbage", 1.0, lambda: tidying.look(len(self._edge.connections)))

    async def _open_clients(self, client_socket: socket.socket) -> None:
        pages = models.routes(
            partial(scope.listing, self._course),
            lambda: self._edge.new_id().encode(),
            self._keys.permits,
        )
        app = routes.application(self._course, self._edge.new_id, pages, self._edge.crossing)
        await self._doors.open_clients(client_socket, app, self.settings)

    async def _open_admin(self, admin_socket: socket.socket) -> None:
        desk = admin.application(self, self)
        await self._doors.open_admin(admin_socket, desk, self.settings)

    async def drain(self) -> None:
        """Let go in order; returns when all calls have ended or were broken off."""
        await asyncio.shield(self.begin_drain())

    def begin_drain(self, *, handed_over: bool = False) -> asyncio.Task[None]:
        """Begin to let go, unless that has begun; what is returned ends with it.

        `handed_over`: another process has the client's port already.
        """
        return self._draining.begin(handed_over=handed_over)

    def close_admin(self) -> None:
        """Answer no more on the admin address: another process does."""
        self._doors.close_admin()

    async def stop(self) -> None:
        """End everything that is still there."""
        self.reloader.stop()
        self._shelter.stop()
        self._edge.stop_accepting()
        await self._prober.stop()
        await self._loads.stop()
        await self._doors.stop()
        for side in self._fleet.sides.values():
            side.pool.close()
        for timer in self._timers.values():
            timer.cancel()
        while self._journal.tell():
            pass
        self._access.flush()
        await self._keys.stop()
        await self._tracing.stop()

    def hurry(self) -> None:
        """Cut the present wait of `drain` short."""
        self._draining.hurry()

    def _idle(self) -> bool:
        return not (self._course.calls or self._course.skims or self.in_flight())

    # other settings ------------------------------------------------------------------------------

    async def reload(self, cause: str) -> Outcome:
        """Read the settings again and put in force what can be."""
        return await self.reloader.reload(cause)

    def join(self, settings: Settings) -> Sequence[Backend]:
        """Make the backends that are new in `settings`, and begin to check them."""
        paths = probe_paths((*self.settings.engines.values(), *settings.engines.values()))
        known = self._fleet.keys() | keys(settings.backends)
        self._fetch.allow(paths, known, self._fleet.seals() | seals_of(settings.backends))
        self._prober.know(settings.engines.values())
        joined = self._fleet.join(settings)
        for backend in joined:
            self._prober.add(backend)
        return joined

    def settle(self, settings: Settings) -> None:
        """Put `settings` in force, all at once; the backends that are new have joined."""
        old, self.settings = self.settings, settings
        derived.renew(self._course, settings)
        self._referee.follow(settings.balance.outliers.policy)
        self._edge.limits = settings.limits
        self._edge.ollama_admin = settings.ollama_admin
        self._doors.follow(old, settings)
        self._keys.renew(settings.keys)
        self._course.observers = (*self._keys.observers, self._journal)
        self._journal.readers = self._observers()
        if settings.log.level is not old.log.level:
            logs.set_level(settings.log.level.value)
        for backend in self._fleet.settle(settings):
            self._prober.remove(backend)
            self._loads.forget(backend)
            self._down.discard(backend)
        paths = probe_paths(settings.engines.values())
        self._fetch.allow(paths, self._fleet.keys(), self._fleet.seals())
        self._uphold()
        self._retype(old)
        pump.run(self._course)

    def _uphold(self) -> None:
        """Keep those out of use that are to be."""
        disabled = {one.name for one in self.settings.backends if not one.enabled}
        self.upkeep.renew(self._fleet.backends(), disabled)

    def _retype(self, old: Settings) -> None:
        """Tell the prober of backends whose kind is now given, or not any more, or another."""
        before = {(one.name, one.url): one.type for one in old.backends}
        now = {(one.name, one.url): one.type for one in self.settings.backends}
        for backend in self._fleet.backends():
            identity = backend.name, backend.url
            if before.get(identity, now[identity]) != now[identity]:
                kind = now[identity]
                self._prober.pin(backend, "" if kind == "auto" else kind)

    # beats -----------------------------------------------------------------------------------

    def _repeat(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` every so often."""

        def beat() -> None:
            try:
                act()
            finally:  # a beat that failed once must not stop for ever; the loop logs the error
                self._timers[name] = self._loop.call_later(seconds, beat)

        self._timers[name] = self._loop.call_later(seconds, beat)

    def _turn(self) -> None:
        now = self.now()
        lag = now - self._lag - TICK
        if self._lag and lag > self._worst_lag:
            self._worst_lag = lag
        self._lag = now
        shortage.look(self._edge.crowd, len(self._edge.connections), self._fleet.sides.values())
        deadlines.beat(self._course, now)
        pump.run(self._course)
        self._tell()

    def _tend(self) -> None:
        """Close connections that idled too long; take calls back from backends that went down."""
        self._fleet.part()
        self._keys.tend()
        self._shelter.look()
        self._referee.look(self.now())
        self._lookout.chronicle.look(self._fleet.backends(), self.now())
        self._tell_unanswered()
        for side in self._fleet.sides.values():
            side.pool.expire()
        for backend in self._fleet.backends():
            down = backend.health.state is health.State.DOWN
            if down and backend not in self._down:
                moved = reroute(self._course, backend)
                log.warning(
                    "backend down", backend=backend.name, reason=backend.health.reason, moved=moved
                )
            if down:
                self._down.add(backend)
            elif backend in self._down and backend.health.ready:
                self._down.discard(backend)
                log.info("backend back", backend=backend.name)

    def _tell_unanswered(self) -> None:
        self._unanswered.look(self._fleet.backends(), self.now())

    def _tell(self) -> None:
        left = self._journal.tell() + self._access.drain()  # a scrape may have told of many
        pending = self._timers.pop("journal", None)
        if pending is not None:
            pending.cancel()  # the beat came in between: one such timer is enough
        if left:
            self._timers["journal"] = self._loop.call_later(NEXT_LOT, self._tell)

    # discovery ---------------------------------------------------------------------------------

    def _on_kind(self, backend: Backend, kind: Engine) -> None:
        self._loads.recognised(backend, kind)
        self._fleet.recognised(backend, kind)

    def _on_models(self, backend: Backend, found: tuple[Model, ...]) -> None:
        missing = self._course.missing
        for key in [key for key in missing if key[0] is backend]:
            del missing[key]
        self._fleet.listed(backend, found)

    def _catalog_changed(self) -> None:
        self._queues.prune(self._fleet.directory.current.names())
        self._edge.intake.retarget()
        self._referee.know()

    def _unheard(self) -> list[str]:
        """Return the backends that have not been ready since the start: what they serve is open."""
        return self._unread(self._fleet.backends()) + self.reloader.sources.silent()

    def _unread(self, backends: Iterable[Backend]) -> list[str]:
        """Return those of which nobody knows yet what they serve."""
        return [
            each.name
            for each in backends
            if each.health.state in NEVER_READY or self._fleet.awaited(each)
        ]
