"""What an operator must hear of and no probe tells: said in the log, but not for every request."""

from collections.abc import Callable
from math import inf
from typing import Final

import structlog

from proxy.core.backend import Backend
from proxy.core.failure import Failure

APART: Final = 60.0  # seconds between two lines about one backend

log = structlog.get_logger()


class Alarm:
    """Logs an error at most once a minute for each backend. `now` is monotonic, in seconds."""

    __slots__ = ("_now", "_said")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._said: dict[str, float] = {}

    def refused(self, backend: Backend, failure: Failure) -> None:
        """Say that a backend does not take the key it is sent."""
        now = self._now()
        if now < self._said.get(backend.name, -inf) + APART:
            return
        self._said[backend.name] = now
        hint = "set or correct api_key of this backend"
        log.error("key refused", backend=backend.name, status=failure.status, hint=hint)
