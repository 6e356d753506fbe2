"""What is too late: a look at one call's clocks, about once a second.

Streams are judged by the time of their last piece, so a piece costs no timer. While a client does not
read, its engine is paused and cannot be silent: then the client's own patience counts.
"""

from typing import TYPE_CHECKING, Final

from proxy.core.failure import Failure, Kind, Origin, Phase

if TYPE_CHECKING:
    from proxy.flow.attempts import Attempts

SLOW_READER: Final = 60.0  # seconds a client may leave a full buffer untouched


def look(attempts: "Attempts", now: float) -> None:
    """Act on whatever is overdue."""
    call = attempts.call
    if call.deadline and now >= call.deadline:
        _stop(attempts, Kind.TOTAL_TIMEOUT, "the whole request has taken too long")
    elif attempts.phase is Phase.STREAM:
        _stream(attempts, now)
    elif attempts.due and now >= attempts.due:
        _before(attempts)


def _stream(attempts: "Attempts", now: float) -> None:
    relay, timeouts = attempts.relay, attempts.timeouts
    assert relay is not None
    assert timeouts is not None
    if attempts.paused_at:
        if now - attempts.paused_at >= SLOW_READER:
            _stop(attempts, Kind.SLOW_READER, "the client has not read for too long")
    elif timeouts.idle and now - relay.last_at >= timeouts.idle:
        _stop(attempts, Kind.IDLE_TIMEOUT, f"the engine was silent for {timeouts.idle:g} s")


def _before(attempts: "Attempts") -> None:
    if attempts.phase is Phase.QUEUE:
        _stop(attempts, Kind.QUEUE_TIMEOUT, "no backend had room in time")
        return
    connecting = attempts.phase is Phase.CONNECT
    what = "accept the connection" if connecting else "begin its answer"
    attempts.drop(
        Failure(
            kind=Kind.CONNECT_TIMEOUT if connecting else Kind.FIRST_TOKEN_TIMEOUT,
            origin=Origin.DEADLINE,
            phase=attempts.phase,
            detail=f"the engine did not {what} in time",
            retryable=True,
            free=connecting,
        )
    )


def _stop(attempts: "Attempts", kind: Kind, detail: str) -> None:
    origin = Origin.CLIENT if kind is Kind.SLOW_READER else Origin.DEADLINE
    attempts.stop(Failure(kind=kind, origin=origin, phase=attempts.phase, detail=detail))
