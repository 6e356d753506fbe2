"""What the SDK of OpenTelemetry has to complain about, once a minute at most.

It writes a line or more for each batch that does not get through.
"""

import logging
from collections.abc import Callable
from typing import Final

import structlog
from typing_extensions import override

QUIET: Final = 60.0  # seconds between two complaints

log = structlog.get_logger()


class Complaints(logging.Handler):
    """Takes the records of the loggers under `opentelemetry`, from its making until `remove`.

    `now` is any clock that does not go back; any thread may log.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(logging.WARNING)
        self._now = now
        self._next = 0.0
        self._untold = 0
        self._logger = logging.getLogger("opentelemetry")
        self._before = self._logger.propagate
        self._logger.propagate = False
        self._logger.addHandler(self)

    @override
    def emit(self, record: logging.LogRecord) -> None:
        now = self._now()
        if now < self._next:
            self._untold += 1
            return
        self._next = now + QUIET
        log.warning(
            "telemetry does not get through", reason=record.getMessage(), untold=self._untold
        )
        self._untold = 0

    def remove(self) -> None:
        """Let the SDK speak for itself again."""
        self._logger.removeHandler(self)
        self._logger.propagate = self._before
