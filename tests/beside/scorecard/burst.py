"""A thousand connections at once, each with a request, at each proxy that is here."""

import asyncio
import time

from benchmarks.driver.arms import HEADRACE
from benchmarks.driver.client import Connection
from benchmarks.fake.launch import launched
from benchmarks.fake.profile import Profile
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.sending import open_line
from tests.beside.scorecard.stage import port_of
from tests.beside.subjects import subjects
from tests.fixtures.wire import chat, post

CONNECTIONS, TIMES, MOST = 1000, 3, 1.0
PATIENCE = 30.0


async def burst(port: int) -> tuple[float, int]:
    """Return the seconds until the last answer, and how many were whole."""
    request = post(chat(1))
    loop = asyncio.get_running_loop()

    async def one() -> bool:
        line = await open_line(port)
        done: asyncio.Future[Connection] = loop.create_future()
        line.send(request, done.set_result)
        try:
            await done
        finally:
            line.hang_up()
        return line.complete and line.status == 200

    began = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(*(one() for _ in range(CONNECTIONS)), return_exceptions=True)
    return time.monotonic() - began, sum(each is True for each in found)


async def measure() -> list[Row]:
    """Take the best of three: what disturbs on this machine only ever adds."""
    async with launched([Profile(max_num_seqs=CONNECTIONS)] * 2) as engines:
        ports = [port_of(engine.url) for engine in engines]
        direct = min([await burst(ports[0]) for _ in range(TIMES)])
        async with subjects(ports) as found:
            took = {name: [await burst(port) for _ in range(TIMES)] for name, port in found.items()}
    own, whole = min(took[HEADRACE]), min(count for _, count in took[HEADRACE])
    others = ", ".join(f"{name} {min(took[name])[0]:.2f} s" for name in took if name != HEADRACE)
    return [
        Row(
            figure="a burst of 1,000 connections, a request on each",
            target=f"{MOST:g} s, all served",
            measured=f"{own[0]:.2f} s, {whole:,} served; {others}; without a proxy "
            f"{direct[0]:.2f} s",
            met=own[0] <= MOST and whole == CONNECTIONS,
        )
    ]
