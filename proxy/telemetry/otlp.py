"""Spans on their way to a collector: a bounded queue, a thread that sends, and what was lost.

Batching and sending are the SDK's (`BatchSpanProcessor`, `OTLPSpanExporter`); a collector that is
slow or gone costs spans, never requests. What is lost is counted, and told once a minute at most.
This module loads protobuf and an HTTP client, 0.5 s and 17 MB: only while tracing is on.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.version import __version__
from typing_extensions import override

from proxy.core.call import Call
from proxy.core.failure import Failure
from proxy.telemetry.spans import Builder

# Spans sent at once. Encoding one takes up to 100 us with the interpreter's lock held.
BATCH: Final = 64
SLACK: Final = 1024  # room in the SDK's queue beyond ours, so that never it but we drop


class Tap(SpanExporter):
    """Counts what becomes of the spans that go through it."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.taken = 0
        self.sent = 0
        self.failed = 0
        self._over = False

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is SpanExportResult.SUCCESS:
                self.sent += len(spans)
            else:
                self.failed += len(spans)
        return result

    @override
    def shutdown(self) -> None:
        if not self._over:
            self._over = True
            self._exporter.shutdown()


class Tracer:
    """Observes ended calls and sends the spans of those that are sampled.

    At most `queue` spans wait to be sent; those of one request are dropped together. `exporter` is
    the SDK's, or a test's.
    """

    __slots__ = ("_builder", "_dropped", "_offered", "_processor", "_queue", "_tap")

    def __init__(self, builder: Builder, exporter: SpanExporter, *, queue: int) -> None:
        self._builder = builder
        self._queue = queue
        self._tap = Tap(exporter)
        self._processor = BatchSpanProcessor(
            self._tap, max_queue_size=queue + SLACK, max_export_batch_size=BATCH
        )
        self._offered = 0
        self._dropped = 0

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        """Do nothing: the call notes its attempts itself."""

    def finished(self, call: Call) -> None:
        """Make the spans of an ended call and queue them. Hot for calls without a trace only."""
        trace = call.trace
        if trace is None or not trace.sampled:
            return
        spans = self._builder.spans(call, trace)
        trace.spoken = None  # ended calls are remembered, and their words must not be
        if self.waiting + len(spans) > self._queue:
            self._dropped += len(spans)
            return
        self._offered += len(spans)
        for span in spans:
            self._processor.on_end(span)

    @property
    def waiting(self) -> int:
        """The number of spans that nobody has begun to send."""
        return self._offered - self._tap.taken

    def counts(self) -> Mapping[str, int]:
        """Return how many spans were sent, dropped for want of room, or lost on the way."""
        return {"sent": self._tap.sent, "dropped": self._dropped, "failed": self._tap.failed}

    def flush(self) -> None:
        """Send what waits and end. Blocks, perhaps for long: for a thread of its own."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK has left it so

    def abandon(self) -> int:
        """Give up what has not been sent; return how many spans that are. Ends a `flush` soon."""
        self._tap.shutdown()
        return self._offered - self._tap.sent - self._tap.failed


def exporter(endpoint: str, headers: Mapping[str, str], timeout: float) -> SpanExporter:
    """Return what sends spans to `endpoint` by OTLP over HTTP, `timeout` seconds a try.

    The standard `OTEL_EXPORTER_OTLP_*` variables for headers, compression and certificates hold.
    """
    return OTLPSpanExporter(
        endpoint=f"{endpoint}/v1/traces", headers=dict(headers), timeout=timeout
    )


def fields(text: str) -> Mapping[str, str]:
    """Return the header fields of `name=value,name=value`; values may be percent-encoded."""
    pairs = (field.partition("=") for field in text.split(","))
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


def resource(service_name: str, version: str) -> Resource:
    """Return who sends. `OTEL_RESOURCE_ATTRIBUTES` adds to it.

    `Resource.create` would say the same, but waits for threads of its own.
    """
    known = {
        "service.name": service_name,
        "service.version": version,
        "service.instance.id": str(uuid4()),
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": __version__,
    }
    return OTELResourceDetector().detect().merge(Resource(known))


def epoch() -> float:
    """Return the Unix time at which the monotonic clock was 0."""
    return time.time() - time.monotonic()
