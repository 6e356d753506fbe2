"""GenAI metrics on their way to a collector: collected and sent by a thread, once a minute."""

import os
import threading
from collections.abc import Mapping
from typing import Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import MetricExporter

from proxy.telemetry.instruments import Instruments

INTERVAL: Final = 60.0  # seconds; OTEL_METRIC_EXPORT_INTERVAL (milliseconds) changes it


class Meter:
    """Sends what `instruments` have counted, every `interval` seconds and at the end."""

    __slots__ = ("_exporter", "_instruments", "_interval", "_stop", "_thread")

    def __init__(
        self, instruments: Instruments, exporter: MetricExporter, interval: float = INTERVAL
    ) -> None:
        self._instruments = instruments
        self._exporter = exporter
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp-metrics", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        over = False
        while not over:
            over = self._stop.wait(self._interval)
            self._exporter.export(self._instruments.collect())

    def flush(self) -> None:
        """Send once more and end. Blocks, perhaps for long: for a thread of its own."""
        self._stop.set()
        self._thread.join()
        self._exporter.shutdown()

    def abandon(self) -> None:
        """Cut a `flush` short."""
        self._exporter.shutdown()


def interval(env: Mapping[str, str] = os.environ) -> float:
    """Return the seconds between two exports, as `OTEL_METRIC_EXPORT_INTERVAL` has them."""
    written = env.get("OTEL_METRIC_EXPORT_INTERVAL", "")
    return int(written) / 1e3 if written.isdecimal() and int(written) else INTERVAL


def exporter(endpoint: str, headers: Mapping[str, str], timeout: float) -> MetricExporter:
    """Return what sends metrics to `endpoint` by OTLP over HTTP, `timeout` seconds a try."""
    return OTLPMetricExporter(
        endpoint=f"{endpoint}/v1/metrics", headers=dict(headers), timeout=timeout
    )
