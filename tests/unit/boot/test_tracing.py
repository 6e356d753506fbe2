"""Tracing as the settings have it: off it costs nothing, on it decides, counts and ends in time."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs
from typing_extensions import override

from proxy.boot import tracing
from proxy.boot.tracing import Traced, begin
from proxy.core.call import Call
from proxy.core.trace import Trace
from proxy.edge.server import Edge
from proxy.flow.intake import Intake
from proxy.flow.tracing import TracedIntake
from proxy.settings.credential import Secret
from proxy.settings.schema import Limits
from proxy.settings.tracing import Tracing
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.otlp import Tracer
from proxy.telemetry.spans import Builder
from tests.fixtures.course import World
from tests.fixtures.view import FakeView, ended_call

ROOT = Path(__file__).parents[3]
LOADED = """
import sys
import proxy.boot.run
from proxy.boot.tracing import begin
from proxy.settings.tracing import Tracing

begin(Tracing(), "1")
print(sorted(name for name in sys.modules if name.split(".")[0] in {"opentelemetry", "google"}))
"""


class Stuck(SpanExporter):
    """An exporter that hangs until it is shut down."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.gate.wait(10.0)
        return SpanExportResult.FAILURE

    @override
    def shutdown(self) -> None:
        self.gate.set()


def parts() -> tuple[Edge, Metrics]:
    view = FakeView({})
    return Edge(World("a").course, Limits()), Metrics("1", view)


def test_who_does_not_trace_loads_nothing_for_it() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == "[]"


async def test_off_nothing_changes() -> None:
    edge, metrics = parts()
    off = begin(Tracing(), "1")

    off.attach(edge, metrics)

    assert type(edge.intake) is Intake
    assert off.readers == ()
    assert b"headrace_spans_total{" not in metrics.render()
    await off.stop()


async def test_on_it_decides_observes_and_counts() -> None:
    edge, metrics = parts()
    turn = sys.getswitchinterval()
    settings = Tracing(
        endpoint="http://127.0.0.1:9", headers=Secret("a=b"), metrics=True, timeout=0.1
    )
    with capture_logs() as logs:
        on = begin(settings, "1")
        on.attach(edge, metrics)

        assert type(edge.intake) is TracedIntake
        assert [type(one).__name__ for one in on.readers] == ["Tracer", "Instruments"]
        assert b'headrace_spans_total{result="dropped"} 0.0' in metrics.render()
        assert sys.getswitchinterval() < turn
        await on.stop()

    assert sys.getswitchinterval() == turn
    assert logs[0]["event"] == "tracing"
    assert "a=b" not in str(logs)


def sampled() -> Call:
    call = ended_call()
    call.trace = Trace(7, flags=1, span_id=5, draw=lambda: 6)
    return call


async def test_an_end_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "FLUSH", 0.02)
    stuck = Stuck()
    tracer = Tracer(Builder(Resource({}), "1", epoch=lambda: 0.0, latest=False), stuck, queue=64)
    on = Traced(Tracing(), tracer, None)
    tracer.finished(sampled())

    with capture_logs() as logs:
        await on.stop()

    assert [(line["event"], line["spans"]) for line in logs] == [
        ("spans were given up: the collector was too slow", 1)
    ]
    assert tracer.counts()["failed"] == 1
