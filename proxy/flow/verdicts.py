"""What an engine's error answer means, and what follows from it beside the answer itself.

Theory. A status alone says too little: 503 may mean full, loading or dead, 404 a wrong path or a
model that is gone. The engine's profile reads status and body together; where it finds a condition,
that decides, else the status does.

    condition                    elsewhere   blame   besides
    client                       no          none
    model-missing                yes         none    left out for this model; its list is read again
    path-missing                 there       none    asked in another way from then on
    auth                         yes         soft    an alarm in the log
    loading, sleeping, draining  yes         none    passed over for a while; checked at once
    overloaded                   yes         soft
    dead                         yes         hard

`path-missing` is found here: engines of one kind differ in age, and one that answers 404 to a path
its kind has can still be asked by translation, if there is one.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

from proxy.core import retry
from proxy.core.breaker import Blame
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.base import MISSING_PATH
from proxy.dialects.profile import Condition

if TYPE_CHECKING:
    from proxy.core.backend import Backend
    from proxy.core.call import Call
    from proxy.core.inband import ErrorEvent
    from proxy.dialects.base import Engine
    from proxy.flow.course import Course
    from proxy.upstream.framing import ResponseHead

PATH_MISSING: Final = "path-missing"
IN_BAND: Final = "the engine answered 200 and then an error: "
PASSED_OVER: Final = 30.0  # seconds a backend is left out for a model it has denied to have
_SERVER_ERROR: Final = 500
_RESTING: Final = frozenset({Condition.LOADING, Condition.SLEEPING, Condition.DRAINING})


class Verdict(NamedTuple):
    """Whether another backend may do better, whose doing it was, and the condition found."""

    retryable: bool
    theirs: bool
    condition: str


def judge(engine: "Engine", status: int, body: bytes, retry_after: float | None = None) -> Verdict:
    """Judge an error answer by what the profile makes of it, else by its status."""
    found = engine.condition(status, body)
    if found is not None:
        mine = found is not Condition.CLIENT
        return Verdict(mine, mine, found.value)
    known = retry.classify_status(status, retry_after=retry_after)
    return Verdict(known.retryable, known.retryable or known.blame is not Blame.NONE, "")


def of_answer(
    engine: "Engine", head: "ResponseHead", body: bytes | None, *, other_way: bool
) -> Failure:
    """Return the failure of an answer with an error status; `body` is None if it was not read.

    `other_way`: if the engine lacks the path, it can be asked by translation.
    """
    found = judge(engine, head.status, body or b"", head.retry_after)
    if other_way and head.status in MISSING_PATH and not found.condition:
        found = Verdict(retryable=True, theirs=True, condition=PATH_MISSING)
    return Failure(
        kind=Kind.STATUS,
        origin=Origin.BACKEND if found.theirs else Origin.CLIENT,
        phase=Phase.WAIT,
        detail=f"the engine answered {head.status}",
        retryable=found.retryable,
        free=found.condition == PATH_MISSING,
        status=_told(head.status, found),
        retry_after=head.retry_after,
        body=body,
        content_type=head.content_type,
        condition=found.condition,
    )


def of_event(engine: "Engine", error: "ErrorEvent", payload: bytes) -> Failure:
    """Return the failure of an answer with status 200 that is an error all the same.

    One that no other backend would answer better is not retryable.
    """
    found = judge(engine, error.status or 500, payload)
    mistake = not found.condition and not found.retryable and (error.status or 500) < 500
    theirs = not mistake and found.condition != Condition.CLIENT
    return Failure(
        kind=Kind.ERROR_EVENT,
        origin=Origin.BACKEND if theirs else Origin.CLIENT,
        phase=Phase.WAIT,
        detail=IN_BAND + error.message,
        retryable=theirs,
        status=_told(error.status or 502, found),
        condition=found.condition,
    )


def _told(status: int, found: Verdict) -> int:
    """Return the status for the client: its own mistake is 400, though an engine says 500.

    Clients send again what was answered 500, and the same mistake with it.
    """
    return 400 if status == _SERVER_ERROR and found.condition == Condition.CLIENT else status


def react(course: "Course", call: "Call", backend: "Backend", failure: Failure) -> None:
    """Do what a condition asks for beside a retry. The breaker has heard of it already."""
    condition, now = failure.condition, course.now()
    if condition == Condition.MODEL_MISSING:
        course.missing[backend, call.native_model] = now + PASSED_OVER
        course.reread(backend)
    elif condition == PATH_MISSING:
        course.sides[backend].lacking(call.path)
    elif condition == Condition.AUTH:
        course.alarm(backend, failure)
    elif condition in _RESTING:
        backend.penalise(failure.retry_after, now)
        course.suspect(backend)
