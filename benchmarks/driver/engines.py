"""Simulated engines for one scene: how to start them, what to ask them, how to read stamps."""

import asyncio
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.driver.client import connect
from benchmarks.driver.procs import REPOSITORY, NotReadyError, Process, free_port
from benchmarks.driver.workload import MODEL
from benchmarks.fake.launch import command
from benchmarks.fake.profile import Profile, Stamps

STAMP = re.compile(rb'"stamp_ns":(\d+)')  # CLOCK_MONOTONIC ns at which the engine wrote the event


FAR = 1_000_000  # tokens: beyond what any block asks for


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a scene's engines are: every running sequence gets a token each `step` seconds."""

    name: str
    step: float


def profile(pace: Pace, port: int) -> Profile:
    """Return what one simulated engine of a scene looks like."""
    return Profile(
        name=f"{pace.name}-{port}",
        port=port,
        models=(MODEL,),
        pace=pace.step,
        stamps=Stamps.FIELD,
        output_tokens=FAR,
        context_length=FAR,
        kv_tokens=1000 * FAR,
        max_num_seqs=4096,
    )


async def start(pace: Pace, count: int, stack: ExitStack, folder: Path) -> Sequence[int]:
    """Start `count` engines and return their ports; `stack` ends them. Raises NotReadyError."""
    taken: set[int] = set()
    env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ports = [free_port(taken) for _ in range(count)]
    for port in ports:
        process = stack.enter_context(
            Process(f"engine-{port}", command(profile(pace, port)), folder, env=env)
        )
        await process.await_port(port)
    return ports


async def ask(port: int, method: str, path: str, document: object = None) -> bytes:
    """Ask an engine's `/fake/*` pages, on a connection of its own, and return the answer's body.

    Raises NotReadyError for anything but a complete 200 within 10 s.
    """
    body = b"" if document is None else msgspec.json.encode(document)
    head = f"{method} /fake/{path} HTTP/1.1\r\nHost: engine\r\nContent-Length: {len(body)}\r\n\r\n"
    done = asyncio.get_running_loop().create_future()
    line = await connect(port)
    line.send(head.encode() + body, done.set_result, keep=True)
    try:
        async with asyncio.timeout(10):
            await done
    except TimeoutError:
        raise NotReadyError(f"engine {port}: no answer to {path}") from None
    finally:
        line.hang_up()
    if line.failure or line.status != 200:
        raise NotReadyError(f"engine {port}: {path}: {line.failure or line.status}")
    return b"".join(piece for _, piece in line.pieces)


async def switch(port: int, *faults: object) -> None:
    """Replace the faults of an engine; none: it behaves again. Raises NotReadyError."""
    if faults:
        await ask(port, "POST", "faults", faults)
    else:
        await ask(port, "DELETE", "faults")
