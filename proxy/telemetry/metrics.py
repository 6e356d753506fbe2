"""Counting what happens to requests, and telling it to Prometheus.

Counting is on the way of every request: plain integers and a bisect, about two microseconds a call.
Telling happens at a scrape, a few times a minute: the client library writes the text, which takes
it some 20 us a line, so the exposition is made in short pieces between which the loop can run.
"""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from prometheus_client import Metric, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector
from typing_extensions import override

from proxy.core.backend import Backend
from proxy.core.breaker import State
from proxy.core.call import OK, Call
from proxy.core.catalog import Catalog
from proxy.core.failure import Failure, Kind, Phase
from proxy.core.standing import State as StandingState
from proxy.telemetry import families
from proxy.telemetry.crew import Crew
from proxy.telemetry.families import Family
from proxy.telemetry.histogram import Histogram
from proxy.telemetry.reloads import Reloads
from proxy.telemetry.sources import SourceState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of what `render` and `parts` return."""

_MAX_SERIES = 256  # pairs of backend and model; each is some 60 lines of exposition
_LINES = 120  # a piece: about 3 ms
_LEFT = frozenset({Kind.CLIENT_GONE, Kind.SLOW_READER})
_ATTEMPTED = frozenset({Phase.CONNECT, Phase.WAIT, Phase.STREAM})

_Row = tuple[tuple[str, ...], float]


class Live(Protocol):
    """The running proxy as seen from outside. `boot` implements it; every look is cheap."""

    def now(self) -> float:
        """Return the loop's monotonic clock in seconds, the clock of `Call` and `Backend`."""
        ...

    def backends(self) -> Sequence[Backend]:
        """Return all configured backends, in the order of the settings."""
        ...

    def catalog(self) -> Catalog:
        """Return the routing snapshot in force."""
        ...

    def queues(self) -> Mapping[str, int]:
        """Return the number of waiting requests by model; models with none may be left out."""
        ...

    def in_flight(self) -> int:
        """Return how many requests are under way; those that have ended may not be told yet."""
        ...

    def client_connections(self) -> int:
        """Return the number of open client connections."""
        ...

    def loop_lag(self) -> float:
        """Return by how many seconds the event loop was late, the worst of the last interval."""
        ...

    def dropped_lines(self) -> int:
        """Return how many log lines were given up since the start, because nobody read them."""
        ...

    @property
    def crew(self) -> Crew:
        """Who serves clients."""
        ...

    @property
    def reloads(self) -> Reloads:
        """What became of the settings since the start."""
        ...

    @property
    def sources(self) -> Sequence[SourceState]:
        """What becomes of the sources of backends."""
        ...


class _Series:
    """What is counted for one pair of backend and model."""

    __slots__ = (
        "outcomes",
        "duration",
        "first_token",
        "inter_token",
        "queue",
        "tokens_in",
        "tokens_out",
    )

    def __init__(self) -> None:
        self.outcomes: dict[tuple[int, str], int] = {}  # by status and end code
        self.duration = Histogram(families.DURATION.buckets)
        self.first_token = Histogram(families.FIRST_TOKEN.buckets)
        self.inter_token = Histogram(families.INTER_TOKEN.buckets)
        self.queue = Histogram(families.QUEUE.buckets)
        self.tokens_in = 0
        self.tokens_out = 0


class Metrics:
    """Counts calls and renders everything `families` names. `live` is read at a scrape only."""

    __slots__ = (
        "_live",
        "_version",
        "_series",
        "_overhead",
        "_attempts",
        "_continuations",
        "_retries",
        "_started",
        "_finished",
        "certificates",
        "handshakes",
        "passed_over",
        "tables",
        "spans",
        "system",
    )

    def __init__(self, version: str, live: Live) -> None:
        self._version = version
        self._live = live
        self._series: dict[tuple[str, str], _Series] = {}
        self._overhead = Histogram(families.OVERHEAD.buckets)
        self._attempts: Counter[tuple[str, str]] = Counter()  # failed ones, by backend and kind
        self._retries: Counter[str] = Counter()
        self._continuations: Counter[str] = Counter()
        self._started = 0
        self._finished = 0
        # What others count, by the name of its family: rows of labels and a value.
        self.tables: dict[str, Callable[[], Sequence[_Row]]] = {}
        self.system: Collector = ProcessCollector(registry=None)
        self.spans: Callable[[], Mapping[str, int]] = dict  # what became of spans, if there are any
        self.certificates: Callable[[], Mapping[str, float]] = dict  # when each of ours ends
        self.handshakes: Callable[[], Mapping[str, int]] = dict  # of TLS, with clients
        self.passed_over: Callable[[], Sequence[tuple[Backend, StandingState, int]]] = tuple

    @property
    def in_flight(self) -> int:
        """The number of requests started whose end has not been told."""
        return self._started - self._finished

    def started(self) -> None:
        """Count a request that was taken in. `finished` must follow, once."""
        self._started += 1

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        """Count an attempt at `call.backend` that failed, and that another one could mend.

        `retried` says that another one follows. What else happens after the commit, and a client
        that leaves, `finished` sees.
        """
        kind = failure.kind.value
        if call.backend is not None:
            self._attempts[call.backend.name, kind] += 1
        if retried:
            self._retries[kind] += 1
            if failure.phase is Phase.STREAM:
                self._continuations["tried"] += 1

    def finished(self, call: Call) -> None:
        """Count one ended call. Hot: about two microseconds."""
        self._finished += 1
        backend = call.backend
        name = "" if backend is None else backend.name
        series = self._series.get((name, call.model)) or self._series_for(name, call.model)
        outcome = (call.status, call.end)
        series.outcomes[outcome] = series.outcomes.get(outcome, 0) + 1
        received = call.received_at
        series.duration.observe(call.ended_at - received)
        queued = call.queued_s
        series.queue.observe(queued)
        if call.attempts == 1 and call.dispatched_at:
            self._overhead.observe(call.dispatched_at - received - queued)
        elif call.continued:
            self._continuations["resumed"] += call.continued
        tokens = call.tokens_out
        if tokens is not None:
            series.tokens_out += tokens
        if call.tokens_in is not None:
            series.tokens_in += call.tokens_in
        if call.failure is not None:
            self._cut_off(name, call.failure)
        first = call.first_token_at
        if first and call.stream:
            series.first_token.observe(first - received)
            pieces = tokens or call.chunks
            if pieces > 1:
                series.inter_token.observe((call.last_chunk_at - first) / (pieces - 1))

    def _cut_off(self, backend: str, failure: Failure) -> None:
        # The ends of attempts that `attempt_failed` is not told of; it is of streams that might
        # have been continued.
        left = failure.kind in _LEFT and failure.phase in _ATTEMPTED
        if backend and (left or (failure.phase is Phase.STREAM and not failure.retryable)):
            self._attempts[backend, failure.kind.value] += 1

    def _series_for(self, backend: str, model: str) -> _Series:
        # Names nobody serves are not kept as keys: a client could make up as many as it likes.
        unknown = model != "" and not self._live.catalog().resolve(model)
        if unknown or len(self._series) >= _MAX_SERIES:
            model = families.OTHER_MODEL
        return self._series.setdefault((backend, model), _Series())

    # -- telling ----------------------------------------------------------------------------------

    def render(self) -> bytes:
        """Return the whole exposition at once: for tests and small tools, not on a busy loop."""
        return b"".join(self.parts()) + self.process()

    def process(self) -> bytes:
        """Return the last part, about the process. It reads files in /proc: not for the loop."""
        return generate_latest(self.system)

    def parts(self) -> Iterator[bytes]:
        """Return our own metrics piece by piece, each a few milliseconds of work."""
        told = ""
        for metric in self._metrics():
            text = generate_latest(_Single(metric))
            yield text.split(b"\n", 2)[2] if metric.name == told else text  # one heading each
            told = metric.name

    def _metrics(self) -> Iterator[Metric]:
        yield from self._of_requests()
        yield from _flat(families.ATTEMPTS, self._attempt_rows())
        yield from _flat(families.RETRIES, [((k,), n) for k, n in self._retries.items()])
        continuations = [((result,), n) for result, n in self._continuations.items()]
        yield from _flat(families.CONTINUATIONS, continuations)
        yield from _flat(families.HEDGES, self.tables.get(families.HEDGES.name, tuple)())
        yield from self._of_process()
        yield from self._of_backends(self._live.backends(), self._live.now())
        for family in (families.TURNED_AWAY, *families.OF_KEYS):
            yield from _flat(family, self.tables.get(family.name, tuple)())
        yield from _flat(families.MODELS, [((), len(self._live.catalog().names()))])
        yield from _of_settings(self._live.reloads)
        yield from _of_sources(self._live.sources)
        python = platform.python_version()
        yield from _flat(families.BUILD, [((self._version, python), 1)])

    def _of_requests(self) -> Iterator[Metric]:
        series = list(self._series.items())  # the loop goes on counting between two pieces
        rows: list[_Row] = [
            ((*key, str(status), end), count)
            for key, one in series
            for (status, end), count in one.outcomes.items()
        ]
        yield from _flat(families.REQUESTS, rows)
        yield from _histograms(families.DURATION, [(key, one.duration) for key, one in series])
        yield from _histograms(
            families.FIRST_TOKEN, [(key, one.first_token) for key, one in series]
        )
        yield from _histograms(
            families.INTER_TOKEN, [(key, one.inter_token) for key, one in series]
        )
        yield from _histograms(families.QUEUE, [(key, one.queue) for key, one in series])
        yield from _histograms(families.OVERHEAD, [((), self._overhead)])
        yield from _flat(families.TOKENS_IN, [(key, one.tokens_in) for key, one in series])
        yield from _flat(families.TOKENS_OUT, [(key, one.tokens_out) for key, one in series])

    def _attempt_rows(self) -> list[_Row]:
        results = self._attempts.copy()
        for (backend, _), series in self._series.items():
            served = sum(n for (_, end), n in series.outcomes.items() if end == OK)
            if backend and served:
                results[backend, "ok"] += served
        return list(results.items())

    def _of_process(self) -> Iterator[Metric]:
        live = self._live
        yield from _flat(families.IN_FLIGHT, [((), live.in_flight())])
        yield from _flat(families.QUEUED, [((m,), n) for m, n in live.queues().items() if n])
        yield from _flat(families.CONNECTIONS, [((), live.client_connections())])
        yield from _flat(families.HANDSHAKES, [((k,), n) for k, n in self.handshakes().items()])
        ends = [((name,), at) for name, at in self.certificates().items()]
        yield from _flat(families.CERTIFICATE_ENDS, ends)
        yield from _flat(families.WORKERS, [((), len(live.crew))])
        yield from _flat(families.WORKERS_LOST, [((), live.crew.lost)])
        yield from _flat(families.LOOP_LAG, [((), live.loop_lag())])
        yield from _flat(families.DROPPED, [((), live.dropped_lines())])
        yield from _flat(families.SPANS, [((k,), n) for k, n in self.spans().items()])

    def _of_backends(self, backends: Sequence[Backend], now: float) -> Iterator[Metric]:
        yield from _flat(families.BACKEND_UP, [((b.name,), b.available(now)) for b in backends])
        yield from _flat(families.BACKEND_DRAINING, [((b.name,), b.draining) for b in backends])
        yield from _flat(families.BACKEND_IN_FLIGHT, [((b.name,), b.in_flight) for b in backends])
        caps: list[_Row] = [
            ((b.name,), cap) for b in backends if (cap := b.effective_cap) is not None
        ]
        yield from _flat(families.BACKEND_CAP, caps)
        yield from _flat(families.BACKEND_WORK, [((b.name,), b.work) for b in backends])
        states: list[_Row] = [
            ((b.name, state.value), b.breaker.state(now) is state)
            for b in backends
            for state in State
        ]
        yield from _flat(families.BREAKER_STATE, states)
        yield from _flat(
            families.BREAKER_OPENED, [((b.name,), b.breaker.opened_count) for b in backends]
        )
        standings: list[_Row] = [
            ((b.name, state.value), b.standing is state)
            for b in backends
            for state in StandingState
        ]
        yield from _flat(families.BACKEND_STANDING, standings)
        yield from _flat(families.BACKEND_SLOWNESS, [((b.name,), b.slowness) for b in backends])
        counts: list[_Row] = [((b.name, why.value), n) for b, why, n in self.passed_over()]
        yield from _flat(families.PASSED_OVER, counts)


class _Single(Collector):
    """A collector of one metric: what the library's renderer takes."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    @override
    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


def _of_settings(reloads: Reloads) -> Iterator[Metric]:
    yield from _flat(families.RELOADS, [((r.value,), n) for r, n in reloads.counts.items()])
    yield from _flat(families.RELOADED_AT, [((), reloads.succeeded_at)])
    yield from _flat(families.VALID, [((), reloads.valid)])
    yield from _flat(families.PENDING, [((), len(reloads.pending))])


def _of_sources(sources: Sequence[SourceState]) -> Iterator[Metric]:
    yield from _flat(families.SOURCE_UP, [((one.name,), one.current) for one in sources])
    yield from _flat(families.SOURCE_BACKENDS, [((one.name,), one.backends) for one in sources])
    yield from _flat(families.SOURCE_FAILURES, [((one.name,), one.failures) for one in sources])


def _flat(family: Family, rows: Sequence[_Row]) -> Iterator[Metric]:
    kind = CounterMetricFamily if family.type == "counter" else GaugeMetricFamily
    for start in range(0, max(len(rows), 1), _LINES):
        metric = kind(family.name, family.help, labels=family.labels)
        for labels, value in rows[start : start + _LINES]:
            metric.add_metric(labels, value)
        yield metric


def _histograms(
    family: Family, rows: Sequence[tuple[tuple[str, ...], Histogram]]
) -> Iterator[Metric]:
    step = max(_LINES // (len(family.buckets) + 3), 1)
    for start in range(0, max(len(rows), 1), step):
        metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, histogram in rows[start : start + step]:
            metric.add_metric(labels, histogram.cumulative(), histogram.total)
        yield metric
