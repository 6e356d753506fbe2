"""One block: a short, fixed load against one arm, with the CPU the arm spent on it.

Before the window every connection has carried a request, so that the arm's own connections to the
engines are open; after it the arm gets `SETTLE` seconds to do what it puts off (log lines,
counters), and that counts too.
"""

import asyncio
import gc
import os
import re
import time
from collections.abc import Awaitable, Callable

import msgspec

from benchmarks.driver.arms import Arm
from benchmarks.driver.load import Lines, Prepare, Tally
from benchmarks.measure import host
from benchmarks.measure.histogram import summarize
from benchmarks.measure.paired import without_requests

US, MS = 1_000, 1_000_000  # nanoseconds
FIGURES = (
    "cpu",  # us a request or a chunk
    "p50",  # ms
    "p99",  # ms
    "first",  # ms from request to first body byte, median
    "segments",  # reads at the client for each chunk; below 1: chunks were put together
    "waited",  # share of the block's time the arm was ready to run and had no CPU
    "driver",  # share of one CPU this process used
)
Values = dict[str, float | None]


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """A closed loop of plain requests."""

    key: str
    connections: int
    requests: int
    prompt: int  # characters
    tokens: int


class Streams(msgspec.Struct, frozen=True, kw_only=True):
    """Streams that start together; the engine sets their pace."""

    key: str
    streams: int
    chunks: int
    prompt: int = 100


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What a block used: CPU of the arm, and how busy the instrument itself was."""

    tally: Tally
    arm: host.Cpu
    driver: host.Cpu
    wall_ns: int


class BlockFailedError(Exception):
    """Requests of a block failed: its figures would describe something else."""


async def watch(arm: Arm, load: Callable[[], Awaitable[Tally]], settle: float) -> Window:
    """Run `load` and read the clocks around it."""
    await asyncio.sleep(0.02)
    gc.collect()
    gc.disable()
    before, own = host.cpu(arm.pids), host.cpu([os.getpid()], descend=False)
    began = time.monotonic_ns()
    try:
        tally = await load()
    finally:
        gc.enable()
    wall = time.monotonic_ns() - began
    driver = host.cpu([os.getpid()], descend=False).since(own)
    await asyncio.sleep(settle)
    return Window(tally=tally, arm=host.cpu(arm.pids).since(before), driver=driver, wall_ns=wall)


def _checked(window: Window, arm: Arm, key: str) -> Window:
    failures = window.tally.failures
    if failures:
        message = f"{arm.name}, {key}: {len(failures)} requests failed, the first: {failures[0]}"
        raise BlockFailedError(message)
    return window


async def plain(arm: Arm, block: Requests, prepare: Prepare, settle: float) -> Window:
    """Measure one block of plain requests."""
    lines = await Lines.open(arm.ports, block.connections)
    try:
        await lines.loop(prepare, max(2 * block.connections, block.requests // 10))
        return _checked(
            await watch(arm, lambda: lines.loop(prepare, block.requests), settle), arm, block.key
        )
    finally:
        lines.close()


async def streamed(
    arm: Arm,
    block: Streams,
    prepare: tuple[Prepare, Prepare],
    settle: float,
    stamp: re.Pattern[bytes],
) -> Window:
    """Measure one block of streams.

    `prepare` makes the short stream that goes before, and the measured one.
    """
    warm, measured = prepare
    lines = await Lines.open(arm.ports, block.streams)
    try:
        await lines.each(warm)
        return _checked(
            await watch(arm, lambda: lines.streams(measured, stamp), settle), arm, block.key
        )
    finally:
        lines.close()


def values(window: Window, request_us: float | None = None) -> Values:
    """Return a block's figures by the names of `FIGURES`.

    A plain block costs CPU by the request and is timed from request to last byte; a block of
    streams costs CPU by the chunk, `request_us` a request taken off, and is timed from the engine's
    stamp to the arrival here.
    """
    tally = window.tally
    ran = window.arm.ran_ns
    cpu: float | None = None
    if ran and tally.chunks:
        cpu = without_requests(
            stream_us=ran / US,
            requests=tally.requests,
            chunks=tally.chunks,
            request_us=request_us,
        )
    elif ran:
        cpu = ran / tally.requests / US
    timed = summarize(tally.delay_ns if tally.chunks else tally.took_ns, scale=MS)
    first = summarize(tally.first_ns, scale=MS)
    return {
        "cpu": cpu,
        "p50": timed.p50 if timed else None,
        "p99": timed.p99 if timed else None,
        "first": first.p50 if first else None,
        "segments": tally.segments / tally.chunks if tally.chunks else None,
        "waited": window.arm.waited_ns / window.wall_ns,
        "driver": window.driver.ran_ns / window.wall_ns,
    }
