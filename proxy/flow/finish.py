"""How a call ends: exactly once, whatever happened to it.

`settle` closes an attempt's account with its backend, `end` closes the call. Every path of
`flow/attempts` comes through here, cancelled and crashed ones too; the property tests count.
"""

from typing import TYPE_CHECKING

import msgspec

from proxy.core.breaker import Blame, blame
from proxy.core.call import OK
from proxy.core.failure import Failure

if TYPE_CHECKING:
    from proxy.core.backend import Lease
    from proxy.core.call import Call
    from proxy.flow.attempts import Attempts
    from proxy.flow.course import Course


def settle(course: "Course", lease: "Lease", failure: Failure | None, now: float) -> None:
    """Give a lease back and tell the breaker what was learned.

    None is a success. Failures that say nothing about the backend (the client left, we refused)
    free a probe's place without a verdict.
    """
    backend = lease.backend
    breaker = backend.breaker
    if failure is None:
        breaker.succeeded(lease.token, now)
        lease.release()
        return
    backend.signs -= 1  # a release, but no sign of life
    weight = blame(failure)
    if weight is Blame.NONE:
        breaker.abandoned(lease.token, now)
    else:
        breaker.failed(lease.token, now, hard=weight is Blame.HARD, soft=weight is Blame.SOFT)
        backend.penalise(failure.retry_after, now)
        if weight is not Blame.SOFT:
            course.suspect(backend)
    lease.release()


def end(
    course: "Course", attempts: "Attempts", failure: Failure | None, *, refuse: bool = False
) -> None:
    """End a call: set its end code, answer with the failure if asked to, tell the observers.

    Raises `AssertionError` if the call has ended before.
    """
    call: Call = attempts.call
    assert not call.end, f"a second end of {call!r}"
    relay = attempts.relay
    if relay is not None:
        call.chunks, call.bytes_out, call.last_chunk_at = relay.chunks, relay.size, relay.last_at
        attempts.relay = None  # they refer to each other, and it holds the last pieces
    call.failure = failure
    call.end = OK if failure is None else failure.code
    call.body = b""
    if call.visit is not None:
        call.visit.end(call.ended_at)
    attempts.last_failure = None  # it may hold an engine's error body, and be held by a connect
    course.calls.discard(attempts)
    if failure is not None:
        if refuse:  # first: the observers are to see the status it was given
            attempts.client.refuse(call, failure)
        if failure.body is not None:  # it has been answered with; ended calls are remembered
            call.failure = msgspec.structs.replace(failure, body=None)
    for observer in course.observers:
        observer.finished(call)
