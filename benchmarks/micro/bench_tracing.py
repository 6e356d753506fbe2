"""What tracing adds to a request, in microseconds of CPU of the whole process.

    python -m benchmarks.micro.bench_tracing [ROUNDS]

The streamed calls of bench_call, with tracing off, on at a ratio of 0, of 1 % and of 100 %, and
with GenAI metrics counted. Arms take turns in every round. The thread that encodes and sends is
counted too: each round lasts until the last of its spans has been taken; the collector is a process
of its own, on loopback. Prints the differences from the arm without tracing: of the least of all
rounds, since noise only ever adds, and the median of the rounds' own.
"""

import asyncio
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection as Pipe

import msgspec
from typing_extensions import override

from benchmarks.micro.bench_call import REQUEST_BODY, REQUEST_HEAD, STREAM_END, STREAM_HEAD, scene
from proxy.core.traceparent import Sampler
from proxy.telemetry import otlp
from proxy.telemetry.instruments import Instruments
from proxy.telemetry.journal import Reader
from proxy.telemetry.spans import Builder

CALLS = 500  # a round; at three or four spans a call they fit into the queue
LOT = 50
QUEUE = 4096


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent and says so."""

    def do_POST(self) -> None:
        """Read a batch."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        return None


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One way to serve. `act` is one call; `rest` returns how many spans are still waiting."""

    name: str
    act: Callable[[], None]
    rest: Callable[[], int]


def _collect(pipe: Pipe) -> None:
    server = HTTPServer(("127.0.0.1", 0), Collector)
    pipe.send(server.server_port)
    server.serve_forever()


def _arm(name: str, readers: tuple[Reader, ...], ratio: float | None, tracer: otlp.Tracer) -> Arm:
    sampler = None
    if ratio is not None:
        sampler = Sampler(ratio, follow=True, bits=random.Random(1).getrandbits)
    client, upstream, tell = scene(*readers, sampler=sampler)
    body = REQUEST_BODY % b"true"
    ask = REQUEST_HEAD % len(body) + body
    made = 0

    def act() -> None:
        nonlocal made
        client.data_received(ask)
        upstream.data_received(STREAM_HEAD)
        upstream.data_received(STREAM_END)
        made += 1
        if made % LOT == 0:
            tell()

    return Arm(name=name, act=act, rest=lambda: tracer.waiting)


def _cost(arm: Arm) -> float:
    start = time.process_time_ns()
    for _ in range(CALLS):
        arm.act()
    while arm.rest() > otlp.BATCH:  # what is left is sent some seconds later, with the next round's
        time.sleep(0.001)  # noqa: TID251 - nothing else runs here, and the other thread needs it
    return (time.process_time_ns() - start) / CALLS / 1000


async def _measure(rounds: int, port: int) -> None:
    source = otlp.resource("bench", "0")
    builder = Builder(source, "0", epoch=otlp.epoch, latest=False)
    tracer = otlp.Tracer(builder, otlp.exporter(f"http://127.0.0.1:{port}", {}, 10.0), queue=QUEUE)
    counted = Instruments(source, "0", wall=time.time, latest=False)
    arms = [
        _arm("off", (), None, tracer),
        _arm("on, nobody sampled", (tracer,), 0.0, tracer),
        _arm("1 % sampled", (tracer,), 0.01, tracer),
        _arm("100 % sampled", (tracer,), 1.0, tracer),
        _arm("1 % sampled, GenAI metrics", (tracer, counted), 0.01, tracer),
    ]
    costs: dict[str, list[float]] = {arm.name: [] for arm in arms}
    for arm in arms:
        _cost(arm)
    for _ in range(rounds):
        for arm in random.sample(arms, len(arms)):
            costs[arm.name].append(_cost(arm))
    bare = costs["off"]
    print(f"{'off':28} least {min(bare):7.2f} us   median {statistics.median(bare):7.2f} us")
    for arm in arms[1:]:
        mine = costs[arm.name]
        added = [cost - base for cost, base in zip(mine, bare, strict=True)]
        print(
            f"{arm.name:28} least {min(mine) - min(bare):+7.2f} us"
            f"   median {statistics.median(added):+7.2f} us"
        )
    tracer.abandon()


def main() -> None:
    """Measure and print."""
    ours, theirs = multiprocessing.Pipe()
    collector = multiprocessing.get_context("spawn").Process(
        target=_collect, args=(theirs,), daemon=True
    )
    collector.start()
    try:
        asyncio.run(_measure(int(sys.argv[1]) if len(sys.argv) > 1 else 40, ours.recv()))
    finally:
        collector.terminate()


if __name__ == "__main__":
    main()
