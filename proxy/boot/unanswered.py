"""Which backends have not been ready since they were named, told by the log once.

An engine loads its weights for minutes, which is no news, and an address that is wrong looks the
same from here. So it is said once for each, with the reason, when PATIENCE has passed; the status
and the dashboard say it all the time.
"""

from collections.abc import Collection
from typing import Final

import structlog

from proxy.core.backend import Backend
from proxy.core.health import State

PATIENCE: Final = 10.0  # seconds: a container that starts together with this one mostly answers

log = structlog.get_logger()


class Unanswered:
    """Who was told of."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: set[Backend] = set()

    def look(self, backends: Collection[Backend], now: float) -> None:
        """Tell of those that are late; forget those that are not there any more."""
        self._told.intersection_update(backends)
        for backend in backends:
            found = backend.health
            if found.state is not State.STARTING or backend in self._told:
                continue
            if now - found.since >= PATIENCE:
                self._told.add(backend)
                log.warning(
                    "backend not ready yet",
                    backend=backend.name,
                    url=backend.url,
                    reason=found.reason,
                    seconds=round(now - found.since),
                )
