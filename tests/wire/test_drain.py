"""Stopping: unready at once, open for a while, then streams may end, and what is left is told."""

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import Stack, backends, eventually, serving
from tests.fixtures.wire import Broken, Wire, chat, connected, get, port_of, post

Port = Callable[[], int]
DONE = b"data: [DONE]\n\n"


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(pace=0.01)) as engine:
        yield engine


def settings(engine: Engine, admin: int, delay: str, timeout: str) -> str:
    drain = f"drain: {{delay: {delay}, timeout: {timeout}}}\n"
    return f"admin: 127.0.0.1:{admin}\n{backends(engine)}{drain}"


async def readiness(admin: int) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{admin}/readyz") as answer,
    ):
        return answer.status, await answer.text()


async def begun(stack: Stack, tokens: int) -> Wire:
    """Return a connection on which a stream has begun."""
    wire = await Wire.open(port_of(stack))
    wire.send(post(chat(tokens, stream=True, ignore_eos=True)))
    return wire


async def test_it_is_unready_at_once_and_still_serves_during_the_delay(
    engine: Engine, free_port: Port
) -> None:
    admin = free_port()
    async with serving(settings(engine, admin, "2s", "5s"), free_port) as stack:
        assert (await readiness(admin))[0] == 200
        draining = asyncio.ensure_future(stack.instance.drain())
        await eventually(lambda: stack.instance.draining)
        status, why = await readiness(admin)
        assert (status, "draining" in why) == (503, True)
        async with connected(port_of(stack)) as wire:
            wire.send(post(chat(2)))
            assert (await wire.answer()).status == 200
        await draining
        with pytest.raises(ConnectionRefusedError):
            await Wire.open(port_of(stack))


async def test_running_streams_end_by_themselves_and_idle_connections_at_once(
    engine: Engine, free_port: Port
) -> None:
    async with serving(settings(engine, free_port(), "0s", "30s"), free_port) as stack:
        streams = [await begun(stack, 40) for _ in range(5)]
        heads = [await wire.head() for wire in streams]
        async with connected(port_of(stack)) as idle, connected(port_of(stack)) as used:
            used.send(get("/health"))
            await used.answer()
            await eventually(lambda: stack.instance.client_connections() == 7)
            draining = asyncio.ensure_future(stack.instance.drain())
            assert await idle.ended() == b""
            assert await used.ended() == b""

        for wire, head in zip(streams, heads, strict=True):
            await wire._body(head)
            assert head.body.endswith(DONE)
            assert await wire.ended() == b""
            wire.close()
        await draining
        assert stack.instance.in_flight() == 0


async def test_an_answer_that_begins_while_draining_is_the_last_of_its_connection(
    engine: Engine, free_port: Port
) -> None:
    engine.faults.set(Fault(kind=Kind.DELAY, seconds=0.2))
    async with serving(settings(engine, free_port(), "0s", "30s"), free_port) as stack:
        async with connected(port_of(stack)) as wire:
            wire.send(post(chat(3)))
            await eventually(lambda: len(engine.requests) == 1)
            draining = asyncio.ensure_future(stack.instance.drain())
            assert (await wire.answer()).closes
            assert await wire.ended() == b""
        await draining


async def test_a_request_that_nobody_had_read_is_answered(
    engine: Engine, free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.boot.draining.UNREAD", 30.0)  # the machine may be slow
    async with serving(settings(engine, free_port(), "0s", "30s"), free_port) as stack:
        async with connected(port_of(stack)) as fresh, connected(port_of(stack)) as used:
            used.send(post(chat(3)))
            assert not (await used.answer()).closes
            await eventually(lambda: stack.instance.client_connections() == 2)
            draining = asyncio.ensure_future(stack.instance.drain())
            await eventually(lambda: stack.instance._edge.draining)
            for wire in (fresh, used):
                wire.send(post(chat(3)))
                reply = await wire.answer()
                assert (reply.status, reply.closes) == (200, True)
        await draining


async def test_a_request_that_is_half_here_may_finish(engine: Engine, free_port: Port) -> None:
    async with serving(settings(engine, free_port(), "0s", "30s"), free_port) as stack:
        streaming = await begun(stack, 60)  # something to wait for
        async with connected(port_of(stack)) as wire:
            request = post(chat(3))
            wire.send(request[:-10])
            await eventually(lambda: stack.instance.client_connections() == 2)
            await streaming.head()
            draining = asyncio.ensure_future(stack.instance.drain())
            await asyncio.sleep(0.05)
            wire.send(request[-10:])
            reply = await wire.answer()
            assert (reply.status, reply.closes) == (200, True)
        await draining
        streaming.close()


async def test_what_is_left_at_the_end_is_told_and_broken_off(
    engine: Engine, free_port: Port
) -> None:
    async with serving(settings(engine, free_port(), "0s", "200ms"), free_port) as stack:
        streaming = await begun(stack, 10_000)
        head = await streaming.head()
        engine.faults.set(Fault(kind=Kind.HANG))
        waiting = await Wire.open(port_of(stack))
        waiting.send(post(chat()))
        await eventually(lambda: len(engine.requests) == 2)

        await stack.instance.drain()

        reply = await waiting.answer()
        assert (reply.status, reply.code) == (503, "draining")
        with pytest.raises((asyncio.IncompleteReadError, Broken)):
            await streaming._body(head)
        assert b'data: {"error":' in head.body
        assert b"draining" in head.body
        assert DONE not in head.body
        assert engine.requests.aborted == 2
        streaming.close()
        waiting.close()


async def test_a_second_signal_cuts_the_wait_short(engine: Engine, free_port: Port) -> None:
    async with serving(settings(engine, free_port(), "60s", "60s"), free_port) as stack:
        streaming = await begun(stack, 100_000)
        await streaming.head()
        draining = asyncio.ensure_future(stack.instance.drain())
        await eventually(lambda: stack.instance.draining)
        stack.instance.hurry()
        await asyncio.wait_for(draining, 30)
        assert b"draining" in await streaming.ended()
        streaming.close()
