"""What an arm costs before it has done anything: its start, its memory, a stream that waits."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.driver import engines
from benchmarks.driver.arms import Arm, Plan, start
from benchmarks.driver.load import Lines
from benchmarks.driver.workload import chat, prompt
from benchmarks.measure import host

SILENT = {"kind": "silence", "after": 1}  # one token, then nothing for ever
CALM_S = 0.7  # between a figure and what came before it: long enough for start-up work to end


class Cold(msgspec.Struct, frozen=True, kw_only=True):
    """One start of one arm."""

    first_answer_s: float | None
    idle_kib: int
    stream_kib: float | None  # None: the streams could not be held


def greeting(port: int) -> bytes:
    """Return the smallest request: one token."""
    return chat(port, "Hello", tokens=1)


async def _held(arm: Arm, count: int, base_kib: int) -> float | None:
    request = chat(arm.ports[0], prompt(100), tokens=600, stream=True)
    lines = await Lines.open(arm.ports, count)
    try:
        if await lines.hold(lambda _: request) < count:
            return None
        await asyncio.sleep(CALM_S)
        return (host.memory(arm.pids).rss_kib - base_kib) / count
    finally:
        lines.close()


async def cold(plan: Plan, ports: list[int], folder: Path, *, streams: int) -> Cold:
    """Start an arm, weigh it after its first answer and with `streams` streams held, end it.

    A few streams have come and gone before the second weighing, so that what a process loads once
    does not count as a stream's memory. Raises NotReadyError.
    """
    with ExitStack() as stack:
        arm = await start(plan, ports, greeting, stack, folder)
        await asyncio.sleep(CALM_S)
        idle = host.memory(arm.pids).rss_kib
        for port in ports:
            await engines.switch(port, SILENT)
        try:
            await _held(arm, 10, 0)
            await asyncio.sleep(CALM_S)
            held = await _held(arm, streams, host.memory(arm.pids).rss_kib)
        finally:
            for port in ports:
                await engines.switch(port)
        return Cold(first_answer_s=arm.first_answer_s, idle_kib=idle, stream_kib=held)
