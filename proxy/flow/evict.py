"""Calls that wait at a backend which has gone down are taken back and sent elsewhere.

An engine that dies slowly, or behind a network that swallows packets, leaves its sockets open: who
waits there for a first byte would wait for the whole first-token timeout. Answers that have begun
are left alone; they end by themselves or by their idle timeout.
"""

from typing import TYPE_CHECKING

from proxy.core.failure import Failure, Kind, Origin, Phase

if TYPE_CHECKING:
    from proxy.core.backend import Backend
    from proxy.flow.course import Course


def reroute(course: "Course", backend: "Backend") -> int:
    """Take back every call that has no answer yet from `backend`; return how many there were.

    To be called when the backend's health turns down because it cannot be reached.
    """
    waiting = [
        attempts
        for attempts in course.calls
        if attempts.call.backend is backend and attempts.phase in _KINDS
    ]
    for attempts in waiting:
        if attempts.phase in _KINDS and attempts.call.backend is backend and not attempts.call.end:
            connecting = attempts.phase is Phase.CONNECT
            attempts.drop(
                Failure(
                    kind=_KINDS[attempts.phase],
                    origin=Origin.BACKEND,
                    phase=attempts.phase,
                    detail="the engine went down before it answered",
                    retryable=True,
                    free=connecting,
                )
            )
    return len(waiting)


_KINDS = {Phase.CONNECT: Kind.CONNECT_FAILED, Phase.WAIT: Kind.CLOSED}
