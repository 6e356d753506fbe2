"""Spans on their way: sampled ones only, never more than allowed, and every loss counted."""

import threading
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from typing_extensions import override

from proxy.core.call import Call
from proxy.core.recording import Spoken
from proxy.core.trace import Trace
from proxy.telemetry import otlp
from proxy.telemetry.spans import Builder
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with


class Kept(SpanExporter):
    """An exporter that keeps what it gets; `gate` holds it up, `result` is what it says."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.result = SpanExportResult.SUCCESS
        self.gate = threading.Event()
        self.gate.set()
        self.ends = 0

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.gate.wait(5.0)
        self.spans += spans
        return self.result

    @override
    def shutdown(self) -> None:
        self.ends += 1
        self.gate.set()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def tracer(kept: Kept) -> Iterator[otlp.Tracer]:
    builder = Builder(Resource({}), "1.0", epoch=lambda: 0.0, latest=False)
    tracer = otlp.Tracer(builder, kept, queue=128)
    yield tracer
    tracer.abandon()
    tracer.flush()


def sampled(*, sampled: bool = True) -> Call:
    """Return an ended call; a sampled one has four spans."""
    backend = make_backend()
    call = ended_call(backend)
    call.committed = True
    call.trace = Trace(7, flags=int(sampled), span_id=5, draw=lambda: 6)
    call.trace.launch(backend, "m", 90.0)
    return call


def test_spans_of_sampled_calls_are_sent(kept: Kept, tracer: otlp.Tracer) -> None:
    tracer.attempt_failed(sampled(), failed_with(), retried=True)
    tracer.finished(sampled())
    tracer.finished(sampled(sampled=False))
    tracer.finished(ended_call())
    assert tracer.waiting == 4

    tracer.flush()

    assert len(kept.spans) == 4
    assert tracer.counts() == {"sent": 4, "dropped": 0, "failed": 0}
    assert kept.ends == 1


def test_words_are_sent_once_and_not_kept(kept: Kept, tracer: otlp.Tracer) -> None:
    call = sampled()
    assert call.trace is not None
    call.trace.spoken = lambda: Spoken(asked="[1]")

    tracer.finished(call)
    tracer.flush()

    assert [(span.attributes or {}).get("gen_ai.input.messages") for span in kept.spans] == [
        "[1]",
        None,
        None,
        None,
    ]
    assert call.trace.spoken is None, "ended calls are remembered"


def test_what_is_refused_is_counted(kept: Kept, tracer: otlp.Tracer) -> None:
    kept.result = SpanExportResult.FAILURE
    tracer.finished(sampled())

    tracer.flush()

    assert tracer.counts() == {"sent": 0, "dropped": 0, "failed": 4}


def test_more_than_may_wait_is_dropped_request_by_request(kept: Kept, tracer: otlp.Tracer) -> None:
    kept.gate.clear()
    for _ in range(200):  # 800 spans: a batch of 64 on its way, 128 waiting
        tracer.finished(sampled())

    assert tracer.waiting <= 128
    dropped = tracer.counts()["dropped"]
    assert dropped >= 800 - 64 - 128
    assert dropped % 4 == 0

    kept.gate.set()
    tracer.flush()
    assert len(kept.spans) == 800 - dropped


def test_what_is_abandoned_is_told(kept: Kept, tracer: otlp.Tracer) -> None:
    kept.gate.clear()
    tracer.finished(sampled())
    flushing = threading.Thread(target=tracer.flush)
    flushing.start()

    assert tracer.abandon() == 4

    flushing.join(5.0)
    assert not flushing.is_alive()


def test_the_resource_says_who_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test,service.name=x")

    found = otlp.resource("edge", "1.2")

    assert found.attributes["service.name"] == "edge"
    assert found.attributes["service.version"] == "1.2"
    assert found.attributes["deployment.environment"] == "test"
    assert found.attributes["service.instance.id"] != otlp.resource("", "").attributes.get(
        "service.instance.id"
    )


def test_header_fields_are_read() -> None:
    text = "Authorization=Bearer a%2Cb, x-team=a"

    assert otlp.fields(text) == {"authorization": "Bearer a,b", "x-team": "a"}


def test_the_signal_s_path_is_added() -> None:
    exporter = otlp.exporter("http://c:4318/base", {"a": "b"}, 3.0)

    assert vars(exporter)["_endpoint"] == "http://c:4318/base/v1/traces"
    exporter.shutdown()
