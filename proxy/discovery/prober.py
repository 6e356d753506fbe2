"""Keep knowing every backend: its kind, its readiness, its models.

Theory. Each backend has one timer, set for the time its `Health` asks for, and at most one round of
questions under way. A round identifies the engine if its kind is unknown or in doubt, asks whether
it is ready, reads the models if they are due, and reports one finding to `Health`. A backend that
comes back has its models read before it is called ready, so no request meets the model of before.

A good check never closes an open breaker: that is for a real request to do, when its time comes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

import msgspec

from proxy.core.backend import Backend
from proxy.core.catalog import Model
from proxy.core.failure import Failure
from proxy.dialects.base import Engine
from proxy.dialects.detect import marks
from proxy.discovery.asking import Fetch, Readiness, Serving, identify, readiness, serving
from proxy.discovery.polling import Shelf

TIMEOUT = 2.0  # seconds for one request of a round
GAP = 0.25  # seconds between the end of a round and the next, whatever asks for it


class Handle(Protocol):
    """A timer that can be cancelled."""

    def cancel(self) -> None:
        """Make sure that it does not fire."""


class Loop(Protocol):
    """The part of an event loop this module needs; a test gives it a clock of its own."""

    def time(self) -> float:
        """Return the monotonic time in seconds."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> Handle:
        """Call `callback` at `when`."""

    def create_task(self, coro: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
        """Run `coro`."""


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to tell. Both are called only when something changed, and must not block.

    `on_kind` comes when a kind is settled, before the first models of that kind.
    """

    on_kind: Callable[[Backend, Engine], None]
    on_models: Callable[[Backend, tuple[Model, ...]], None]


class _Watch:
    """One backend under observation."""

    __slots__ = (
        "backend",
        "doubtful",
        "engine",
        "marks",
        "pinned",
        "round",
        "shelf",
        "timer",
        "woken",
    )

    def __init__(self, backend: Backend, engine: Engine | None, shelf: Shelf) -> None:
        self.backend = backend
        self.engine = engine
        self.pinned = engine is not None  # the configuration names the kind: never ask for it
        self.doubtful = False  # the engine may have been replaced since it was identified
        self.woken = False  # somebody asked for a check while a round was under way
        self.marks: tuple[str, ...] = ()
        self.shelf = shelf
        self.timer: Handle | None = None
        self.round: asyncio.Task[None] | None = None


class Prober:
    """Observes `backends` from `start` to `stop`.

    A backend whose `kind` names one of `engines` keeps that kind; one with an empty `kind` is
    identified, and again whenever its engine may have been replaced. `kind` and `learned_cap` of a
    backend are set here, and its `health` is driven here. Backends may come and go meanwhile.
    """

    __slots__ = ("_engines", "_fetch", "_hooks", "_left", "_loop", "_random", "_watches")

    def __init__(
        self,
        backends: Iterable[Backend],
        fetch: Fetch,
        engines: Iterable[Engine],
        hooks: Hooks,
        *,
        loop: Loop,
        random: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._engines = {engine.name: engine for engine in engines}
        self._hooks = hooks
        self._loop = loop
        self._random = random
        self._left: set[asyncio.Task[None]] = set()  # rounds of backends that are gone: they end
        self._watches = {backend: self._watch(backend) for backend in backends}

    def start(self) -> None:
        """Begin; every backend is checked at once."""
        for watch in self._watches.values():
            self._observe(watch)

    def add(self, backend: Backend) -> None:
        """Observe one more backend, from now on."""
        watch = self._watches[backend] = self._watch(backend)
        self._observe(watch)

    def remove(self, backend: Backend) -> None:
        """Observe `backend` no more. Nothing is told of it afterwards."""
        watch = self._watches.pop(backend)
        if watch.timer is not None:
            watch.timer.cancel()
        if watch.round is not None:
            self._left.add(watch.round)
            watch.round.add_done_callback(self._left.discard)
            watch.round.cancel()

    def know(self, engines: Iterable[Engine]) -> None:
        """Take other engine kinds for true; who is of a kind that changed is looked at anew."""
        self._engines = {engine.name: engine for engine in engines}
        for watch in self._watches.values():
            if (
                watch.engine is not None
                and self._engines.get(watch.engine.name) is not watch.engine
            ):
                self.pin(watch.backend, watch.engine.name if watch.pinned else "")

    def pin(self, backend: Backend, kind: str) -> None:
        """Take `kind` for the backend's kind, or find it out anew if it is empty.

        Until then the kind it had holds. It is checked at once.
        """
        watch = self._watches[backend]
        engine = self._engines.get(kind)
        watch.pinned = engine is not None
        watch.doubtful = engine is None
        if engine is not None:
            self._recognise(watch, engine)
        self._hasten(watch, self._loop.time())

    async def stop(self) -> None:
        """End all rounds and timers. Nothing is told to anybody afterwards."""
        for backend in tuple(self._watches):
            self.remove(backend)
        await asyncio.gather(*self._left, return_exceptions=True)

    def wake(self, backend: Backend) -> None:
        """Check `backend` at once: a request failed there in a way that speaks against it."""
        watch = self._watches.get(backend)
        if watch is None:
            return
        now = self._loop.time()
        backend.health.suspect(now)
        self._hasten(watch, max(now, backend.health.next_probe_at))

    def _watch(self, backend: Backend) -> _Watch:
        return _Watch(backend, self._engines.get(backend.kind), Shelf(self._random))

    def _observe(self, watch: _Watch) -> None:
        if watch.engine is not None:
            self._hooks.on_kind(watch.backend, watch.engine)
        self._file(watch, self._loop.time())

    def _hasten(self, watch: _Watch, when: float) -> None:
        """Check at `when`, or once more after the round that is under way."""
        if watch.round is not None:
            watch.woken = True  # its answers may be older than what has happened
        else:
            self._file(watch, when)

    def reread(self, backend: Backend) -> None:
        """Read the models of `backend` soon: it has denied to have one that it lists."""
        watch = self._watches.get(backend)
        if watch is None:
            return
        watch.shelf.hurry()
        if watch.round is None:
            self._file(watch, max(self._loop.time(), watch.shelf.next_at))

    def _file(self, watch: _Watch, when: float) -> None:
        if watch.timer is not None:
            watch.timer.cancel()
        watch.timer = self._loop.call_at(when, lambda: self._begin(watch))

    def _begin(self, watch: _Watch) -> None:
        watch.timer = None
        watch.woken = False
        watch.round = self._loop.create_task(self._round(watch))
        watch.round.add_done_callback(lambda _: self._ended(watch))

    def _ended(self, watch: _Watch) -> None:
        watch.round = None
        if self._watches.get(watch.backend) is not watch:
            return
        now = self._loop.time()
        when = now if watch.woken else watch.backend.health.next_probe_at
        if watch.backend.health.ready:
            when = min(when, watch.shelf.next_at)
        self._file(watch, max(when, now + GAP))

    async def _round(self, watch: _Watch) -> None:
        backend = watch.backend
        found = await self._fitness(watch)
        if found.unasked:
            backend.health.unasked(self._loop.time())
            return
        reason = found.reason
        if not reason and not backend.health.ready:
            await self._poll(watch)
        backend.health.probed(not reason, self._loop.time(), reason or self._remark(watch))
        if not reason:
            await self._poll(watch)

    def _remark(self, watch: _Watch) -> str:
        problem = watch.shelf.problem
        return f"ready, but its models: {problem}" if problem else "ready"

    async def _fitness(self, watch: _Watch) -> Readiness:
        """Find out whether the backend takes requests."""
        if watch.engine is None or watch.doubtful:
            finding = await identify(self._fetch, watch.backend, self._engines.values(), TIMEOUT)
            if finding.engine is None:
                return Readiness(reason=finding.reason)
            self._recognise(watch, finding.engine)
            watch.marks = finding.marks
        assert watch.engine is not None
        found = await readiness(self._fetch, watch.backend, watch.engine, TIMEOUT)
        if found.reason:
            watch.shelf.hurry()
            watch.doubtful = found.doubtful and not watch.pinned
        return found

    def _recognise(self, watch: _Watch, engine: Engine) -> None:
        watch.doubtful = False
        watch.shelf.hurry()
        if engine is watch.engine:
            return
        watch.engine = engine
        watch.backend.kind = engine.name
        watch.backend.learned_cap = None
        self._hooks.on_kind(watch.backend, engine)

    async def _poll(self, watch: _Watch) -> None:
        if watch.engine is None or self._loop.time() < watch.shelf.next_at:
            return
        found = await serving(self._fetch, watch.backend, watch.engine, TIMEOUT)
        now = self._loop.time()
        if isinstance(found, Failure):
            watch.shelf.unanswered(found.detail, now)
        elif found.reply.status >= 500:
            watch.shelf.unanswered(found.listing.problem, now)
        else:
            self._learn(watch, found, now)

    def _learn(self, watch: _Watch, found: Serving, now: float) -> None:
        if found.capacity is not None:
            watch.backend.learned_cap = found.capacity
        if not found.listing.problem and not watch.pinned:
            # Marks that differ without a pause: a gateway changed what stands behind it.
            seen = marks(found.reply)
            watch.doubtful = seen != watch.marks
            watch.marks = seen
        if watch.shelf.took(found.listing, now):
            self._hooks.on_models(watch.backend, watch.shelf.models)
