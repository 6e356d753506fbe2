"""Bulky answers of an engine: read in sips on every kind of connection, and as usual afterwards."""

import asyncio
from pathlib import Path
from typing import cast

import pytest
from typing_extensions import override

from proxy.settings.seals import Seal
from proxy.upstream.connect import Endpoint
from proxy.upstream.exchange import Connection
from proxy.upstream.pool import Pool
from proxy.upstream.sips import SIP
from tests.fixtures.sealed import Papers
from tests.unit.upstream.test_exchange import REQUEST, Keeper

LARGE, SMALL = 8 * 1024 * 1024, 1000


class Engine(asyncio.Protocol):
    """Answers with a large body first, then with small ones."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.size = LARGE

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % self.size
        self.transport.write(head + b"x" * self.size)
        self.size = SMALL

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()


async def one(pool: Pool) -> Connection:
    """Return a new connection."""
    made = asyncio.get_running_loop().create_future()
    pool.dial(made.set_result, lambda failure: made.set_exception(OSError(failure.detail)))
    connection: Connection = await made
    return connection


async def exchanged(connection: Connection) -> list[int]:
    """Ask; return the sizes of the pieces the answer came in. Once it stops reading for a turn."""
    ended = asyncio.get_running_loop().create_future()

    class Taker(Keeper):
        @override
        def chunk(self, data: bytes) -> None:
            super().chunk(data)
            if len(self.heard) == 5:
                connection.pause()
                asyncio.get_running_loop().call_soon(connection.resume)

        @override
        def last(self, data: bytes) -> None:
            self.heard.append(data)
            ended.set_result(None)

    taker = Taker()
    connection.begin(REQUEST, b"", taker)
    async with asyncio.timeout(20):
        await ended
    return [len(piece) for piece in taker.heard if isinstance(piece, bytes)]


@pytest.mark.parametrize("kind", ["tcp", "unix", "tls"])
async def test_a_bulky_answer_comes_in_sips_and_the_next_as_usual(
    kind: str, tmp_path: Path
) -> None:
    loop, engine, papers = asyncio.get_running_loop(), Engine(), Papers(tmp_path)
    if kind == "unix":
        server = await loop.create_unix_server(lambda: engine, str(tmp_path / "engine"))
        endpoint = Endpoint(path=str(tmp_path / "engine"))
    else:
        sealed = papers.server(papers.issue("engine.pem")) if kind == "tls" else None
        server = await loop.create_server(lambda: engine, "127.0.0.1", 0, ssl=sealed)
        endpoint = Endpoint(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    pool = Pool(endpoint, now=lambda: 0.0)
    pool.seal = Seal(papers.client()) if kind == "tls" else None
    try:
        connection = await one(pool)
        sizes = await exchanged(connection)
        assert sum(sizes) == LARGE
        first = next((n for n, size in enumerate(sizes) if size > SIP), 0)
        assert max(sizes[first + 1 :]) <= SIP

        assert pool.take(0.0) is connection
        assert await exchanged(connection) == [SMALL]
        assert pool.opened == 1
        connection.close()
        async with asyncio.timeout(20):
            await engine.gone.wait()
    finally:
        server.close()
