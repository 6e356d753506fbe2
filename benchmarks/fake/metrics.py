"""What a simulated engine counts, and `/metrics` under the names its real model uses."""

from bisect import bisect_left
from collections.abc import Iterable

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from benchmarks.fake.batching import Batch, PrefixCache
from benchmarks.fake.profile import Profile

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

    __slots__ = (
        "finished",
        "first_token",
        "generated",
        "inter_token",
        "prompt",
        "rate",
        "rejected",
    )

    def __init__(self) -> None:
        self.prompt = 0
        self.generated = 0
        self.rejected = 0
        self.rate = 0.0
        """Tokens a second in the last step."""
        self.finished: dict[str, int] = {"stop": 0, "length": 0, "abort": 0}
        self.first_token = Histogram()
        self.inter_token = Histogram()


class Reading:
    """The values of this moment, by the name under which an exposition asks for them."""

    __slots__ = ("_batch", "_cache", "_counters", "_profile")

    def __init__(
        self, profile: Profile, batch: Batch, cache: PrefixCache, counters: Counters
    ) -> None:
        self._profile = profile
        self._batch = batch
        self._cache = cache
        self._counters = counters

    def number(self, source: str) -> float:
        """Return a plain value; raises KeyError for a source nobody knows."""
        batch, cache, counters = self._batch, self._cache, self._counters
        usage = batch.kv_usage()
        values: dict[str, float] = {
            "zero": 0,
            "running": len(batch.running),
            "waiting": len(batch.waiting),
            "load": len(batch.running) + len(batch.waiting),
            "slots": self._profile.max_num_seqs,
            "steps": batch.steps,
            "kv_usage": usage,
            "kv_tokens": self._profile.kv_tokens,
            "kv_used_tokens": round(usage * self._profile.kv_tokens),
            "queries": cache.queries,
            "hits": cache.hits,
            "hit_rate": cache.hits / cache.queries if cache.queries else 0.0,
            "preemptions": batch.preemptions,
            "prompt": counters.prompt,
            "generated": counters.generated,
            "rejected": counters.rejected,
            "rate": counters.rate if batch.running else 0.0,
            "requests": sum(counters.finished.values()),
        }
        return values[source]

    def split(self, source: str) -> dict[str, float]:
        """Return a value by the label that divides it."""
        asleep = self._batch.asleep
        values: dict[str, dict[str, float]] = {
            "waiting": {"capacity": len(self._batch.waiting), "deferred": 0},
            "finished": {**self._counters.finished},
            "rejected": {"max_num_queued_reqs": self._counters.rejected},
            "overloaded": {"overloaded": self._counters.rejected},
            "sleep": {
                "awake": float(not asleep),
                "weights_offloaded": float(asleep),
                "discard_all": 0.0,
            },
        }
        return values[source]

    def histogram(self, source: str) -> Histogram:
        """Return a distribution."""
        counters = self._counters
        return counters.first_token if source == "first_token" else counters.inter_token


class Row(msgspec.Struct, frozen=True):
    """One metric family: its name, without `_total`, and where its value comes from."""

    kind: str
    """gauge, counter or histogram."""
    name: str
    source: str
    label: str = ""
    """What divides it, if anything."""


class Exposition(msgspec.Struct, frozen=True, kw_only=True):
    """The names of one engine kind."""

    prefix: str
    labels: tuple[tuple[str, str], ...] = ()
    """Labels of every series; `$model` is the first model."""
    rows: tuple[Row, ...]


class Scrape:
    """Renders `/metrics`: live values of the batch, counters as they stand."""

    __slots__ = ("_exposition", "_labels", "_reading", "_registry")

    def __init__(self, exposition: Exposition, model: str, reading: Reading) -> None:
        self._exposition = exposition
        self._labels = {
            name: model if value == "$model" else value for name, value in exposition.labels
        }
        self._reading = reading
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        """Prometheus text."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Hand the registry the values of this moment."""
        return [self._family(row) for row in self._exposition.rows]

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: spares a scrape at registration."""
        return ()

    def _family(self, row: Row) -> Metric:
        name = self._exposition.prefix + row.name
        values = [*self._labels.values()]
        if row.kind == "histogram":
            found = self._reading.histogram(row.source)
            histogram = HistogramMetricFamily(name, "", labels=[*self._labels])
            histogram.add_metric(values, found.buckets(), found.sum)
            return histogram
        labels = [*self._labels, row.label] if row.label else [*self._labels]
        make = CounterMetricFamily if row.kind == "counter" else GaugeMetricFamily
        family: CounterMetricFamily | GaugeMetricFamily = make(name, "", labels=labels)
        if row.label:
            for key, value in self._reading.split(row.source).items():
                family.add_metric([*values, key], value)
        else:
            family.add_metric(values, self._reading.number(row.source))
        return family
