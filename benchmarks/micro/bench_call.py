"""What one call costs in Python, without sockets: from its bytes in to its bytes out.

    python -m benchmarks.micro.bench_call [REPEATS]

Both transports are fakes, so the figure is our own code plus the parsers, the part that can be cut.
Prints microseconds of CPU time, the least and the median of many short batches.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count

import msgspec
from aiohttp import web
from typing_extensions import override

from benchmarks.micro.profile import show
from proxy.core import admission, breaker, health, selection
from proxy.core.backend import Backend
from proxy.core.catalog import Directory, Model, build
from proxy.core.traceparent import Sampler
from proxy.dialects.registry import engine
from proxy.edge.connection import ClientConnection
from proxy.edge.server import Edge
from proxy.flow.course import Course, Side
from proxy.flow.reckon import Reckoner
from proxy.flow.tracing import TracedIntake
from proxy.settings.schema import Limits, Timeouts
from proxy.telemetry.access import AccessLog
from proxy.telemetry.failures import Recent
from proxy.telemetry.journal import Journal, Reader
from proxy.upstream.connect import Endpoint
from proxy.upstream.exchange import Connection
from proxy.upstream.pool import Pool

BATCH = 500
LOT = 50  # calls after which the observers are told: as on the beat of a busy proxy
REQUEST_BODY = (
    b'{"model":"m","messages":[{"role":"user","content":"hello"}],"max_tokens":4,"stream":%b}'
)
REQUEST_HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    b"Content-Type: application/json\r\nAuthorization: Bearer x\r\nContent-Length: %d\r\n\r\n"
)
USAGE = b'"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}'
PLAIN_BODY = b'{"id":"x","choices":[{"message":{"role":"assistant","content":"a b c d"}}],' + USAGE
PLAIN = (
    b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n" % len(PLAIN_BODY)
) + PLAIN_BODY
EVENT = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":" token"}}]}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
HEAD = (
    b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: text/event-stream\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
STREAM_HEAD = HEAD + CHUNK
ROLE_EVENT = b'data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
ROLE = b"%x\r\n%b\r\n" % (len(ROLE_EVENT), ROLE_EVENT)
LAST = b'data: {"choices":[],' + USAGE + b"\n\ndata: [DONE]\n\n"
STREAM_END = b"%x\r\n%b\r\n0\r\n\r\n" % (len(LAST), LAST)
# As a busy vLLM's pieces arrive: the head by itself, role and first token in one read, then tokens.
ENGINE_BEGINS = (HEAD, ROLE + CHUNK, CHUNK, CHUNK)


class Wire(asyncio.Transport):
    """A transport that counts what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.size += len(data)

    @override
    def is_closing(self) -> bool:
        """Say no."""
        return False

    @override
    def get_write_buffer_size(self) -> int:
        """Say that all is sent."""
        return 0

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take limits nobody needs."""
        del high, low

    @override
    def get_extra_info(self, name: str, default: object = None) -> object:
        """Give a peer."""
        return ("127.0.0.1", 1) if name == "peername" else default


def scene(
    *readers: Reader, sampler: Sampler | None = None
) -> tuple[ClientConnection, Connection, Callable[[], None]]:
    """Return a client, the one open connection behind it, and what tells the observers.

    `readers` observe the calls too; with a `sampler`, calls are traced.
    """
    loop = asyncio.get_running_loop()
    backends = [
        Backend(
            f"b{number}",
            "http://h",
            breaker=breaker.Breaker(breaker.Policy(), random.random),
            health=health.Health(health.Policy()),
        )
        for number in range(2)
    ]
    sides = {
        b: Side(Pool(Endpoint(host="h", port=80), now=time.monotonic), engine("vllm"))
        for b in backends
    }
    directory = Directory()
    for backend in backends:
        backend.kind = "vllm"
        backend.health.probed(ok=True, now=time.monotonic() - 100, reason="")
    models = {backends[0]: [Model(id="m")]}
    directory.swap(build(models, {}))
    course = _course(sides, directory)
    log = AccessLog(lambda _block: None, monotonic=time.monotonic, wall=time.time)
    journal = Journal((Reckoner(course.estimator), Recent(time.monotonic), *readers, log))
    course.observers = (journal,)

    def tell() -> None:
        journal.tell()
        log.drain()

    edge = Edge(course, Limits())
    if sampler is not None:
        edge.intake = TracedIntake(course, sampler)
    server = web.Server(lambda _request: web.Response())  # type: ignore[arg-type,return-value]
    client = ClientConnection(edge, server, loop=loop, access_log=None)
    client.connection_made(Wire())
    pool = sides[backends[0]].pool
    pool.policy = type(pool.policy)(idle=3600.0)
    upstream = Connection(pool)
    upstream.connection_made(Wire())
    pool.put(upstream)
    return client, upstream, tell


def _course(sides: Mapping[Backend, Side], directory: Directory) -> Course:
    return Course(
        directory=directory,
        selector=selection.Selector(selection.Policy.WORK, random.random),
        queues=admission.Queues(admission.Policy()),
        sides=sides,
        common_paths=frozenset({"/v1/chat/completions"}),
        now=time.monotonic,
        random=random.random,
        later=asyncio.get_running_loop().call_later,
        timeouts_for=lambda _model, _backend: Timeouts(),
        queue_timeout=30.0,
    )


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be done again and again. `act` leaves everything as it found it."""

    name: str
    act: Callable[[], None]


def cases() -> list[Case]:
    """Return what is measured, each on connections of its own. Needs a running loop."""
    long_prompt = REQUEST_BODY.replace(b"hello", b"hello " * 17_000)
    long_answer = (STREAM_HEAD, *([CHUNK] * 62), STREAM_END)
    return [
        Case(name="plain call", act=_call(REQUEST_BODY % b"false", (PLAIN,))),
        Case(
            name="streamed call, 2 pieces",
            act=_call(REQUEST_BODY % b"true", (STREAM_HEAD, STREAM_END)),
        ),
        Case(
            name="streamed call, as engines begin it",
            act=_call(REQUEST_BODY % b"true", (*ENGINE_BEGINS, STREAM_END)),
        ),
        Case(name="streamed call, 64 pieces", act=_call(REQUEST_BODY % b"true", long_answer)),
        Case(name="plain call, 100 kB prompt", act=_call(long_prompt % b"false", (PLAIN,))),
        Case(name="one more chunk", act=_chunk(CHUNK)),
        Case(name="one more read of 8 chunks", act=_chunk(CHUNK * 8)),
    ]


def _call(body: bytes, answer: tuple[bytes, ...]) -> Callable[[], None]:
    """Return a whole call: the bytes of `body` in, the pieces of `answer` out."""
    client, upstream, tell = scene()
    ask = REQUEST_HEAD % len(body) + body
    calls = count(1)

    def act() -> None:
        client.data_received(ask)
        for piece in answer:
            upstream.data_received(piece)
        if next(calls) % LOT == 0:
            tell()

    return act


def _chunk(piece: bytes) -> Callable[[], None]:
    """Return one more `piece` of a stream that has begun and does not end."""
    client, upstream, _ = scene()
    body = REQUEST_BODY % b"true"
    client.data_received(REQUEST_HEAD % len(body) + body)
    upstream.data_received(STREAM_HEAD)
    return partial(upstream.data_received, piece)


def main() -> None:
    """Measure and print."""
    asyncio.run(_measure(int(sys.argv[1]) if len(sys.argv) > 1 else 40))


async def _measure(repeats: int) -> None:
    every = cases()
    for case in every:
        await _time(case.name, case.act, repeats)
    if len(sys.argv) > 2:
        show(every[0].act, 5000)


async def _time(name: str, act: Callable[[], None], repeats: int) -> None:
    costs = []
    for _ in range(repeats):
        start = time.thread_time_ns()
        for _ in range(BATCH):
            act()
        costs.append((time.thread_time_ns() - start) / BATCH / 1000)
        await asyncio.sleep(0)
    print(f"{name:36} min {min(costs):7.2f} us   median {statistics.median(costs):7.2f} us")


if __name__ == "__main__":
    main()
