"""WebSockets that pass through, on the wire: both ways, bounded, and ended in words."""

import asyncio
import json
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp import WSMsgType

from tests.fixtures.aside import aside, document, unplugged
from tests.fixtures.stack import MODEL, Stack, eventually, serving
from tests.fixtures.wire import connected, get, port_of

Port = Callable[[], int]
FLOOD = 192  # half-mebibytes: more than the kernels of two hops hold (tcp_rmem: up to 32 MiB)
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


async def ends(stack: Stack, count: int) -> list[dict[str, object]]:
    """Return so many access lines, with nothing left under way."""
    await eventually(lambda: len(stack.access_lines()) >= count)
    await eventually(lambda: not stack.instance.in_flight())
    assert not stack.instance._edge.passing
    assert not any(backend.in_flight for backend in stack.instance.backends())
    return [json.loads(line) for line in stack.access_lines()]


async def test_messages_pass_both_ways_and_a_close_is_a_good_end(free_port: Port) -> None:
    settings = f"models: {{aliases: {{voice: {MODEL}}}}}\n"
    async with (
        aside(free_port) as engine,
        serving(document(engine, more=settings), free_port) as stack,
    ):
        protocols = ("realtime", "openai-insecure-api-key.sk-secret", "openai-beta.realtime-v1")
        async with stack.client.ws_connect(
            "/v1/realtime?intent=x&model=voice", protocols=protocols, compress=15
        ) as client:
            assert client.protocol == "realtime"
            for text in ("hello", "x" * 200_000):
                await client.send_str(text)
                assert await client.receive_str() == text
            await client.send_bytes(bytes(range(256)) * 512)
            assert len(await client.receive_bytes()) == 256 * 512
            assert len(stack.instance._edge.passing) == 1
            assert stack.instance.backends()[0].in_flight == 1
        await eventually(lambda: engine.closes == [1000])
        (line,) = await ends(stack, 1)

    assert engine.last.path == f"/v1/realtime?intent=x&model={MODEL}"
    assert engine.last.headers["sec-websocket-protocol"] == "realtime, openai-beta.realtime-v1"
    assert "sk-secret" not in str(engine.last)
    assert (line["status"], line["end"], line["path"]) == (101, "--", "/v1/realtime")
    assert (line["backend"], line["model"]) == ("a", "voice")
    assert line["chunks"]


async def test_a_side_that_leaves_without_closing_is_told_apart(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        async with connected(port_of(stack)) as wire:
            wire.send(get("/v1/realtime", *UPGRADE))
            assert (await wire.head()).status == 101
        await eventually(lambda: engine.closes == [1006])
        assert (await ends(stack, 1))[0]["end"] == "CS"

        async with stack.client.ws_connect("/v1/realtime") as client:
            await client.send_str("x")
            await client.receive()
            transport = engine.sockets[-1]._req.transport  # type: ignore[union-attr] # it stands
            assert transport is not None
            transport.abort()
            assert (await client.receive()).type in {WSMsgType.CLOSED, WSMsgType.CLOSING}
        line = (await ends(stack, 2))[1]
    assert (line["end"], line["failure"]) == ("BS", "closed_by_backend")


async def test_a_close_of_the_engine_reaches_the_client(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        async with stack.client.ws_connect("/v1/realtime") as client:
            await client.send_str("x")
            await client.receive()
            await engine.sockets[0].close(code=4321)
            await client.receive()
            assert client.close_code == 4321
        assert (await ends(stack, 1))[0]["end"] == "--"


async def test_a_refusal_of_the_engine_passes_as_it_is(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            await stack.client.ws_connect("/v1/realtime", headers={"x-refuse": "yes"})
        assert error.value.status == 403
        assert (await ends(stack, 1))[0]["end"] == "CW"


@pytest.mark.parametrize(
    ("fields", "path", "status"),
    [
        (UPGRADE, "/v1/realtime?model=no-such", 404),
        (UPGRADE, "/v1/realtime?model=a&model=b", 400),
        (UPGRADE, "/v1/realtime?model=", 400),
        (UPGRADE, "/v1/realtime?admin=1", 400),
        (UPGRADE, "/to/nobody/v1/realtime", 404),
        (UPGRADE, "/v1/chat/completions", 400),
        (UPGRADE, "/v1/models", 400),
        (UPGRADE, "/v1/realtime/../files", 400),
        ((), "/v1/realtime", 400),
        (UPGRADE[:3], "/v1/realtime", 400),
        ((*UPGRADE, UPGRADE[3]), "/v1/realtime", 400),
        ((*UPGRADE[:2], "Sec-WebSocket-Version: 8", UPGRADE[3]), "/v1/realtime", 400),
        ((*UPGRADE, "Content-Length: 5"), "/v1/realtime", 400),
        (("Upgrade: h2c", *UPGRADE[1:]), "/v1/realtime", 400),
        (("Upgrade: websocket, h2c", *UPGRADE[1:]), "/v1/realtime", 400),
    ],
)
async def test_other_upgrades_are_refused_and_the_connection_closed(
    free_port: Port, fields: tuple[str, ...], path: str, status: int
) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        async with connected(port_of(stack)) as wire:
            wire.send(get(path, *fields))
            reply = await wire.answer()
            assert (reply.status, reply.closes) == (status, True)
            wire.half_close()
            assert not await wire.ended()
        await ends(stack, 1)
    assert not engine.sockets


async def test_bytes_before_the_consent_end_it(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        async with connected(port_of(stack)) as wire:
            wire.send(get("/v1/realtime", *UPGRADE) + b"\x81\x80\x00\x00\x00\x00")
            assert (await wire.answer()).status == 400
            assert not await wire.ended()
        assert (await ends(stack, 1))[0]["end"] == "CR"


async def test_who_does_not_read_pauses_the_other(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        async with stack.client.ws_connect("/v1/realtime", max_msg_size=0) as client:
            await client.send_str("x")
            await client.receive()
            (passing,) = stack.instance._edge.passing
            transport = client._response.connection.transport  # type: ignore[union-attr] # it stands
            assert transport is not None
            transport.pause_reading()
            flood = asyncio.create_task(_flood(engine.sockets[0]))
            await asyncio.sleep(0.3)
            assert not flood.done()
            assert passing.call.bytes_out < 80 << 20
            transport.resume_reading()
            count = 0
            async with asyncio.timeout(30):
                while count < FLOOD:
                    count += len(await client.receive_bytes()) == 1 << 19
            await flood
        assert (await ends(stack, 1))[0]["end"] == "--"


async def _flood(engine: "aiohttp.web.WebSocketResponse") -> None:
    for _ in range(FLOOD):
        await engine.send_bytes(b"z" * (1 << 19))


async def test_silence_closes_it_with_1001(free_port: Port) -> None:
    settings = "timeouts: {idle: 300ms}\n"
    async with (
        aside(free_port) as engine,
        serving(document(engine, more=settings), free_port) as stack,
        stack.client.ws_connect("/v1/realtime") as client,
    ):
        await client.receive()
        assert client.close_code == 1001
        line = (await ends(stack, 1))[0]
    assert (line["end"], line["failure"]) == ("TS", "idle_timeout")


async def test_a_drain_closes_it_with_1001(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        async with stack.client.ws_connect("/v1/realtime") as client:
            await client.send_str("x")
            await client.receive()
            stack.instance._edge.close_idle()
            await client.receive()
            assert client.close_code == 1001
        line = (await ends(stack, 1))[0]
    assert (line["end"], line["failure"]) == ("PS", "draining")


async def test_another_backend_is_asked_if_the_first_does_not_listen(free_port: Port) -> None:
    async with aside(free_port) as one, aside(free_port) as two:
        settings = document(one, two)
        async with serving(settings, free_port) as stack:
            unplugged(stack, free_port())
            for _ in range(2):
                async with stack.client.ws_connect(f"/v1/realtime?model={MODEL}") as client:
                    await client.send_str("x")
                    assert await client.receive_str() == "x"
            lines = await ends(stack, 2)
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await stack.client.ws_connect("/v1/realtime")
    assert error.value.status == 400  # two have it, and no model says which
    assert {line["backend"] for line in lines} == {"b"}
