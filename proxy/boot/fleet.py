"""The backends in use: made from settings, changed by a reload, let go when their calls have ended.

A backend is one engine under one name: who keeps both name and URL stays the same object through a
reload, with its calls, its health and its breaker. All changes of one reload take effect at once,
in `settle`:

    joining   checked already, but in no catalog; `settle` makes it one of those in use
    in use    calls are sent there; `settle` makes it leave if the settings lack it
    leaving   no call is sent there; those that run end by themselves, then its connections close

A backend that comes back while it leaves is taken up again where it was left.

A catalog is built whole. With tens of thousands of models that takes a tenth of a second, so what
further backends list in the moment afterwards is gathered for the next one.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import ClassVar, Final

import structlog

from proxy.core import breaker, health
from proxy.core.backend import Backend
from proxy.core.catalog import Directory, Model, build
from proxy.dialects.base import Engine
from proxy.dialects.registry import OPENAI
from proxy.flow.course import Side
from proxy.settings import seals
from proxy.settings.schema import BackendSettings, Settings, Timeouts
from proxy.settings.seals import Seal
from proxy.upstream import pool
from proxy.upstream.connect import Endpoint

NOTICEABLE: Final = 0.01  # seconds of work; a catalog that takes less is built at once, always
PAUSE: Final = 4  # after one that takes more, so many times as long is left to everything else

log = structlog.get_logger()


class Fleet:
    """All backends, what they serve, and their engines' sides.

    `sides` has those that join or leave too. `on_catalog` is called after each new catalog.
    `random` is in [0, 1), `worked` the seconds of work this thread has done.
    """

    # What backends are made of; other where several processes serve.
    backend_type: ClassVar[type[Backend]] = Backend
    breaker_type: ClassVar[type[breaker.Breaker]] = breaker.Breaker
    health_type: ClassVar[type[health.Health]] = health.Health

    __slots__ = (
        "_configured",
        "_fresh",
        "_found",
        "_joining",
        "_next_at",
        "_now",
        "_random",
        "_settings",
        "_worked",
        "directory",
        "leaving",
        "on_catalog",
        "sides",
    )

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], float],
        random: Callable[[], float],
        worked: Callable[[], float] = time.thread_time,
    ) -> None:
        self._now = now
        self._worked = worked
        self._next_at = 0.0  # when the next catalog is built
        self._fresh: dict[Backend, None] = {}  # has listed what is in no catalog yet
        self._random = random
        self._settings = settings
        self._configured: dict[Backend, BackendSettings] = {}
        self._joining: dict[Backend, BackendSettings] = {}
        self._found: dict[Backend, Sequence[Model]] = {}
        self.directory = Directory()
        self.sides: dict[Backend, Side] = {}
        self.leaving: list[Backend] = []
        self.on_catalog: Callable[[], None] = _nothing
        for one in settings.backends:
            backend = self._make(one, settings)
            self._configured[backend] = one
            self._found[backend] = ()

    def backends(self) -> Sequence[Backend]:
        """Return the backends that calls may be sent to, in the order of the settings."""
        return tuple(self._configured)

    def keys(self) -> dict[str, str]:
        """Return the key of each URL that has one."""
        return keys(self._configured.values())

    def seals(self) -> dict[str, Seal]:
        """Return what each URL that speaks TLS is met with."""
        return seals_of(self._configured.values())

    def timeouts_for(self, model: str, backend: Backend) -> Timeouts:
        """Return what holds for a model, by the engine's name for it, on a backend."""
        return self._settings.timeouts_for(model, self._configured.get(backend))

    def found(self, backend: Backend) -> Sequence[Model]:
        """Return what a backend lists, whether it is served or not."""
        return self._found.get(backend, ())

    # what discovery finds ------------------------------------------------------------------------

    def recognised(self, backend: Backend, kind: Engine) -> None:
        """Take note of the engine behind a backend."""
        side = self.sides[backend]
        side.recognised(kind)
        side.pool.policy = pool.Policy(
            idle=kind.keep_alive, max_requests=kind.max_requests, hidden=kind.hidden_headers
        )
        log.info("engine recognised", backend=backend.name, type=kind.name, url=backend.url)

    def listed(self, backend: Backend, found: Sequence[Model]) -> None:
        """Take note of the models a backend has."""
        self._found[backend] = found
        if backend in self._joining:
            return
        wait = self._next_at - self._now()
        if wait > 0 and not self._fresh:
            asyncio.get_running_loop().call_later(wait, self._gather)
        self._fresh[backend] = None
        if wait <= 0:
            self._gather()

    def awaited(self, backend: Backend) -> bool:
        """Tell whether it has listed what is in no catalog yet."""
        return backend in self._fresh

    def _gather(self) -> None:
        fresh = {each: self._configured[each] for each in self._fresh if each in self._configured}
        self._fresh = {}
        if not fresh:
            return
        began = self._worked()
        added, removed = self._rebuild()
        took = self._worked() - began
        if took > NOTICEABLE:
            self._next_at = self._now() + PAUSE * took
        log.info(
            "models changed",
            backend=", ".join(each.name for each in fresh),
            served=sum(len(one.models.chosen(self._found[each])) for each, one in fresh.items()),
            added=list(added),
            removed=list(removed),
        )

    def _rebuild(self) -> tuple[Sequence[str], Sequence[str]]:
        """Put a new catalog in force; return the names that came and that went."""
        serving = {
            backend: one.models.chosen(self._found[backend])
            for backend, one in self._configured.items()
        }
        names = self._settings.models
        changed = self.directory.swap(build(serving, names.aliases, names.unify))
        if self.directory.current.split:
            log.warning("one name, different weights", models=self.directory.current.split)
        self.on_catalog()
        return changed.added, changed.removed

    # other settings ------------------------------------------------------------------------------

    def join(self, settings: Settings) -> list[Backend]:
        """Make the backends of `settings` that are not in use yet, and return them.

        They can be checked from now on; `settle` must follow.
        """
        known = {_identity(backend) for backend in self._configured}
        for one in settings.backends:
            if (one.name, one.url) not in known:
                backend = self._revived(one) or self._make(one, settings)
                self._joining[backend] = one
                self._found[backend] = ()
        return list(self._joining)

    def settle(self, settings: Settings) -> list[Backend]:
        """Put `settings` in force, for those that have joined too; return who leaves."""
        here = {_identity(backend): backend for backend in (*self._configured, *self._joining)}
        self._joining = {}
        self._settings = settings
        found = {here[one.name, one.url]: one for one in settings.backends}
        gone = [backend for backend in self._configured if backend not in found]
        for backend in gone:
            backend.drain(self._now(), "removed from the settings")
            del self._found[backend]
        self.leaving += gone
        self._configured = found
        for backend, one in found.items():
            backend.rank(weight=one.weight, priority=one.priority, cap=one.max_in_flight)
            backend.warming = settings.balance.slow_start
            backend.breaker.wait(_patience(one, settings))
            connections = self.sides[backend].pool
            connections.authorise(one.api_key.reveal() if one.api_key else None)
            connections.seal = _seal(one)
        self._rebuild()
        self.part()
        return gone

    def part(self) -> None:
        """Forget those that leave and have nothing under way any more."""
        for backend in [each for each in self.leaving if not each.in_flight]:
            self.leaving.remove(backend)
            self.sides.pop(backend).pool.close()
            log.info("backend removed", backend=backend.name, url=backend.url)

    def _revived(self, one: BackendSettings) -> Backend | None:
        for backend in self.leaving:
            if _identity(backend) == (one.name, one.url):
                self.leaving.remove(backend)
                backend.kind = _kind(one)
                backend.learned_cap = None
                backend.resume(self._now())
                return backend
        return None

    def _make(self, one: BackendSettings, settings: Settings) -> Backend:
        policy = breaker.Policy(probe_timeout=_patience(one, settings))
        backend = self.backend_type(
            one.name,
            one.url,
            weight=one.weight,
            priority=one.priority,
            cap=one.max_in_flight,
            breaker=self.breaker_type(policy, self._random),
            health=self.health_type(health.Policy(), self._random),
        )
        backend.kind = _kind(one)
        backend.warming = settings.balance.slow_start
        address = one.address
        endpoint = Endpoint(
            host=address.host,
            port=address.port,
            path=address.path,
            secure=address.secure,
            below=address.below,
        )
        key = one.api_key.reveal() if one.api_key else None
        connections = pool.Pool(endpoint, now=self._now, api_key=key)
        connections.seal = _seal(one)
        self.sides[backend] = Side(connections, settings.engines.get(backend.kind, OPENAI))
        return backend


def keys(backends: Iterable[BackendSettings]) -> dict[str, str]:
    """Return the key of each URL that has one."""
    return {one.url: one.api_key.reveal() for one in backends if one.api_key}


def seals_of(backends: Iterable[BackendSettings]) -> dict[str, Seal]:
    """Return what each URL that speaks TLS is met with."""
    return {one.url: seal for one in backends if (seal := _seal(one)) is not None}


def _seal(one: BackendSettings) -> Seal | None:
    return (one.tls.seal or seals.by_default()) if one.address.secure else None


def _identity(backend: Backend) -> tuple[str, str]:
    return backend.name, backend.url


def _kind(one: BackendSettings) -> str:
    return "" if one.type == "auto" else one.type


def _patience(one: BackendSettings, settings: Settings) -> float:
    """Return how long a breaker's one trial request may take: as any may to its first token."""
    return settings.timeouts.overridden(one.timeouts).first_token or inf


def _nothing() -> None:
    return None
