"""From a whole request to a call under way: read what routing needs, find the model's backends.

Nothing is sent anywhere until the body is here whole: the model's name is in it, and a retry needs
it.
"""

from typing import TYPE_CHECKING, Final

from proxy.core.call import Call
from proxy.core.catalog import Target
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.peek import Peek, Reader, peek_form
from proxy.flow import choice
from proxy.flow.attempts import Attempts

if TYPE_CHECKING:
    from proxy.flow.course import Client, Course, Request

BYTES_PER_TOKEN: Final = 4.0  # English text and JSON around it; only relations between calls matter


class Intake:
    """Makes calls. One serves a process."""

    __slots__ = ("_course", "_peek")

    def __init__(self, course: "Course") -> None:
        self._course = course
        self._peek = Reader().peek

    def begin(
        self, client: "Client", request: "Request", body: bytes, call: Call
    ) -> Attempts | None:
        """Start a call whose request is complete.

        None means that it has already been refused; the client has its answer.
        """
        call.surface = request.operation.surface
        call.body = body
        call.body_size = len(body)
        facts = self._peek(body) if request.operation.json else peek_form(body)
        if isinstance(facts, Failure):
            self._refuse(client, call, facts)
            return None
        self._describe(call, request, facts)
        targets = self._targets(call)
        if isinstance(targets, Failure):
            self._refuse(client, call, targets)
            return None
        attempts = Attempts(self._course, call, client, request, targets)
        attempts.start()
        return attempts

    def _describe(self, call: Call, request: "Request", facts: Peek) -> None:
        call.model = str(facts.model)  # a plain string, whatever type the decoder made
        call.stream = bool(facts.stream)
        call.session = request.session
        call.priority = request.priority
        call.pin = request.pin
        call.prompt_work = call.body_size / BYTES_PER_TOKEN
        call.output_work = self._course.estimator.expected(call.model, facts.output_limit)
        if request.timeout:
            call.deadline = call.received_at + request.timeout

    def _targets(self, call: Call) -> tuple[Target, ...] | Failure:
        targets = self._course.directory.current.resolve(call.model)
        if not targets:
            return self._no_such_model(call)
        if call.pin is None and call.path in self._course.common_paths:
            return targets
        targets = tuple(self._able(target, call) for target in targets)
        if not any(target.candidates for target in targets):
            if call.pin is not None:
                detail = f"no backend {call.pin[:100]!r} serves the model {call.model[:200]!r}"
                return _unknown(Kind.UNKNOWN_BACKEND, detail)
            return _unknown(
                Kind.UNKNOWN_PATH, f"no engine that serves {call.model[:200]!r} has {call.path}"
            )
        return targets

    def _no_such_model(self, call: Call) -> Failure:
        """Return 404, or 503 while a backend may still list the model: 404 is not repeated."""
        unheard = self._course.unheard()
        if not unheard:
            return _unknown(Kind.UNKNOWN_MODEL, f"there is no model {call.model[:200]!r} here")
        return Failure(
            kind=Kind.NO_BACKEND,
            origin=Origin.PROXY,
            phase=Phase.QUEUE,
            detail=f"no backend lists the model {call.model[:200]!r}, but some have not been heard"
            f" yet: {', '.join(unheard)}",
            retry_after=choice.SOONEST,
        )

    def _able(self, target: Target, call: Call) -> Target:
        """Leave out backends that may not be sent this path, or are not the one asked for."""
        sides, pin = self._course.sides, call.pin
        kept = tuple(
            backend
            for backend in target.candidates
            if call.path in sides[backend].engine.operations and pin in {None, backend.name}
        )
        return Target(target.model, kept, target.native)

    def _refuse(self, client: "Client", call: Call, failure: Failure) -> None:
        refuse(self._course, client, call, failure)


def refuse(course: "Course", client: "Client", call: Call, failure: Failure) -> None:
    """Answer a call that never got under way, and end it."""
    course.started()
    call.failure = failure
    call.end = failure.code
    call.ended_at = course.now()
    call.body = b""
    client.refuse(call, failure)
    for observer in course.observers:
        observer.finished(call)


def _unknown(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
