"""Which backends are taken out of use, for maintenance, and by whom: an order, or the settings.

An order holds for a name, so it outlasts a reload and a backend that discovery loses and finds
again; it ends with the process. Where several processes serve, the one that checks the backends
keeps the orders, and the others are told as of anything it finds out.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final

import structlog

from proxy.core.backend import Backend

BY_ORDER: Final = "taken out of use by an order"
BY_SETTINGS: Final = "taken out of use by the settings: enabled is false"

log = structlog.get_logger()


class Upkeep:
    """Keeps the orders. `wake` has a backend checked at once."""

    __slots__ = ("_disabled", "_now", "_ordered", "_wake")

    def __init__(self, now: Callable[[], float], wake: Callable[[Backend], None]) -> None:
        self._now = now
        self._wake = wake
        self._ordered: set[str] = set()
        self._disabled: Collection[str] = ()

    def drain(self, backend: Backend) -> None:
        """Send nothing new there until `resume`; what runs there goes on."""
        self._ordered.add(backend.name)
        self._settle(backend)

    def resume(self, backend: Backend) -> str:
        """End that: it is used again after its next good check, which is made at once.

        Return why it stays out of use all the same, or an empty string.
        """
        self._ordered.discard(backend.name)
        self._settle(backend)
        return backend.health.reason if backend.draining else ""

    def renew(self, backends: Iterable[Backend], disabled: Collection[str]) -> None:
        """Hold these, some of which may be new, to the orders there are and to the settings."""
        self._disabled = disabled
        for backend in backends:
            self._settle(backend)

    def _settle(self, backend: Backend) -> None:
        if backend.name in self._ordered:
            why = BY_ORDER
        else:
            why = BY_SETTINGS if backend.name in self._disabled else ""
        if why and not (backend.draining and backend.health.reason == why):
            backend.drain(self._now(), why)
            log.info("backend drains", backend=backend.name, why=why, in_flight=backend.in_flight)
        elif backend.draining and not why:
            backend.resume(self._now())
            self._wake(backend)
            log.info("backend resumes", backend=backend.name)
