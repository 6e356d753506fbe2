"""The sender of GenAI metrics: every interval, once more at the end, and not after it."""

import threading
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource
from typing_extensions import override

from proxy.telemetry import meter
from proxy.telemetry.instruments import Instruments
from tests.fixtures.view import ended_call


class Kept(MetricExporter):
    """An exporter that keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[MetricsData] = []
        self.came = threading.Event()
        self.ended = False

    @override
    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any
    ) -> MetricExportResult:
        self.data.append(metrics_data)
        self.came.set()
        return MetricExportResult.SUCCESS

    @override
    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    @override
    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        self.ended = True


def counted() -> Instruments:
    made = Instruments(Resource({}), "1.0", wall=lambda: 0.0, latest=False)
    made.finished(ended_call())
    return made


def test_what_is_counted_is_sent_at_the_end() -> None:
    kept = Kept()
    sending = meter.Meter(counted(), kept, 60.0)
    assert not kept.data

    sending.flush()

    (data,) = kept.data
    assert data.resource_metrics[0].scope_metrics[0].metrics
    assert kept.ended


def test_it_is_sent_again_and_again() -> None:
    kept = Kept()
    sending = meter.Meter(counted(), kept, 0.001)

    for _ in range(3):
        assert kept.came.wait(5.0)
        kept.came.clear()

    sending.flush()
    assert len(kept.data) >= 3


def test_who_cannot_wait_ends_the_exporter() -> None:
    kept = Kept()
    sending = meter.Meter(counted(), kept, 60.0)

    sending.abandon()

    assert kept.ended
    sending.flush()


@pytest.mark.parametrize(
    ("written", "wanted"), [("", 60.0), ("5000", 5.0), ("0", 60.0), ("x", 60.0)]
)
def test_the_standard_variable_sets_the_interval(written: str, wanted: float) -> None:
    assert meter.interval({"OTEL_METRIC_EXPORT_INTERVAL": written}) == wanted


def test_the_signal_s_path_is_added() -> None:
    exporter = meter.exporter("http://c:4318", {}, 3.0)

    assert vars(exporter)["_endpoint"] == "http://c:4318/v1/metrics"
    exporter.shutdown()
