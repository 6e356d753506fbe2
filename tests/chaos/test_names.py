"""Row 25: the name of an engine leads elsewhere, or nobody can say where it leads."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import Stack, eventually, serving
from tests.fixtures.wire import Reply, chat, connected, port_of, post

Port = Callable[[], int]
NAME = "engine.test"


class Names:
    """A resolver that knows one name, at one address, unless it is out of order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.address = "127.0.0.1"
        self.error: Exception | None = None
        self.asked = 0
        self._system = loop.getaddrinfo

    async def getaddrinfo(self, host: str, port: int, **more: Any) -> list[Any]:
        if host != NAME:
            return await self._system(host, port, **more)
        self.asked += 1
        if self.error is not None:
            raise self.error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.address, port))]


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    loop = asyncio.get_running_loop()
    names = Names(loop)
    monkeypatch.setattr(loop, "getaddrinfo", names.getaddrinfo)
    return names


async def ask(stack: Stack) -> Reply:
    async with connected(port_of(stack)) as wire:
        wire.send(post(chat()))
        return await wire.answer()


async def test_row_25_an_engine_that_moves_is_found_by_the_next_connection(
    names: Names, free_port: Port
) -> None:
    async with running() as one, running(Profile(host="127.0.0.2", port=one.port)) as two:
        document = f"backends: [{{name: a, url: 'http://{NAME}:{one.port}'}}]\n"
        async with serving(document, free_port) as stack:
            assert (await ask(stack)).status == 200
            names.address = "127.0.0.2"
            for connection in tuple(one.connections):
                connection.cut(reset=False)
            assert (await ask(stack)).status == 200
            assert (len(one.requests), len(two.requests)) == (1, 1)


async def test_row_25_an_outage_of_dns_is_no_outage_of_the_engine(
    names: Names, free_port: Port
) -> None:
    async with running() as engine:
        document = f"backends: [{{name: a, url: 'http://{NAME}:{engine.port}'}}]\n"
        async with serving(document, free_port) as stack:
            (backend,) = stack.instance.backends()
            assert (await ask(stack)).status == 200
            names.error = socket.gaierror(socket.EAI_AGAIN, "temporary failure")
            for connection in tuple(engine.connections):
                connection.cut(reset=False)
            asked = names.asked
            stack.instance._prober.wake(backend)
            await eventually(lambda: names.asked > asked)
            await asyncio.sleep(0.05)

            assert (await ask(stack)).status == 200
            assert backend.available(stack.instance.now())
            assert not stack.instance.failures()


async def test_row_25_a_name_that_is_gone_is_told(names: Names, free_port: Port) -> None:
    async with running() as engine:
        document = f"backends: [{{name: a, url: 'http://{NAME}:{engine.port}'}}]\n"
        async with serving(document, free_port) as stack:
            names.error = socket.gaierror(socket.EAI_NONAME, "no such name")
            reply = await ask(stack)

            assert (reply.status, reply.code) == (502, "connect_failed")
            assert "does not resolve" in reply.json["error"]["message"]
