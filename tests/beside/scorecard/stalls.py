"""How long nobody else is answered while somebody sends documents that cost a parser dearly.

A client asks `/health` without a pause on a connection of its own and notes the longest wait. That
is at least as long as the loop stood still. The bombs are sent from a thread that only waits in
system calls. The wait of an equal time without bombs is what this machine adds by itself.
"""

import asyncio
import gc
import gzip
import socket
import time
from collections.abc import Callable, Mapping
from statistics import median

from benchmarks.driver.workload import MODEL
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.stage import profiles, staged
from tests.fixtures.wire import get, post

MOST_MS, TIMES, QUIET = 50.0, 5, 2.0
MIB = 1 << 20
SAYS = b'{"role":"user","content":'
FRONT = b'{"model":"%b","max_tokens":1,"messages":[' % MODEL.encode() + SAYS
BACK = b"}]}"


def _inside(content: bytes) -> bytes:
    return post(FRONT + content + BACK)


BOMBS: Mapping[str, Callable[[], bytes]] = {
    "10 MB of text": lambda: _inside(b'"' + b"a" * (10 * MIB) + b'"'),
    "10 MB of escapes": lambda: _inside(b'"' + rb"\u0061" * (10 * MIB // 6) + b'"'),
    "10 MB of numbers": lambda: _inside(b"[" + b"1," * (5 * MIB) + b"1]"),
    "a number of 10 MB": lambda: _inside(b"1" * (10 * MIB)),
    "500,000 keys": lambda: _inside(b"{" + b",".join(b'"%d":1' % n for n in range(500_000)) + b"}"),
    "500,000 messages": lambda: post(
        FRONT + b'"a"},' + (SAYS + b'"a"},') * 500_000 + SAYS + b'"a"' + BACK
    ),
    "nested 100,000 deep": lambda: _inside(b"[" * 100_000 + b"]" * 100_000),
    "nested 5 million deep": lambda: _inside(b"[" * (5 * MIB)),
    "a gzip bomb of 50 MB": lambda: post(
        gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip"
    ),
    "10,000 fields": lambda: get("/v1/models", *(f"x-{n}: 1" for n in range(10_000))),
    "60 MB of text": lambda: _inside(b'"' + b"a" * (60 * MIB) + b'"'),
}


def drop(port: int, bomb: bytes) -> bytes:
    """Send a bomb, blocking, and return the first line of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        try:
            sock.sendall(bomb)
        except ConnectionError:
            pass  # it was refused before it was all there
        try:
            return sock.recv(4096).partition(b"\r\n")[0]
        except ConnectionError:
            return b""


def longest(port: int, over: Callable[[], bool]) -> float:
    """Ask for the health without a pause until it is over; return the longest wait in ms."""
    worst, request = 0, get("/health")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        while not over():
            began = time.monotonic_ns()
            sock.sendall(request)
            sock.recv(4096)
            worst = max(worst, time.monotonic_ns() - began)
    return worst / 1e6


async def _during(port: int, bomb: bytes) -> float:
    """Return the longest wait while a bomb is sent and answered."""
    sending = asyncio.create_task(asyncio.to_thread(drop, port, bomb))
    found = await asyncio.to_thread(longest, port, sending.done)
    await sending
    return found


async def measure() -> list[Row]:
    """Drop each bomb several times; what it adds each time counts, so the median of its waits."""
    (shape,) = profiles(1, context_length=100_000_000)
    async with staged([shape]) as stage:
        gc.disable()
        await asyncio.to_thread(drop, stage.port, _inside(b'"a"'))
        until = time.monotonic() + QUIET
        calm = await asyncio.to_thread(longest, stage.port, lambda: time.monotonic() > until)
        waits = {}
        for name, made in BOMBS.items():
            bomb = made()
            waits[name] = median([await _during(stage.port, bomb) for _ in range(TIMES)])
        gc.enable()
    worst, second, *_ = sorted(waits, key=lambda name: -waits[name])
    return [
        Row(
            figure="longest stall of the loop by large or deep documents",
            target=f"{MOST_MS:g} ms",
            measured=f"{waits[worst]:.0f} ms ({worst}; next: {waits[second]:.0f} ms, {second}; "
            f"{len(BOMBS)} kinds, the median of {TIMES} each); longest without any {calm:.0f} ms",
            met=waits[worst] <= MOST_MS,
        )
    ]
