"""What is too late: a look at one call's clocks, about once a second.

Calls stand on no timer wheel: to file and strike each of them costs a small request 3 us, and to
read ten thousand deadlines on the beat costs half a millisecond. Streams are judged by whether
pieces came between two looks, so a piece costs neither timer nor clock, and silence is noticed one
look late at most. While a client does not read, its engine is paused and cannot be silent: then the
client's own patience counts. A limit that falls between two looks brings the next one forward.
"""

from typing import TYPE_CHECKING, Final

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.flow import choice

if TYPE_CHECKING:
    from proxy.flow.attempts import Attempts
    from proxy.flow.course import Course

HEARTBEAT: Final = 1.0  # seconds between looks at a call's deadlines
# Looks on one beat: 1.2 us each, and none may hold the loop for 5 ms. Calls that began together
# come apart by this. A third of all at least: with four beats a second nobody waits for ever.
LOT: Final = 2500
SLOW_READER: Final = 60.0  # seconds a client may leave a full buffer untouched


def beat(course: "Course", now: float) -> None:
    """Act on every deadline that has come, of calls and of connections."""
    for item in course.wheel.advance(now):
        item.expired(now)
    due = [each for each in course.calls if each.deadline <= now]
    for attempts in due[: max(LOT, len(course.calls) // 3)]:
        visit(attempts, now)


def visit(attempts: "Attempts", now: float) -> None:
    """Look at one call and say when to look again; one that has ended is left alone."""
    if attempts.call.end:
        return
    look(attempts, now)
    if not attempts.call.end:
        attempts.deadline = next_look(attempts, now)


def look(attempts: "Attempts", now: float) -> None:
    """Act on whatever is overdue."""
    call = attempts.call
    if call.deadline and now >= call.deadline:
        _stop(attempts, Kind.TOTAL_TIMEOUT, "the whole request has taken too long")
    elif attempts.phase is Phase.STREAM:
        _stream(attempts, now)
    elif attempts.due and now >= attempts.due:
        _before(attempts, now)


def next_look(attempts: "Attempts", now: float) -> float:
    """Return when to look again."""
    when = now + HEARTBEAT
    limits = [attempts.call.deadline, attempts.due]
    relay, timeouts = attempts.relay, attempts.timeouts
    if relay is not None and timeouts is not None and timeouts.idle:
        limits.append(relay.last_at + timeouts.idle)
    return min([when, *(limit for limit in limits if limit > now)])


def look_soon(attempts: "Attempts", now: float) -> None:
    """See that a limit which falls before the next look is not missed."""
    when = next_look(attempts, now)
    attempts.deadline = min(attempts.deadline, when)


def allow(attempts: "Attempts", seconds: float, now: float) -> None:
    """Allow the present phase so many seconds; 0 = as long as it takes."""
    attempts.due = now + seconds if seconds else 0.0
    if 0.0 < seconds < HEARTBEAT:
        look_soon(attempts, now)


def may_wait(attempts: "Attempts", now: float) -> bool:
    """Allow the call what is left of the time it may spend in queues; False if nothing is."""
    limit, spent = attempts.course.queue_timeout, attempts.call.queued_s
    allow(attempts, limit and limit - spent, now)
    return not limit or spent < limit


def progressed(attempts: "Attempts") -> None:
    """Note a piece of an answer that is gathered here: what counts from now on is silence."""
    assert attempts.timeouts is not None
    now = attempts.course.now()
    attempts.first_token(now)
    allow(attempts, attempts.timeouts.idle, now)


def overall(attempts: "Attempts", total: float, now: float) -> None:
    """Put the call under the `total` seconds that hold at its present backend; 0 = no limit.

    The client's own limit holds if it is shorter. Both count from the arrival of the request.
    """
    call, asked = attempts.call, attempts.request.timeout
    limit = min(asked, total) if asked and total else asked or total
    call.deadline = call.received_at + limit if limit else 0.0
    look_soon(attempts, now)


def _stream(attempts: "Attempts", now: float) -> None:
    relay, timeouts = attempts.relay, attempts.timeouts
    assert relay is not None
    assert timeouts is not None
    if attempts.paused_at:
        if now - attempts.paused_at >= SLOW_READER:
            _stop(attempts, Kind.SLOW_READER, "the client has not read for too long")
    elif relay.chunks != relay.seen:
        if relay.seen and attempts.call.backend is not None:  # it goes on, and has not just begun
            attempts.call.backend.signs += 1
        relay.seen, relay.last_at = relay.chunks, now
    elif timeouts.idle and now - relay.last_at >= timeouts.idle:
        _stop(attempts, Kind.IDLE_TIMEOUT, f"the engine was silent for {timeouts.idle:g} s")


def _before(attempts: "Attempts", now: float) -> None:
    if attempts.phase is Phase.QUEUE:
        attempts.stop(choice.waited_in_vain(attempts, now))
        return
    connecting = attempts.phase is Phase.CONNECT
    kind, what = Kind.FIRST_TOKEN_TIMEOUT, "begin its answer"
    if connecting:
        kind, what = Kind.CONNECT_TIMEOUT, "accept the connection"
    elif attempts.call.first_token_at:
        kind, what = Kind.IDLE_TIMEOUT, "go on with its answer"
    attempts.drop(
        Failure(
            kind=kind,
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
