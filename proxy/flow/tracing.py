"""Sampled calls: the same way as all others, with each wait and each attempt noted.

Whether a call is sampled is decided before it begins. One that is not takes the ordinary way, and
its code knows nothing of tracing. One that is goes through `TracedAttempts`, which adds the notes
and tells each engine the attempt's own span as its parent; `Request`, whose header lines are shared
by all calls with the same head, is copied for it.
"""

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET
from typing_extensions import override

from proxy.core.traceparent import Parent, Sampler, parse, render
from proxy.flow.attempts import Attempts
from proxy.flow.continuing import ContinuingAttempts
from proxy.flow.intake import Intake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.backend import Backend
    from proxy.core.call import Call
    from proxy.core.catalog import Target
    from proxy.core.failure import Failure
    from proxy.core.headers import Field
    from proxy.flow.course import Client, Course, Request
    from proxy.flow.skimming import Driver


class TracedIntake(Intake):
    """Decides about each call before it begins. Stands in for `Intake` while tracing is on."""

    __slots__ = ("_sampled", "_sampler")

    def __init__(self, course: "Course", sampler: Sampler) -> None:
        super().__init__(course)
        self._sampler = sampler
        self._sampled = Intake(course, TracedAttempts, TracedContinuing)

    @override
    def mark(self, request: "Request | None", call: "Call") -> None:
        if request is None:
            call.trace = self._sampler.begin(None)
            return
        parent = request.parent
        if parent is UNSET:
            parent = request.parent = parent_of(request.fields)
        call.trace = self._sampler.begin(parent)

    @override
    def begin(
        self, client: "Client", request: "Request", body: bytes, call: "Call"
    ) -> "Driver | None":
        self.mark(request, call)
        trace = call.trace
        if trace is None or not trace.sampled:
            return super().begin(client, request, body, call)
        return self._sampled.begin(client, request, body, call)


class TracedAttempts(Attempts):
    """A sampled call on its way."""

    __slots__ = ()

    def __init__(
        self,
        course: "Course",
        call: "Call",
        client: "Client",
        request: "Request",
        targets: "tuple[Target, ...]",
    ) -> None:
        if course.recorder is not None:
            client = course.recorder.client(client, request, call)
        super().__init__(course, call, client, request, targets)

    @override
    def proceed(self, now: float) -> None:
        self._waited(now)
        super().proceed(now)

    @override
    def _launch(self, target: "Target", backend: "Backend", now: float) -> None:
        trace = self.call.trace
        assert trace is not None
        leg = trace.launch(backend, target.native[backend.name], now)
        fields = below(self.request.fields, render(trace.trace_id, leg.span_id, trace.flags))
        self.request = self.request.with_fields(fields)
        super()._launch(target, backend, now)

    @override
    def failed(self, failure: "Failure") -> None:
        call = self.call
        if call.trace is not None:
            told = failure if failure.body is None else msgspec.structs.replace(failure, body=None)
            call.trace.land(told, call.dispatched_at, self.course.now())
        super().failed(failure)

    @override
    def _end(self, failure: "Failure | None", *, refuse: bool = False) -> None:
        if self._ticket is not None:
            self._waited(self.course.now())
        super()._end(failure, refuse=refuse)

    def _waited(self, now: float) -> None:
        trace = self.call.trace
        if self._queued_at and trace is not None:
            trace.waits.append((self._queued_at, now))


class TracedContinuing(TracedAttempts, ContinuingAttempts):
    """A sampled call whose stream may go on elsewhere."""

    __slots__ = ()


def parent_of(fields: "Sequence[Field]") -> Parent | None:
    """Return what the client says of its trace; two of it say nothing."""
    values = [value for name, value in fields if name == b"traceparent"]
    return parse(values[0]) if len(values) == 1 else None


def below(fields: "Sequence[Field]", parent: bytes) -> "list[Field]":
    """Return the fields with another `traceparent`: what an engine of a sampled request is told.

    `tracestate` belongs to a trace: of one that did not come from the client it is not passed on.
    """
    ended = {b"traceparent"} if parent_of(fields) is not None else {b"traceparent", b"tracestate"}
    return [*(field for field in fields if field[0] not in ended), (b"traceparent", parent)]
