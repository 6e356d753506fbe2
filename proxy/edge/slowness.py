"""When a request that passes through has stood still for too long, and whose fault it is.

No clock is read when bytes move: whoever moves them counts, and about once a second the count is
compared with the one of the look before. So silence is noticed one look late at most.
"""

from typing import TYPE_CHECKING, Final

from proxy.core.failure import CONNECT, STREAM, WAIT, Failure, Kind, Origin, Phase
from proxy.flow.deadlines import SLOW_READER

if TYPE_CHECKING:
    from proxy.settings.schema import Limits, Timeouts

LOOK: Final = 0.5  # seconds between two looks


class Clock:
    """Judges one request. `moved` is counted up by whoever moves bytes, either way."""

    __slots__ = ("_limits", "_seen", "_since", "deadline", "moved")

    def __init__(self, limits: "Limits", now: float) -> None:
        self._limits = limits
        self.deadline = 0.0  # when all must be over; 0 = never
        self.moved = 0
        self._seen = 0
        self._since = now

    def begin(self, now: float) -> None:
        """Begin a phase."""
        self._seen, self._since = self.moved, now

    def late(
        self, phase: Phase, timeouts: "Timeouts", now: float, *, sending: bool, reading: bool
    ) -> Failure | None:
        """Return why the request is to be ended, if it is.

        sending: the client has not sent its whole body, and the engine would take it. reading:
        the client takes what it is sent.
        """
        if self.deadline and now >= self.deadline:
            return _failure(Kind.TOTAL_TIMEOUT, phase, "the whole request has taken too long")
        if self.moved != self._seen:
            self.begin(now)
            return None
        silent = now - self._since
        if not reading:
            return _slow(phase) if silent >= SLOW_READER else None
        if phase is WAIT and sending:
            if silent < self._limits.body_timeout:
                return None
            return _failure(Kind.REQUEST_TIMEOUT, Phase.READ, "the request body stopped arriving")
        limit, kind, what = {
            CONNECT: (timeouts.connect, Kind.CONNECT_TIMEOUT, "accept the connection in time"),
            WAIT: (timeouts.first_token, Kind.FIRST_TOKEN_TIMEOUT, "begin its answer in time"),
            STREAM: (timeouts.idle, Kind.IDLE_TIMEOUT, f"say anything for {timeouts.idle:g} s"),
        }[phase]
        overdue = limit and silent >= limit
        return _failure(kind, phase, f"the engine did not {what}") if overdue else None


def _slow(phase: Phase) -> Failure:
    return Failure(
        kind=Kind.SLOW_READER,
        origin=Origin.CLIENT,
        phase=phase,
        detail="the client has not read for too long",
    )


def _failure(kind: Kind, phase: Phase, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.DEADLINE, phase=phase, detail=detail)
