"""GenAI metrics sent by OTLP: the histograms of the conventions, counted here, encoded by the SDK.

The SDK's own instruments take 5 to 10 us an observation, and a request makes five; these take 2 us
for all of them. So only the data points and their export are the SDK's. Whoever collects from
another thread may see an observation half added: in the next collection it is whole.
"""

from collections.abc import Callable
from typing import Final

from opentelemetry.sdk.metrics import export
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    HistogramDataPoint,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from proxy.core.call import Call
from proxy.core.failure import Failure
from proxy.telemetry import genai
from proxy.telemetry.escape import visible
from proxy.telemetry.genai import Attributes
from proxy.telemetry.histogram import Histogram

MAX_SERIES: Final = 1000  # sets of attributes; what comes later counts under one

DURATION: Final = "gen_ai.server.request.duration"
OPERATION: Final = "gen_ai.client.operation.duration"
FIRST_TOKEN: Final = "gen_ai.server.time_to_first_token"
PER_TOKEN: Final = "gen_ai.server.time_per_output_token"
TOKENS: Final = "gen_ai.client.token.usage"
_LATER_OPERATION: Final = "gen_ai.client.inference.duration"
_LATER_IN: Final = "gen_ai.client.inference.operation.input_tokens"
_LATER_OUT: Final = "gen_ai.client.inference.operation.output_tokens"

_SECONDS: Final = tuple(0.01 * 2**n for n in range(14))
_FIRST: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
_PER: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
_COUNTS: Final = tuple(float(4**n) for n in range(14))

_Key = tuple[str, str, str, str, str]  # path, model, native model, kind of engine, error


class Series:
    """What is counted for one set of attributes.

    `duration` is what the client waited, `operation` the part of it that engines had: without the
    queue, and only of requests that were sent to one.
    """

    __slots__ = ("duration", "first", "operation", "per_token", "tokens_in", "tokens_out")

    def __init__(self) -> None:
        self.duration = Histogram(_SECONDS)
        self.operation = Histogram(_SECONDS)
        self.first = Histogram(_FIRST)
        self.per_token = Histogram(_PER)
        self.tokens_in = Histogram(_COUNTS)
        self.tokens_out = Histogram(_COUNTS)


class Instruments:
    """Observes ended calls. `latest` chooses the newer names; `wall` is Unix time."""

    __slots__ = ("_latest", "_resource", "_scope", "_series", "_started", "_wall")

    def __init__(
        self, resource: Resource, version: str, *, wall: Callable[[], float], latest: bool
    ) -> None:
        self._resource = resource
        self._scope = InstrumentationScope("headrace", version)
        self._latest = latest
        self._wall = wall
        self._started = int(wall() * 1e9)
        self._series: dict[_Key, Series] = {}

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        """Do nothing: the conventions count operations, not attempts."""

    def finished(self, call: Call) -> None:
        """Count one ended call. Hot while it is on: about two microseconds."""
        backend, failure = call.backend, call.failure
        error = "" if failure is None else failure.kind.value
        if backend is None:  # path and model may be any text
            key: _Key = (call.path if call.path in genai.PATHS else "", "", "", "", error)
        else:
            key = (call.path, call.model, call.native_model, backend.kind, error)
        series = self._series.get(key) or self._new(key)
        received, first = call.received_at, call.first_token_at
        lasted = call.ended_at - received
        series.duration.observe(lasted)
        if call.attempts:
            series.operation.observe(lasted - call.queued_s)
        tokens = call.tokens_out
        if call.tokens_in is not None:
            series.tokens_in.observe(call.tokens_in)
        if tokens is not None:
            series.tokens_out.observe(tokens)
        if first and call.stream:
            series.first.observe(first - received)
            if tokens is not None and tokens > 1:
                series.per_token.observe((call.last_chunk_at - first) / (tokens - 1))

    def _new(self, key: _Key) -> Series:
        if len(self._series) >= MAX_SERIES:
            key = ("", "", "", "", genai.UNKNOWN)
        return self._series.setdefault(key, Series())

    def collect(self) -> MetricsData:
        """Return everything counted since the start."""
        series = [(self._attributes(key), one) for key, one in tuple(self._series.items())]
        operation = _LATER_OPERATION if self._latest else OPERATION
        metrics = [
            self._metric(DURATION, "s", [(a, s.duration) for a, s in series]),
            self._metric(operation, "s", [(a, s.operation) for a, s in series]),
            self._metric(FIRST_TOKEN, "s", [(a, s.first) for a, s in series]),
            self._metric(PER_TOKEN, "s", [(a, s.per_token) for a, s in series]),
        ]
        read = [(a, s.tokens_in) for a, s in series]
        written = [(a, s.tokens_out) for a, s in series]
        if self._latest:
            metrics.append(self._metric(_LATER_IN, "{token}", read))
            metrics.append(self._metric(_LATER_OUT, "{token}", written))
        else:
            both = [
                *(({**a, "gen_ai.token.type": "input"}, counted) for a, counted in read),
                *(({**a, "gen_ai.token.type": "output"}, counted) for a, counted in written),
            ]
            metrics.append(self._metric(TOKENS, "{token}", both))
        scope = ScopeMetrics(
            scope=self._scope,
            metrics=[one for one in metrics if one.data.data_points],
            schema_url="",
        )
        return MetricsData(
            resource_metrics=[
                ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url="")
            ]
        )

    def _attributes(self, key: _Key) -> Attributes:
        path, model, native, kind, error = key
        found: Attributes = {
            genai.OPERATION: genai.operation(path),
            genai.provider(self._latest): kind or genai.UNKNOWN,
            genai.REQUEST_MODEL: visible(model) or genai.UNKNOWN,
        }
        if native:
            found[genai.RESPONSE_MODEL] = visible(native)
        if error:
            found[genai.ERROR] = error
        return found

    def _metric(
        self, name: str, unit: str, rows: list[tuple[Attributes, Histogram]]
    ) -> export.Metric:
        now = int(self._wall() * 1e9)
        points = [
            HistogramDataPoint(
                attributes=attributes,
                start_time_unix_nano=self._started,
                time_unix_nano=now,
                count=sum(counts),
                sum=histogram.total,
                bucket_counts=counts,
                explicit_bounds=histogram.bounds,
                min=None,  # type: ignore[arg-type]  # optional in the protocol, unknown here
                max=None,  # type: ignore[arg-type]
            )
            for attributes, histogram in rows
            if any(counts := tuple(histogram.counts))
        ]
        data = export.Histogram(points, AggregationTemporality.CUMULATIVE)
        return export.Metric(name=name, description="", unit=unit, data=data)
