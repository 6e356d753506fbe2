"""What passes through and is sampled: the same way as the rest, with each attempt noted.

An engine is told the attempt's own span as its parent. As in `flow/tracing`, what is not sampled
knows nothing of this.
"""

from typing import TYPE_CHECKING

import msgspec
from typing_extensions import override

from proxy.core.traceparent import render
from proxy.edge.through import Through
from proxy.edge.websocket import WebSocket
from proxy.flow.tracing import below

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.core.failure import Failure


class TracedThrough(Through):
    """A sampled request that passes through."""

    __slots__ = ()

    @override
    def _next(self, failure: "Failure | None") -> None:
        began = self.course.now()
        super()._next(failure)
        call = self.call
        trace, backend = call.trace, call.backend
        if self._dial is None:  # there was nobody to dial any more
            return
        assert trace is not None
        assert backend is not None
        leg = trace.launch(backend, call.native_model, began)
        request = self.passed.request
        fields = below(request.fields, render(trace.trace_id, leg.span_id, trace.flags))
        self.passed = msgspec.structs.replace(self.passed, request=request.with_fields(fields))

    @override
    def _refused(self, failure: "Failure") -> None:
        if self.call.trace is not None:
            self.call.trace.land(failure, 0.0, self.course.now())
        super()._refused(failure)


class TracedWebSocket(TracedThrough, WebSocket):
    """A sampled WebSocket."""

    __slots__ = ()


def maker(call: "Call", *, upgrade: bool) -> type[Through]:
    """Return what carries a request: its trace says whether it is noted."""
    if call.trace is not None and call.trace.sampled:
        return TracedWebSocket if upgrade else TracedThrough
    return WebSocket if upgrade else Through
