"""Keep knowing how busy each engine says it is.

Theory. What the proxy has sent to an engine it knows itself, and never has to ask. What it cannot
know is the work of others: another proxy, or somebody who asks the engine directly. So every engine
that tells its load is asked now and then, off the path of requests, and the difference counts as
work there (`Backend.heard`).

The sources of a kind stand in order. The one that told something is asked again next time; where
none does (a flag is missing, a path is younger than the engine) it is tried again a minute later.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from proxy.core.backend import Backend
from proxy.core.reported import Reported
from proxy.dialects.base import Engine, Gauge, Reply
from proxy.discovery.asking import Fetch
from proxy.discovery.prober import Handle, Loop

INTERVAL: Final = 5.0  # seconds between two looks
SILENT: Final = 60.0  # seconds until an engine that told nothing is asked again
JITTER: Final = 0.2  # share by which both are spread to both sides
TIMEOUT: Final = 2.0  # seconds for one look


class _Watch:
    """One backend whose engine tells its load."""

    __slots__ = ("backend", "gauges", "look", "timer")

    def __init__(self, backend: Backend, gauges: tuple[Gauge, ...]) -> None:
        self.backend = backend
        self.gauges = gauges  # the one that told something last stands first
        self.timer: Handle | None = None
        self.look: asyncio.Task[None] | None = None


class Loads:
    """Asks engines for their load, from the time their kind is known. `random` is in [0, 1)."""

    __slots__ = ("_fetch", "_loop", "_random", "_watches")

    def __init__(self, fetch: Fetch, *, loop: Loop, random: Callable[[], float]) -> None:
        self._fetch = fetch
        self._loop = loop
        self._random = random
        self._watches: dict[Backend, _Watch] = {}

    def recognised(self, backend: Backend, engine: Engine) -> None:
        """Begin to ask `backend` as its kind wants it; what another kind said is forgotten."""
        self._drop(self._watches.pop(backend, None))
        backend.heard(None, 0)
        if engine.load:
            watch = self._watches[backend] = _Watch(backend, engine.load)
            self._plan(watch, INTERVAL)

    def forget(self, backend: Backend) -> None:
        """Ask `backend` no more."""
        self._drop(self._watches.pop(backend, None))

    async def stop(self) -> None:
        """End all looks and timers."""
        looks = [watch.look for watch in self._watches.values() if watch.look is not None]
        for watch in self._watches.values():
            self._drop(watch)
        self._watches = {}
        await asyncio.gather(*looks, return_exceptions=True)

    def _drop(self, watch: _Watch | None) -> None:
        if watch is not None:
            if watch.timer is not None:
                watch.timer.cancel()
            if watch.look is not None:
                watch.look.cancel()

    def _plan(self, watch: _Watch, seconds: float) -> None:
        spread = 1.0 + JITTER * (2.0 * self._random() - 1.0)
        watch.timer = self._loop.call_at(
            self._loop.time() + seconds * spread, lambda: self._begin(watch)
        )

    def _begin(self, watch: _Watch) -> None:
        watch.timer = None
        if not watch.backend.health.ready:
            watch.backend.heard(None, 0)
            self._plan(watch, INTERVAL)
            return
        watch.look = self._loop.create_task(self._look(watch))

    async def _look(self, watch: _Watch) -> None:
        backend = watch.backend
        before = backend.in_flight
        said = await _ask(self._fetch, watch)
        # What came or went meanwhile may or may not be in the answer: it counts as ours.
        backend.heard(said, max(before, backend.in_flight))
        watch.look = None
        self._plan(watch, SILENT if said is None else INTERVAL)


async def _ask(fetch: Fetch, watch: _Watch) -> Reported | None:
    """Return what the first source says that says something, and put it first."""
    for gauge in watch.gauges:
        reply = await fetch(watch.backend, gauge.path, TIMEOUT)
        said = gauge.read(reply) if isinstance(reply, Reply) else None
        if said is not None:
            watch.gauges = _first(gauge, watch.gauges)
            return said
    return None


def _first(one: Gauge, gauges: Iterable[Gauge]) -> tuple[Gauge, ...]:
    return (one, *(each for each in gauges if each is not one))
