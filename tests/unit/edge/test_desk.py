"""The admin listener serves its application, and ends."""

import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from proxy.edge.desk import Desk


async def test_the_application_is_served_until_the_stop(tmp_path: Path) -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    path = str(tmp_path / "admin")
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    listening.bind(path)
    app = web.Application()
    app.router.add_get("/", hello)
    desk = Desk()

    await desk.start(listening, app, None)
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session:
        async with session.get("http://x/") as answer:
            assert await answer.text() == "hello"
        await desk.stop()
        with pytest.raises(aiohttp.ClientError):
            await session.get("http://x/")


async def test_a_desk_that_never_opened_can_be_stopped() -> None:
    desk = Desk()

    await desk.reseal(None)
    await desk.stop()
