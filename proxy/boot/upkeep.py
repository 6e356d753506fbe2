"""Which backends are taken out of use, for maintenance, and by whom: an order.

An order holds for a name, so it outlasts a reload and a backend that discovery loses and finds
again; it ends with the process. Where several processes serve, the one that checks the backends
keeps the orders, and the others are told as of anything it finds out.
"""

from collections.abc import Callable, Iterable
from typing import Final

import structlog

from proxy.core.backend import Backend

BY_ORDER: Final = "taken out of use by an order"

log = structlog.get_logger()


class Upkeep:
    """Keeps the orders. `wake` has a backend checked at once."""

    __slots__ = ("_now", "_ordered", "_wake")

    def __init__(self, now: Callable[[], float], wake: Callable[[Backend], None]) -> None:
        self._now = now
        self._wake = wake
        self._ordered: set[str] = set()

    def drain(self, backend: Backend) -> None:
        """Send nothing new there until `resume`; what runs there goes on."""
        self._ordered.add(backend.name)
        self._settle(backend)

    def resume(self, backend: Backend) -> None:
        """End that: it is used again after its next good check, which is made at once."""
        self._ordered.discard(backend.name)
        self._settle(backend)

    def renew(self, backends: Iterable[Backend]) -> None:
        """Hold these to the orders there are; some of them may be new."""
        for backend in backends:
            self._settle(backend)

    def _settle(self, backend: Backend) -> None:
        why = BY_ORDER if backend.name in self._ordered else ""
        if why and not backend.draining:
            backend.health.drain(self._now(), why)
            log.info("backend drains", backend=backend.name, why=why, in_flight=backend.in_flight)
        elif backend.draining and not why:
            backend.resume(self._now())
            self._wake(backend)
            log.info("backend resumes", backend=backend.name)
