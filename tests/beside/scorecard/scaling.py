"""What a second worker adds, with engine and client as light as they can be made.

The engine is nginx with a fixed answer; the client knows beforehand how long that is and reads
nothing of it. Both share the machine with headrace, so that on two cores no load can show twice the
throughput: what is left over for the second worker is told beside.
"""

import asyncio
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from typing_extensions import override

from benchmarks.driver import yardsticks
from benchmarks.driver.procs import NotReadyError, Process
from benchmarks.driver.workload import chat, prompt
from benchmarks.measure import host
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.stage import port, proxied
from tests.beside.scorecard.stale import BODY, MODELS

CONNECTIONS, SECONDS, WARM = 64, 5.0, 1.0
ENGINE = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
user root;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/body;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /v1/models {{ return 200 '{models}'; }}
        location = /v1/chat/completions {{ return 200 '{body}'; }}
        location / {{ return 404; }}
    }}
}}
"""


class Runner(asyncio.Protocol):
    """A closed loop on one connection: an answer is over when the engine's body has come."""

    def __init__(self, request: bytes) -> None:
        self.ended = 0
        self._request = request
        self._tail = BODY[-40:]
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        """Go on."""
        if data.endswith(self._tail):
            self.ended += 1
            assert self._transport is not None
            self._transport.write(self._request)

    def stop(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


class Paced:
    """What came of one number of workers."""

    def __init__(self, rate: float, cpu_us: float, idle: float) -> None:
        self.rate = rate  # requests a second
        self.cpu_us = cpu_us  # of the proxy, for each
        self.idle = idle  # of the machine's cores, nobody's


def _idle() -> float:
    """Return the seconds that all cores together have been idle."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return int(fields[4]) / os.sysconf("SC_CLK_TCK")


async def drive(where: int, pid: int) -> Paced:
    """Ask as fast as there are answers."""
    loop = asyncio.get_running_loop()
    request = chat(where, prompt(100), tokens=1)
    runners: list[Runner] = []
    for _ in range(CONNECTIONS):
        _, runner = await loop.create_connection(lambda: Runner(request), "127.0.0.1", where)
        runners.append(runner)
    await asyncio.sleep(WARM)
    before, cpu, idle = sum(one.ended for one in runners), host.cpu([pid]), _idle()
    began = time.monotonic()
    await asyncio.sleep(SECONDS)
    span = time.monotonic() - began
    ended = sum(one.ended for one in runners) - before
    used, left = host.cpu([pid]).since(cpu), _idle() - idle
    for one in runners:
        one.stop()
    if not ended:
        raise NotReadyError("no request was answered")
    return Paced(ended / span, used.ran_ns / 1000 / ended, left / span)


async def workers(engine: int, count: int) -> Paced:
    """Measure with so many workers."""
    url = f"http://127.0.0.1:{engine}"
    async with proxied([url], f"workers: {count}\n", "type: openai") as stage:
        return await drive(stage.port, stage.proxy.process.pid)


async def measure() -> list[Row]:
    """Compare one worker with two."""
    binary = yardsticks.find_nginx()
    if binary is None:
        raise NotReadyError("nginx is not installed")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scorecard-")))
        where = port()
        conf = folder / "nginx.conf"
        conf.write_text(
            ENGINE.format(folder=folder, port=where, models=MODELS.decode(), body=BODY.decode())
        )
        words = [binary, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(conf)]
        await stack.enter_context(Process("nginx", words, folder)).await_port(where)
        one, two = await workers(where, 1), await workers(where, 2)
    return [
        Row(
            figure=f"throughput with two workers ({os.cpu_count()} cores, engine and client too)",
            target="as far as a core is free",
            measured=f"{two.rate / one.rate:.2f} x: {one.rate:,.0f} requests a second with one "
            f"({one.cpu_us:.0f} us of CPU each, {one.idle:.2f} cores idle), {two.rate:,.0f} with "
            f"two ({two.cpu_us:.0f} us, {two.idle:.2f} idle)",
        )
    ]
