"""The spans of one sampled request, made of its facts when it is over.

    POST /v1/chat/completions          server: as the client saw it, with the tokens
      queue                            each wait for a backend with room
      chat llama-3.1-70b               client: each attempt at a backend
        first_token                    from the bytes on a connection to the first data event
        stream                         from there to the last one

Made afterwards because a request must not wait for it, and because a span of the SDK's tracer costs
58 us where these cost 10. Their ids have been drawn before: the engines were told them. Spans hold
names, numbers and times; no message of an engine, which may repeat a prompt, and no text of a
prompt or an answer, unless the settings name the model: then the request's own span has it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from proxy.core.call import Call
from proxy.core.failure import Failure, Origin
from proxy.core.trace import Leg, Trace
from proxy.dialects.openai_api import OPERATIONS
from proxy.telemetry import genai
from proxy.telemetry.escape import visible
from proxy.telemetry.genai import Attributes

_UNSET: Final = Status(StatusCode.UNSET)
_ERROR: Final = Status(StatusCode.ERROR)

_Times = tuple[float, float]


class Builder:
    """Makes spans of calls.

    `epoch` returns the Unix time at which the calls' clock was 0. `latest` chooses the newer names
    of the GenAI conventions.
    """

    __slots__ = ("_epoch", "_latest", "_resource", "_scope")

    def __init__(
        self, resource: Resource, version: str, *, epoch: Callable[[], float], latest: bool
    ) -> None:
        self._resource = resource
        self._scope = InstrumentationScope("headrace", version)
        self._epoch = epoch
        self._latest = latest

    def spans(self, call: Call, trace: Trace) -> list[ReadableSpan]:
        """Return the spans of an ended call, the request's own first."""
        family = _Family(self._resource, self._scope, trace, self._epoch())
        times = (call.received_at, call.ended_at)
        whole = _Draft(_name(call), trace.span_id, trace.parent_id, times)
        whole.kind = SpanKind.SERVER
        whole.attributes = self._of_request(call)
        whole.status = _verdict(call.failure)
        made = [whole]
        made += [_Draft("queue", trace.draw(), trace.span_id, wait) for wait in trace.waits]
        for number, leg in enumerate(trace.legs, 1):
            made += self._attempt(call, trace, leg, number)
        return [one.readable(family) for one in made]

    def _attempt(self, call: Call, trace: Trace, leg: Leg, number: int) -> "list[_Draft]":
        last = number == len(trace.legs)
        failure = leg.failure if leg.ended or not last else call.failure
        ended = leg.ended or call.ended_at
        sent = leg.sent
        if not leg.ended and call.dispatched_at >= leg.started:
            sent = call.dispatched_at
        served = last and call.committed
        name = call.method
        if call.path in OPERATIONS:
            name = f"{genai.operation(call.path)} {visible(leg.model)}"
        attempt = _Draft(name, leg.span_id, trace.span_id, (leg.started, ended))
        attempt.kind = SpanKind.CLIENT
        attempt.status = _verdict(failure)
        attempt.attributes = self._of_attempt(call, leg, failure)
        attempt.attributes["headrace.attempt"] = number
        if sent:
            attempt.attributes["headrace.connect_ms"] = (sent - leg.started) * 1e3
        if served:
            attempt.attributes["http.response.status_code"] = call.status
        first = call.first_token_at
        if not (served and call.stream and first and sent) or call.continued:
            return [attempt]
        until = max(first, call.last_chunk_at or ended)
        return [
            attempt,
            _Draft("first_token", trace.draw(), leg.span_id, (sent, first)),
            _Draft("stream", trace.draw(), leg.span_id, (first, until)),
        ]

    def _of_request(self, call: Call) -> Attributes:
        found: Attributes = {
            "http.request.method": call.method,
            "http.request.body.size": call.body_size,
            "http.response.body.size": call.bytes_out,
            "url.path": visible(call.path),
            "url.scheme": "http",
            "headrace.request_id": visible(call.request_id),
            "headrace.surface": call.surface,
            "headrace.stream": call.stream,
            "headrace.attempts": call.attempts,
            "headrace.queue_ms": call.queued_s * 1e3,
            "headrace.chunks": call.chunks,
            "headrace.end": call.end,
        }
        if call.path in OPERATIONS:
            found["http.route"] = call.path
        if call.status:
            found["http.response.status_code"] = call.status
        host, _, port = call.client.rpartition(":")
        if host and port.isdigit():
            found["client.address"], found["client.port"] = host.strip("[]"), int(port)
        if call.backend is not None:
            found["headrace.backend"] = call.backend.name
        if call.first_token_at:
            found["headrace.ttft_ms"] = (call.first_token_at - call.received_at) * 1e3
        if call.continued:
            found["headrace.continued"] = call.continued
        if call.failure is not None:
            found[genai.ERROR] = call.failure.kind.value
        if call.grant is not None:
            key = call.grant.account.key
            found["headrace.key"], found["headrace.tenant"] = key.name, key.tenant
        found |= genai.of_call(call, latest=self._latest)
        if call.trace is not None and call.trace.spoken is not None:
            found |= genai.of_content(call.trace.spoken())
        return found

    def _of_attempt(self, call: Call, leg: Leg, failure: Failure | None) -> Attributes:
        host, port = _address(leg.backend.url)
        found: Attributes = {
            genai.OPERATION: genai.operation(call.path),
            genai.provider(self._latest): leg.backend.kind or genai.UNKNOWN,
            "server.address": host,
            "headrace.backend": leg.backend.name,
        }
        if leg.model:
            found[genai.REQUEST_MODEL] = visible(leg.model)
        if port:
            found["server.port"] = port
        if failure is not None:
            found[genai.ERROR] = failure.kind.value
            if failure.status is not None:
                found["http.response.status_code"] = failure.status
        return found


class _Draft:
    """A span before its last attributes are known. Parent 0 = none."""

    __slots__ = ("attributes", "ident", "kind", "name", "parent", "status", "times")

    def __init__(self, name: str, ident: int, parent: int, times: _Times) -> None:
        self.name = name
        self.ident = ident
        self.parent = parent
        self.times = times
        self.kind = SpanKind.INTERNAL
        self.status = _UNSET
        self.attributes: Attributes = {}

    def readable(self, family: "_Family") -> ReadableSpan:
        """Return what exporters take."""
        trace, epoch = family.trace, family.epoch
        context = family.context(self.ident, remote=False)
        # Only the client's span stands in another process.
        remote = self.ident == trace.span_id
        parent = family.context(self.parent, remote=remote) if self.parent else None
        start, end = self.times
        return ReadableSpan(
            self.name,
            context=context,
            parent=parent,
            resource=family.resource,
            attributes=self.attributes,
            kind=self.kind,
            status=self.status,
            start_time=int((epoch + start) * 1e9),
            end_time=int((epoch + max(start, end)) * 1e9),
            instrumentation_scope=family.scope,
        )


class _Family:
    """What the spans of one request have in common."""

    __slots__ = ("_flags", "epoch", "resource", "scope", "trace")

    def __init__(
        self, resource: Resource, scope: InstrumentationScope, trace: Trace, epoch: float
    ) -> None:
        self.resource = resource
        self.scope = scope
        self.trace = trace
        self.epoch = epoch
        self._flags = TraceFlags(trace.flags)

    def context(self, ident: int, *, remote: bool) -> SpanContext:
        return SpanContext(self.trace.trace_id, ident, remote, self._flags)


def _name(call: Call) -> str:
    return f"{call.method} {call.path}" if call.path in OPERATIONS else call.method


def _verdict(failure: Failure | None) -> Status:
    # What the client did wrong, or its leaving, is no error of the server's span.
    return _UNSET if failure is None or failure.origin is Origin.CLIENT else _ERROR


@lru_cache(maxsize=1024)
def _address(url: str) -> tuple[str, int]:
    """Return host and port of a backend; the path of a Unix socket has port 0."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path, 0
    return parts.hostname or "", parts.port or 80
