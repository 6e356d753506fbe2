"""What one request pays for being observed, access line and metrics, in nanoseconds of CPU.

Run it as `python -m benchmarks.micro.bench_access`. Each figure is the least of several rounds: the
machine's noise only ever adds. The bars: under 10 us a request for the access line with all that
belongs to it, under 2.5 us for the metrics.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence

from proxy.core import breaker, health
from proxy.core.backend import Backend
from proxy.core.breaker import Breaker
from proxy.core.call import OK, Call
from proxy.core.catalog import Catalog, Model, build
from proxy.core.health import Health
from proxy.telemetry.access import AccessLog
from proxy.telemetry.crew import Crew
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.reloads import Reloads
from proxy.telemetry.sink import Sink
from proxy.telemetry.sources import SourceState

_CALLS = 4096
_ROUNDS = 15
_MODEL = "llama-3.1-70b-instruct"


class _Live:
    """A running proxy with one backend, one model and nothing else to report."""

    def __init__(self) -> None:
        self.backend = Backend(
            "gpu-a",
            "http://10.0.0.5:8000",
            breaker=Breaker(breaker.Policy(), lambda: 0.5),
            health=Health(health.Policy()),
        )
        self._catalog = build({self.backend: (Model(id=_MODEL),)}, {})

    def now(self) -> float:
        return 1.0

    def backends(self) -> Sequence[Backend]:
        return (self.backend,)

    def catalog(self) -> Catalog:
        return self._catalog

    def queues(self) -> Mapping[str, int]:
        return {}

    def in_flight(self) -> int:
        return 0

    def client_connections(self) -> int:
        return 0

    def loop_lag(self) -> float:
        return 0.0

    def dropped_lines(self) -> int:
        return 0

    @property
    def reloads(self) -> Reloads:
        return Reloads(time.time)

    @property
    def sources(self) -> Sequence[SourceState]:
        return ()

    @property
    def crew(self) -> Crew:
        return Crew()


def sample_call(backend: Backend) -> Call:
    """Return an ended streamed chat of ordinary size."""
    call = Call("0f8fad5b-d9cb-469f-a165-70867728950e", "/v1/chat/completions", 1000.0)
    call.client = "10.1.2.3:41234"
    call.model = _MODEL
    call.stream = True
    call.body_size = 2134
    call.backend = backend
    call.attempts = 1
    call.dispatched_at = 1000.000125
    call.first_byte_at = call.first_token_at = 1000.41
    call.last_chunk_at = 1007.3
    call.ended_at = 1007.301
    call.chunks = 201
    call.bytes_out = 48_112
    call.status = 200
    call.tokens_in = 512
    call.tokens_out = 200
    call.end = OK
    return call


def least(work: Callable[[], object], per: int) -> float:
    """Return nanoseconds of CPU for one of `per` operations of `work`: the best of some rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        start = time.process_time_ns()
        work()
        best = min(best, time.process_time_ns() - start)
    return best / per


def main() -> None:
    """Print one figure a line."""
    live = _Live()
    call = sample_call(live.backend)
    with open(os.devnull, "wb") as null:  # noqa: PTH123  # a descriptor is what is wanted
        sink = Sink(null.fileno())
        log = AccessLog(sink.write, monotonic=time.monotonic, wall=time.time)

        def note(log: AccessLog) -> None:
            for _ in range(_CALLS):
                log.finished(call)

        def note_and_write() -> None:
            note(log)
            log.flush()

        both = least(note_and_write, _CALLS)
        roomy = AccessLog(sink.write, monotonic=time.monotonic, wall=time.time, capacity=10**6)
        noted = least(lambda: note(roomy), _CALLS)
        sink.close()
    print(f"access log, on the way of the request   {noted:8.0f} ns")
    print(f"access log, with rendering and writing  {both:8.0f} ns")
    metrics = Metrics("0", live)

    def count() -> None:
        for _ in range(_CALLS):
            metrics.started()
            metrics.finished(call)

    print(f"metrics, started and finished           {least(count, _CALLS):8.0f} ns")
    lines = metrics.render().count(b"\n")
    print(f"metrics, one line of the exposition     {least(metrics.render, lines):8.0f} ns")


if __name__ == "__main__":
    main()
