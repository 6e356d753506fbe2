"""One running proxy: every object made once, wired, started, drained and stopped.

What the admin pages show is what stands here: `Instance` is their `View`.
"""

import asyncio
import random
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Final

import structlog
from aiohttp import web

import proxy
from proxy.core import admission, breaker, health, selection
from proxy.core.backend import Backend
from proxy.core.catalog import Catalog, Directory, Model, build
from proxy.core.failure import Failure, Kind, Origin
from proxy.dialects.base import Engine
from proxy.dialects.registry import OPENAI, probe_paths
from proxy.discovery.fetch import HttpFetch
from proxy.discovery.loads import Loads
from proxy.discovery.prober import Hooks, Prober
from proxy.edge import admin, models, routes
from proxy.edge.server import Edge
from proxy.flow import deadlines, pump, scope
from proxy.flow.attempts import Attempts
from proxy.flow.course import Course, Side
from proxy.flow.evict import reroute
from proxy.flow.reckon import Reckoner
from proxy.settings.schema import BackendSettings, Settings, Timeouts
from proxy.telemetry.access import AccessLog
from proxy.telemetry.failures import Recent, Record
from proxy.telemetry.journal import Journal, Reader
from proxy.telemetry.logs import Render
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.sink import Sink
from proxy.upstream import pool
from proxy.upstream.connect import Endpoint

# Seconds between two looks at what is due. Waking an idle process costs 0.2 ms of CPU on a virtual
# machine: at 50 ms, and with a beat of its own for the log, that was a tenth of a streamed chunk.
TICK: Final = 0.25
NEXT_LOT: Final = 0.005  # seconds until the next lot of ended calls is told to the observers
CATCH_UP: Final = 1024  # ended calls told at once before somebody looks
LOOK: Final = 0.02  # seconds between two looks while draining
FLUSH: Final = 2.0  # seconds for the last bytes of answers that are broken off

_NEVER_READY: Final = frozenset({health.State.UNKNOWN, health.State.STARTING})

log = structlog.get_logger()


class Instance:
    """One process's worth of proxy. Make it inside a running loop.

    Access lines go to `out`, as JSON or as `render` has them; `err` is where the log goes.
    """

    def __init__(
        self,
        settings: Settings,
        out: Sink,
        *,
        render: Render | None = None,
        err: Sink | None = None,
    ) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._sinks = (out,) if err is None else (out, err)
        self.version = proxy.__version__
        self.started_at = self.now()
        self.draining = False
        self._hurry = asyncio.Event()
        self._down: set[Backend] = set()
        self._lag = self._worst_lag = 0.0
        self._configured = {backend.name: backend for backend in settings.backends}
        self._backends = tuple(_backend(b, settings.timeouts) for b in settings.backends)
        self._models: dict[Backend, Sequence[Model]] = dict.fromkeys(self._backends, ())
        self._keys = {b.name: b.api_key.reveal() for b in settings.backends if b.api_key}
        self._sides = {
            backend: Side(self._pool(configured), settings.engines.get(backend.kind, OPENAI))
            for backend, configured in zip(self._backends, settings.backends, strict=True)
        }
        self._queues: admission.Queues[Attempts] = admission.Queues(
            admission.Policy(count=settings.limits.queue, timeout=settings.limits.queue_timeout)
        )
        self._directory = Directory()
        self._course = self._make_course()
        self._recent = Recent(self.now)
        self._metrics = Metrics(self.version, self)
        self._access = AccessLog(out.write, monotonic=self.now, wall=time.time, render=render)
        self._journal = Journal(self._observers())
        self._course.observers = (self._journal,)
        self._course.started = self._metrics.started
        self._edge = Edge(self._course, settings.limits)
        self._fetch = HttpFetch(probe_paths(settings.engines.values()), self._keys)
        self._loads = Loads(self._fetch, loop=self._loop, random=random.random)
        self._prober = self._make_prober()
        self._course.suspect = self._prober.wake
        self._course.unheard = self._unheard
        self._course.reread = self._prober.reread
        self._course.wall = time.time
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._admin: web.AppRunner | None = None

    def _observers(self) -> tuple[Reader, ...]:
        reckoner = Reckoner(self._course.estimator)
        observers: tuple[Reader, ...] = (reckoner, self._metrics, self._recent)
        return (*observers, self._access) if self._settings.log.access else observers

    def _pool(self, backend: BackendSettings) -> pool.Pool:
        address = backend.address
        endpoint = Endpoint(host=address.host, port=address.port, path=address.path)
        return pool.Pool(endpoint, now=self.now, api_key=self._keys.get(backend.name))

    def _make_course(self) -> Course:
        settings = self._settings
        return Course(
            directory=self._directory,
            selector=selection.Selector(selection.Policy(settings.balance.policy), random.random),
            queues=self._queues,
            sides=self._sides,
            common_paths=frozenset.intersection(*(e.operations for e in settings.engines.values())),
            now=self.now,
            random=random.random,
            later=self._loop.call_later,
            timeouts_for=self._timeouts_for,
            queue_timeout=settings.limits.queue_timeout,
            least_body=min(
                (e.max_body for e in settings.engines.values() if e.max_body), default=inf
            ),
        )

    def _make_prober(self) -> Prober:
        return Prober(
            self._backends,
            self._fetch,
            self._settings.engines.values(),
            Hooks(on_kind=self._on_kind, on_models=self._on_models),
            loop=self._loop,
            random=random.random,
        )

    def _timeouts_for(self, model: str, backend: Backend) -> Timeouts:
        return self._settings.timeouts_for(model, self._configured.get(backend.name))

    # life ------------------------------------------------------------------------------------

    async def start(self, client_socket: socket.socket, admin_socket: socket.socket) -> None:
        """Observe the backends, then open both ports."""
        self._prober.start()
        self._repeat("wheel", TICK, self._turn)
        self._repeat("backends", 1.0, self._tend)
        pages = models.routes(
            partial(scope.listing, self._course), lambda: self._edge.new_id().encode()
        )
        app = routes.application(self._course, self._edge.new_id, pages)
        await self._edge.start([client_socket], app)
        self._admin = web.AppRunner(admin.application(self), access_log=None, handle_signals=False)
        await self._admin.setup()
        await web.SockSite(self._admin, admin_socket).start()

    async def drain(self) -> None:
        """Let go in order: unready, closed to new clients, then all calls ended or broken off."""
        drain = self._settings.drain
        self.draining = self._course.draining = True
        log.info(
            "draining", calls=len(self._course.calls), delay=drain.delay, timeout=drain.timeout
        )
        await self._wait_until(self._never, drain.delay)
        self._edge.draining = True
        self._edge.stop_accepting()
        self._edge.close_idle()
        await self._wait_until(self._idle, drain.timeout)
        left = tuple(self._course.calls)
        if left:
            log.warning("breaking off calls", calls=len(left))
        for attempts in left:
            detail = "the proxy is stopping and the time for running answers is over"
            attempts.stop(
                Failure(
                    kind=Kind.DRAINING, origin=Origin.PROXY, phase=attempts.phase, detail=detail
                )
            )
        self._hurry.clear()
        await self._wait_until(lambda: not self._edge.connections, FLUSH)

    async def stop(self) -> None:
        """End everything that is still there."""
        self._edge.stop_accepting()
        await self._prober.stop()
        await self._loads.stop()
        await self._fetch.close()
        await self._edge.stop()
        if self._admin is not None:
            await self._admin.cleanup()
        for side in self._sides.values():
            side.pool.close()
        for timer in self._timers.values():
            timer.cancel()
        while self._journal.tell():
            pass
        self._access.flush()

    def hurry(self) -> None:
        """Cut the present wait of `drain` short."""
        self._hurry.set()

    def _idle(self) -> bool:
        return not self._course.calls and not self.in_flight()

    @staticmethod
    def _never() -> bool:
        return False

    async def _wait_until(self, over: Callable[[], bool], limit: float) -> None:
        until = self.now() + limit
        # Looked at on the beat: what is waited for ends by itself and tells nobody.
        while not over() and not self._hurry.is_set() and self.now() < until:  # noqa: ASYNC110
            await asyncio.sleep(min(LOOK, max(0.0, until - self.now())))

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
        deadlines.beat(self._course, now)
        pump.run(self._course)
        self._tell()

    def _tend(self) -> None:
        """Close connections that idled too long; take calls back from backends that went down."""
        for backend, side in self._sides.items():
            side.pool.expire()
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

    def _tell(self) -> None:
        left = self._journal.tell() + self._access.drain()  # a scrape may have told of many
        pending = self._timers.pop("journal", None)
        if pending is not None:
            pending.cancel()  # the beat came in between: one such timer is enough
        if left:
            self._timers["journal"] = self._loop.call_later(NEXT_LOT, self._tell)

    # discovery ---------------------------------------------------------------------------------

    def _on_kind(self, backend: Backend, kind: Engine) -> None:
        side = self._sides[backend]
        side.recognised(kind)
        self._loads.recognised(backend, kind)
        side.pool.policy = pool.Policy(
            idle=kind.keep_alive, max_requests=kind.max_requests, hidden=kind.hidden_headers
        )
        log.info("engine recognised", backend=backend.name, type=kind.name, url=backend.url)

    def _on_models(self, backend: Backend, found: tuple[Model, ...]) -> None:
        missing = self._course.missing
        for key in [key for key in missing if key[0] is backend]:
            del missing[key]
        self._models[backend] = self._configured[backend.name].models.chosen(found)
        names = self._settings.models
        changed = self._directory.swap(build(self._models, names.aliases, names.unify))
        self._queues.prune(self._directory.current.names())
        log.info(
            "models changed",
            backend=backend.name,
            served=len(self._models[backend]),
            added=list(changed.added),
            removed=list(changed.removed),
        )
        if self._directory.current.split:
            log.warning("one name, different weights", models=self._directory.current.split)

    def _unheard(self) -> list[str]:
        """Return the backends that have not been ready since the start: what they serve is open."""
        return [b.name for b in self._backends if b.health.state in _NEVER_READY]

    # what the admin pages see --------------------------------------------------------------------

    # The clock of everything here: the function itself, so that reading it costs no frame of ours.
    now = staticmethod(time.monotonic)

    def backends(self) -> Sequence[Backend]:
        """Return all backends."""
        return self._backends

    def catalog(self) -> Catalog:
        """Return the routing snapshot in force."""
        return self._directory.current

    def queues(self) -> Mapping[str, int]:
        """Return how many calls wait, by model."""
        return {name: queue.count for name, queue in self._queues.items() if queue.count}

    def client_connections(self) -> int:
        """Return the number of open client connections."""
        return len(self._edge.connections)

    def loop_lag(self) -> float:
        """Return the loop's worst lateness since the last look, in seconds."""
        worst, self._worst_lag = self._worst_lag, 0.0
        return max(0.0, worst)

    def dropped_lines(self) -> int:
        """Return how many log lines were given up."""
        return self._access.dropped + sum(sink.dropped for sink in self._sinks)

    def in_flight(self) -> int:
        """Return how many requests are under way."""
        return self._metrics.in_flight - len(self._journal)

    @property
    def metrics(self) -> Metrics:
        """Return what a scrape gets, brought up to date."""
        self._journal.tell(CATCH_UP)
        return self._metrics

    def failures(self) -> Sequence[Record]:
        """Return the last failures."""
        self._journal.tell(CATCH_UP)
        return self._recent.records


def _backend(configured: BackendSettings, timeouts: Timeouts) -> Backend:
    # A breaker's one trial request may take as long as any request may take to its first token.
    patience = timeouts.overridden(configured.timeouts).first_token or inf
    backend = Backend(
        configured.name,
        configured.url,
        weight=configured.weight,
        priority=configured.priority,
        cap=configured.max_in_flight,
        breaker=breaker.Breaker(breaker.Policy(probe_timeout=patience), random.random),
        health=health.Health(health.Policy(), random.random),
    )
    backend.kind = "" if configured.type == "auto" else configured.type
    return backend
