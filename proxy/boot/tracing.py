"""Tracing from its settings: what decides, what observes, what sends, and its end.

The libraries it needs are loaded here and only if there is an endpoint: they cost half a second of
start and up to 17 MB, which who does not trace need not pay.
"""

import asyncio
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import structlog
from typing_extensions import override

from proxy.core.traceparent import Sampler
from proxy.flow.tracing import TracedIntake
from proxy.settings.tracing import Conventions, Tracing
from proxy.telemetry.complaints import Complaints

if TYPE_CHECKING:
    from proxy.edge.server import Edge
    from proxy.telemetry.instruments import Instruments
    from proxy.telemetry.journal import Reader
    from proxy.telemetry.meter import Meter
    from proxy.telemetry.metrics import Metrics
    from proxy.telemetry.otlp import Tracer

FLUSH: Final = 3.0  # seconds for what still waits at the end of the process
LAST: Final = 0.25  # seconds for threads to end once their work has been given up
# Seconds for which the sending thread may keep the interpreter from the loop. While spans were
# encoded without a pause, the loop was 10 ms late in the median at the usual 5 ms, 2 ms at this.
SWITCH: Final = 0.0005

log = structlog.get_logger()


class Untraced:
    """Tracing while it is off: nothing happens. `readers` are to hear of ended calls."""

    __slots__ = ("readers",)

    def __init__(self) -> None:
        self.readers: tuple[Reader, ...] = ()

    def attach(self, edge: "Edge", metrics: "Metrics") -> None:
        """Take the decisions about requests in hand."""

    async def stop(self) -> None:
        """Send what waits, for `FLUSH` seconds at most; the rest is given up."""


class Traced(Untraced):
    """Tracing while it is on."""

    __slots__ = ("_complaints", "_meter", "_sampler", "_switch", "_tracer")

    def __init__(
        self,
        settings: Tracing,
        tracer: "Tracer",
        metrics: "tuple[Instruments, Meter] | None",
    ) -> None:
        super().__init__()
        self._sampler = Sampler(
            settings.ratio, follow=settings.parent, bits=random.Random().getrandbits
        )
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        self._complaints = Complaints(time.monotonic)
        self._tracer = tracer
        self._meter = None if metrics is None else metrics[1]
        self.readers = (tracer,) if metrics is None else (tracer, metrics[0])

    @override
    def attach(self, edge: "Edge", metrics: "Metrics") -> None:
        edge.intake = TracedIntake(edge.course, self._sampler)
        metrics.spans = self._tracer.counts

    @override
    async def stop(self) -> None:
        meter = self._meter
        done = [_in_a_thread(self._tracer.flush)]
        if meter is not None:
            done.append(_in_a_thread(meter.flush))
        if not await _all(done, FLUSH):
            if meter is not None:
                meter.abandon()
            spans = self._tracer.abandon()
            log.warning("spans were given up: the collector was too slow", spans=spans)
            await _all(done, LAST)
        self._complaints.remove()
        sys.setswitchinterval(self._switch)


def begin(settings: Tracing, version: str) -> Untraced:
    """Return tracing as set. While it is on, threads take shorter turns."""
    if settings.endpoint is None:
        return Untraced()
    from proxy.telemetry import otlp, spans  # noqa: PLC0415 - see above

    endpoint, timeout = settings.endpoint, settings.timeout
    fields = {} if settings.headers is None else otlp.fields(settings.headers.reveal())
    latest = settings.conventions is Conventions.LATEST
    source = otlp.resource(settings.service_name, version)
    builder = spans.Builder(source, version, epoch=otlp.epoch, latest=latest)
    tracer = otlp.Tracer(builder, otlp.exporter(endpoint, fields, timeout), queue=settings.queue)
    metrics = None
    if settings.metrics:
        from proxy.telemetry import instruments, meter  # noqa: PLC0415 - see above

        counted = instruments.Instruments(source, version, wall=time.time, latest=latest)
        sender = meter.exporter(endpoint, fields, timeout)
        metrics = counted, meter.Meter(counted, sender, meter.interval())
    log.info(
        "tracing",
        endpoint=endpoint,
        ratio=settings.ratio,
        parent=settings.parent,
        content=list(settings.content),
    )
    return Traced(settings, tracer, metrics)


async def _all(events: Sequence[asyncio.Event], seconds: float) -> bool:
    """Wait for all events; false if so many seconds were not enough."""
    try:
        async with asyncio.timeout(seconds):
            for event in events:
                await event.wait()
    except TimeoutError:
        return False
    return True


def _in_a_thread(work: Callable[[], object]) -> asyncio.Event:
    """Do what blocks in a thread that keeps no process alive; the event says that it is done."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        work()
        try:
            loop.call_soon_threadsafe(done.set)
        except RuntimeError:  # it took so long that the loop is gone
            return

    threading.Thread(target=run, name="otlp-flush", daemon=True).start()
    return done
