"""From a whole request to a call under way: read what routing needs, find the model's backends.

Nothing is sent anywhere until the body is here whole: the model's name is in it, and a retry needs
it.
"""

from functools import partial
from typing import TYPE_CHECKING, Final

from proxy.core.call import OK, Call
from proxy.core.catalog import Target
from proxy.core.failure import STREAM, Failure, Kind, Origin, Phase
from proxy.core.peek import Peek, Reader, peek_form, place_in
from proxy.core.skim import Skim
from proxy.dialects.translate.base import Settled
from proxy.flow import able, carriage, choice, scope, unnamed
from proxy.flow.attempts import Attempts
from proxy.flow.commit import head_bytes
from proxy.flow.continuing import ContinuingAttempts, continues

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.backend import Backend
    from proxy.flow.course import Client, Course, Maker, Request
    from proxy.flow.skimming import Driver

BYTES_PER_TOKEN: Final = 4.0  # English text and JSON around it; only relations between calls matter


class Intake:
    """Makes calls. One serves a process."""

    __slots__ = ("_course", "_make", "_make_lasting", "_peek", "_reader")

    def __init__(
        self,
        course: "Course",
        make: "Maker" = Attempts,
        make_lasting: "Maker" = ContinuingAttempts,
    ) -> None:
        self._course = course
        self._make = make  # what drives a call
        self._make_lasting = make_lasting  # the same for one that may go on at another engine
        self._reader = Reader()
        self._peek = self._reader.peek

    def mark(self, request: "Request | None", call: Call) -> None:
        """Note the trace of a request that is no call of a model: passed on, or refused early."""

    def begin(
        self, client: "Client", request: "Request", body: bytes, call: Call
    ) -> "Driver | None":
        """Start a call whose request is complete.

        None means that it has already been refused; the client has its answer.
        """
        call.surface = request.operation.surface
        facts = self._peek(body) if request.operation.json else peek_form(body)
        kind = type(facts)
        if kind is not Skim and kind is not Failure:  # `isinstance` takes 0.1 us for a struct
            return self._start(client, request, body, call, facts)  # type: ignore[arg-type]
        if isinstance(facts, Failure):
            return self._amend(client, request, body, call, facts)
        assert isinstance(facts, Skim)
        begin = partial(self._skimmed, client, request, body, call, facts)
        return self._course.skims.add(call, facts, begin, partial(abandon, self._course, call))

    def _skimmed(
        self, client: "Client", request: "Request", body: bytes, call: Call, skim: Skim
    ) -> "Driver | None":
        """Start a call whose body has been read in steps."""
        facts = self._reader.conclude(skim)
        if isinstance(facts, Failure):
            return self._amend(client, request, body, call, facts)
        request = request.with_fields(request.fields)
        request.model_at = place_in(skim)
        return self._start(client, request, body, call, facts)

    def _amend(
        self, client: "Client", request: "Request", body: bytes, call: Call, failure: Failure
    ) -> "Driver | None":
        """Start a call that names no model, if it can mean only one; refuse it otherwise."""
        supplied = unnamed.supply(self._course, request, body, failure)
        if not isinstance(supplied, Failure):
            return self.begin(client, request, supplied, call)
        call.body_size = len(body)
        self._refuse(client, call, supplied)
        return None

    def _start(
        self, client: "Client", request: "Request", body: bytes, call: Call, facts: Peek
    ) -> Attempts | None:
        call.body = body
        call.body_size = len(body)
        self._describe(call, request, facts)
        guard = self._course.guard
        if guard is not None:
            refusal = guard.admit(call, request)
            if refusal is not None:
                self._refuse(client, call, refusal)
                return None
        targets = self._targets(call, request)
        if request.translates and not isinstance(targets, Failure):
            prepared = carriage.prepared(self._course, call, targets, threads=request.threads)
            if isinstance(prepared, Settled):
                settle(self._course, client, call, prepared)
                return None
            targets = prepared
        if isinstance(targets, Failure):
            self._refuse(client, call, targets)
            return None
        make = self._make
        if call.stream and (request.continues or self._course.continues is not None):
            make = self._maker(request, call)
        if self._course.hedges is not None:
            make = self._course.hedges.maker(make, request, call)
        if self._course.early is not None:
            make = self._course.early.maker(make, request, call)
        attempts = make(self._course, call, client, request, targets)
        attempts.start()
        return attempts

    def _maker(self, request: "Request", call: Call) -> "Maker":
        return self._make_lasting if continues(self._course, request, call) else self._make

    def retarget(self) -> None:
        """Let calls without an answer know of a new catalog, for their next attempt.

        A call whose model is gone keeps what it knew: the model may come back while it waits. So
        does one whose answer goes on elsewhere: it knows who can do that.
        """
        for attempts in self._course.calls:
            if attempts.phase is not STREAM and attempts.relay is None:
                self._retarget(attempts)

    def _retarget(self, attempts: Attempts) -> None:
        call, request = attempts.call, attempts.request
        found = self._targets(call, request)
        if isinstance(found, Failure):
            return
        # To translate is work: only for backends this call did not know of.
        if request.translates and not _backends(found) <= _backends(attempts.targets):
            prepared = carriage.prepared(self._course, call, found)
            if isinstance(prepared, Settled | Failure):
                return
            found = prepared
        attempts.targets = found

    def _describe(self, call: Call, request: "Request", facts: Peek) -> None:
        call.model = str(facts.model)  # a plain string, whatever type the decoder made
        stream = facts.stream
        call.stream = request.operation.streams if stream is None else stream
        call.session = request.session
        if call.session is None and self._course.fingerprint is not None:
            call.session = self._course.fingerprint(call.body)
        call.priority = request.priority
        call.pin = request.pin
        call.prompt_work = call.body_size / BYTES_PER_TOKEN
        call.output_work = self._course.estimator.expected(call.model, facts.output_limit)
        if request.timeout:
            call.deadline = call.received_at + request.timeout

    def _targets(self, call: Call, request: "Request") -> tuple[Target, ...] | Failure:
        course = self._course
        catalog = course.directory.current
        targets = catalog.resolve(call.model)
        if not targets and call.surface == "ollama":  # whose clients add a tag where there is none
            targets = catalog.resolve(call.model.removesuffix(":latest"))
        if call.pin is None:
            if not targets:
                return self._no_such_model(call, course.unheard())
            if course.missing:
                targets = able.without_missing(course, targets)
            if call.path in course.common_paths and call.body_size <= course.least_body:
                return targets
            return able.narrowed(course, call, targets)
        within = scope.named(course, request.scope, call.pin)
        if isinstance(within, Failure):
            return within
        left = able.within(targets, within)
        if not any(target.candidates for target in left):
            return self._not_there(bool(targets), call, request, within)
        return able.narrowed(course, call, left)

    def _not_there(
        self, elsewhere: bool, call: Call, request: "Request", within: "frozenset[Backend]"
    ) -> Failure:
        """Return the failure of a call for a model that none of the backends asked for lists."""
        unheard = self._course.unheard()
        silent = [backend.name for backend in within if backend.name in unheard]
        if silent or not (elsewhere or request.scope):
            return self._no_such_model(call, silent)
        if request.scope is None:
            return _unserved(call)
        detail = f"{request.scope[:100]!r} does not serve the model {call.model[:200]!r}"
        return _unknown(Kind.UNKNOWN_MODEL, detail)

    def _no_such_model(self, call: Call, unheard: "Sequence[str]") -> Failure:
        """Return 404, or 503 while a backend may still list the model: 404 is not repeated."""
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


def abandon(course: "Course", call: Call) -> None:
    """End a call that never got under way, since its client has left."""
    course.started()
    call.failure = Failure(
        kind=Kind.CLIENT_GONE,
        origin=Origin.CLIENT,
        phase=Phase.READ,
        detail="the client closed the connection",
    )
    call.end = call.failure.code
    call.ended_at = course.now()
    for observer in course.observers:
        observer.finished(call)


def settle(course: "Course", client: "Client", call: Call, made: Settled) -> None:
    """Answer a call for which no engine need be asked, and end it."""
    course.started()
    now = course.now()
    call.status, call.end, call.body = 200, OK, b""
    call.first_token_at = call.first_byte_at = call.last_chunk_at = call.ended_at = now
    call.bytes_out, call.chunks = len(made.body), 1
    head = head_bytes(carriage.settled_head(made), len(made.body), call, client)
    client.write(head + made.body)
    for observer in course.observers:
        observer.finished(call)
    client.answered(whole=True)


def _backends(targets: tuple[Target, ...]) -> "set[Backend]":
    return {backend for target in targets for backend in target.candidates}


def _unserved(call: Call) -> Failure:
    detail = f"no backend {str(call.pin)[:100]!r} serves the model {call.model[:200]!r}"
    return _unknown(Kind.UNKNOWN_BACKEND, detail)


def _unknown(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
