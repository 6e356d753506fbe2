"""Sockets of systemd: who came before the process is answered by one that knows its engines."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.process import environment, settings_file

MODEL = "simulated-model"
# What systemd does between fork and exec: the socket is number 3, and the process is named.
HANDED = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "-m", "proxy", *sys.argv[2:]])
"""


def started(held: socket.socket, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", HANDED, str(held.fileno()), *words],
        pass_fds=[held.fileno()],
        env=environment(),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


async def ask(url: str) -> int:
    async with (
        aiohttp.ClientSession() as client,
        client.post(
            f"{url}/v1/chat/completions",
            json={"model": MODEL, "messages": [{"role": "user", "content": "hi"}]},
        ) as answer,
    ):
        return answer.status


@pytest.mark.parametrize("workers", [1, 2])
async def test_clients_that_wait_in_the_socket_are_served(
    workers: int, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    engine = await start_engine(Profile(models=(MODEL,), output_tokens=2))
    more = f"workers: {workers}\ndrain: {{delay: 0s}}\n"
    with socket.create_server(("127.0.0.1", 0)) as held:
        listen = f"127.0.0.1:{held.getsockname()[1]}"
        config = settings_file(tmp_path, [engine.url], more)
        words = ["serve", "-c", str(config), "--listen", listen]
        waiting = asyncio.create_task(ask(f"http://{listen}"))
        process = started(held, *words, "--admin", f"127.0.0.1:{free_port()}")
        try:
            assert await asyncio.wait_for(waiting, 60) == 200
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 30)
            await engine.stop()
