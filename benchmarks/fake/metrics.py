"""What a simulated engine counts, under the names its real model uses."""

from bisect import bisect_left
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from benchmarks.fake.batching import Batch, PrefixCache
from benchmarks.fake.profile import Dialect, Profile

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """Counts per bucket; cheap enough to be fed once per step."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(_SECONDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count `times` observations of the same value."""
        self.counts[bisect_left(_SECONDS, seconds)] += times
        self.sum += seconds * times

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them."""
        total, rows = 0, []
        for bound, count in zip([*map(str, _SECONDS), "+Inf"], self.counts, strict=True):
            total += count
            rows.append((bound, float(total)))
        return rows


class Counters:
    """The plain numbers behind `/metrics`."""

    __slots__ = ("finished", "first_token", "generated", "inter_token", "prompt", "rejected")

    def __init__(self) -> None:
        self.prompt = 0
        self.generated = 0
        self.rejected = 0
        self.finished: dict[str, int] = {"stop": 0, "length": 0, "abort": 0}
        self.first_token = Histogram()
        self.inter_token = Histogram()


class Scrape:
    """Renders `/metrics`: live values of the batch, counters as they stand."""

    __slots__ = ("_batch", "_cache", "_counters", "_dialect", "_labels", "_registry")

    def __init__(
        self, profile: Profile, batch: Batch, cache: PrefixCache, counters: Counters
    ) -> None:
        self._dialect = profile.dialect
        self._labels = {"engine": "0", "model_name": profile.models[0]}
        self._batch = batch
        self._cache = cache
        self._counters = counters
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        """Prometheus text."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Hand the registry the values of this moment."""
        return self._llamacpp() if self._dialect is Dialect.LLAMACPP else self._vllm()

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: spares a scrape at registration."""
        return ()

    def _vllm(self) -> Iterable[Metric]:
        batch, counters = self._batch, self._counters
        waiting = len(batch.waiting)
        yield self._gauge("vllm:num_requests_running", len(batch.running))
        yield self._gauge("vllm:num_requests_waiting", waiting)
        by_reason = {"capacity": waiting, "deferred": 0}
        yield self._split("vllm:num_requests_waiting_by_reason", "reason", by_reason)
        yield self._gauge("vllm:kv_cache_usage_perc", batch.kv_usage())
        yield self._counter("vllm:prefix_cache_queries", self._cache.queries)
        yield self._counter("vllm:prefix_cache_hits", self._cache.hits)
        yield self._counter("vllm:num_preemptions", 0)
        yield self._counter("vllm:prompt_tokens", counters.prompt)
        yield self._counter("vllm:generation_tokens", counters.generated)
        success = CounterMetricFamily(
            "vllm:request_success", "", labels=[*self._labels, "finished_reason"]
        )
        for reason, count in counters.finished.items():
            success.add_metric([*self._labels.values(), reason], count)
        yield success
        rejections = CounterMetricFamily(
            "vllm:admission_rejections", "", labels=[*self._labels, "reason"]
        )
        rejections.add_metric([*self._labels.values(), "max_num_queued_reqs"], counters.rejected)
        yield rejections
        yield self._histogram("vllm:time_to_first_token_seconds", counters.first_token)
        yield self._histogram("vllm:inter_token_latency_seconds", counters.inter_token)

    def _llamacpp(self) -> Iterable[Metric]:
        counters = self._counters
        for name, value in (
            ("llamacpp:requests_processing", len(self._batch.running)),
            ("llamacpp:requests_deferred", len(self._batch.waiting)),
        ):
            yield GaugeMetricFamily(name, "", value=value)
        yield CounterMetricFamily("llamacpp:prompt_tokens", "", value=counters.prompt)
        yield CounterMetricFamily("llamacpp:tokens_predicted", "", value=counters.generated)

    def _gauge(self, name: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, "", labels=[*self._labels])
        family.add_metric([*self._labels.values()], value)
        return family

    def _split(self, name: str, label: str, values: dict[str, int]) -> Metric:
        family = GaugeMetricFamily(name, "", labels=[*self._labels, label])
        for key, value in values.items():
            family.add_metric([*self._labels.values(), key], value)
        return family

    def _counter(self, name: str, value: float) -> Metric:
        family = CounterMetricFamily(name, "", labels=[*self._labels])
        family.add_metric([*self._labels.values()], value)
        return family

    def _histogram(self, name: str, histogram: Histogram) -> Metric:
        family = HistogramMetricFamily(name, "", labels=[*self._labels])
        family.add_metric([*self._labels.values()], histogram.buckets(), histogram.sum)
        return family
