"""What a client costs that asks for 64 MB and reads nothing of it."""

import asyncio
import socket

from benchmarks.driver.workload import chat, prompt
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.stage import Stage, profiles, staged

EVENT, EVENTS = 64_000, 1000
STALLED, MOST_KIB = 20, 128
WARM = 4


async def stall(stage: Stage, count: int) -> list[socket.socket]:
    """Ask for so many long answers that nobody reads."""
    loop, made = asyncio.get_running_loop(), []
    request = chat(stage.port, prompt(100), tokens=EVENTS, stream=True)
    for _ in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", stage.port))
        await loop.sock_sendall(sock, request)
        made.append(sock)
    return made


async def measure() -> list[Row]:
    """Read the proxy's memory with and without them."""
    (shape,) = profiles(1, event_bytes=EVENT, output_tokens=EVENTS)
    async with staged([shape]) as stage:
        for sock in await stall(stage, WARM):  # buffers a process keeps are no reader's
            await asyncio.sleep(0.2)
            sock.close()
        before = await stage.settled()
        socks = await stall(stage, STALLED)
        while sum(await stage.asked()) < WARM + STALLED:  # noqa: ASYNC110 - an engine tells nobody
            await asyncio.sleep(0.05)
        kib = (await stage.settled() - before) / STALLED
        for sock in socks:
            sock.close()
    return [
        Row(
            figure="memory per slow reader",
            target=f"{MOST_KIB} KiB",
            measured=f"{kib:.0f} KiB: {STALLED} clients that ask for {EVENT * EVENTS // 10**6} MB "
            "each and read nothing",
            met=kib <= MOST_KIB,
        )
    ]
