"""The greeting of a demo, against a server that behaves as the proxy does once it is up."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web

from proxy.cli import greeting
from proxy.cli.greeting import greet
from proxy.settings.address import Address
from proxy.settings.schema import Settings


class Server:
    """Lists a model from the second question on, and answers in three words."""

    def __init__(self) -> None:
        self.asked = 0
        self.bodies: list[object] = []
        self.refusal = ""

    async def models(self, request: web.Request) -> web.Response:
        self.asked += 1
        listed = [{"id": "tiny"}] if self.asked > 1 else []
        return web.json_response({"object": "list", "data": listed})

    async def chat(self, request: web.Request) -> web.Response:
        self.bodies.append(orjson.loads(await request.read()))
        if self.refusal:
            return web.Response(status=503, text=self.refusal)
        words = ("Cold", " water", " runs")
        events = [{"choices": [{"delta": {"content": word}}]} for word in words]
        text = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)
        return web.Response(body=text + b"data: [DONE]\n\n", content_type="text/event-stream")


@asynccontextmanager
async def serving(server: Server, port: int) -> AsyncIterator[Settings]:
    app = web.Application()
    app.router.add_get("/v1/models", server.models)
    app.router.add_post("/v1/chat/completions", server.chat)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield Settings(listen=Address(host="127.0.0.1", port=port))
    finally:
        await runner.cleanup()


async def test_it_waits_for_a_model_and_shows_its_answer(
    free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server()
    async with serving(server, free_port()) as settings:
        await greet(settings, "two engines")

    told = capsys.readouterr().out
    assert "engines    two engines\n" in told
    assert "A first answer of tiny, streamed through this proxy:\n\nCold water runs\n" in told
    assert told.endswith("It stays up until you press Ctrl-C.\n")
    (body,) = server.bodies
    assert isinstance(body, dict)
    assert (body["model"], body["stream"]) == ("tiny", True)


async def test_a_refusal_is_shown(
    free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server()
    server.refusal = "no engine is ready"
    async with serving(server, free_port()) as settings:
        await greet(settings, "two engines")

    told = capsys.readouterr().out
    assert "(no answer to show: 503 no engine is ready)" in told
    assert told.endswith("It stays up until you press Ctrl-C.\n")


async def test_without_a_model_it_says_so_after_a_while(
    free_port: Callable[[], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(greeting, "PATIENCE", 0.1)

    await greet(Settings(listen=Address(host="127.0.0.1", port=free_port())), "two engines")

    assert "no engine has listed a model yet: two engines" in capsys.readouterr().out
