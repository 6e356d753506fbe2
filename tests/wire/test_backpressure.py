"""A client that reads slowly costs bounded memory, and loses nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from proxy.edge import connection
from proxy.flow import deadlines
from proxy.flow.attempts import Attempts
from tests.fixtures.stack import Stack, backends, eventually, serving
from tests.fixtures.wire import Wire, chat, connected, port_of, post

Port = Callable[[], int]
EVENT = 40_000
TOKENS = 1600  # 64 MB: more than the kernels of two hops hold (tcp_rmem may grow to 32 MiB)
SMALL = 1 << 18  # of the client's receive buffer
BOUND = 400 * 1024  # 64 KiB high mark and one read of the loop's 250 KiB behind it


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(event_bytes=EVENT, output_tokens=TOKENS)) as engine:
        yield engine


@pytest.fixture
async def stack(engine: Engine, free_port: Port) -> AsyncIterator[Stack]:
    async with serving(backends(engine), free_port) as stack:
        yield stack


async def stalled(stack: Stack, wire: Wire) -> Attempts:
    """Ask for a long stream without reading it; return the call once its engine is paused."""
    wire.send(post(chat(TOKENS, stream=True), "Connection: close"))
    await eventually(lambda: bool(stack.instance._course.calls))
    (call,) = stack.instance._course.calls
    await eventually(lambda: bool(call.paused_at))
    return call


def buffered(stack: Stack) -> int:
    """Return how many bytes wait in this process for clients to take them."""
    transports = [client.transport for client in stack.instance._edge.connections]
    return sum(each.get_write_buffer_size() for each in transports if each is not None)


async def test_a_client_that_stops_reading_stops_its_engine_and_loses_nothing(
    stack: Stack, engine: Engine
) -> None:
    async with connected(port_of(stack), limit=1024, receive=SMALL) as wire:
        await stalled(stack, wire)
        tokens = -1
        while tokens != engine.requests[0].tokens:  # until the kernel's buffers are full, too
            tokens = engine.requests[0].tokens
            await asyncio.sleep(0.05)
        assert tokens < TOKENS
        assert 0 < buffered(stack) < BOUND

        wire.reader._limit = 1 << 20  # type: ignore[attr-defined] # no more need to be slow
        got = await wire.taken()

    assert got.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert got.count(b'"content":"') == TOKENS + 1
    assert len(got) > TOKENS * EVENT


async def test_slow_readers_do_not_hold_up_the_others(stack: Stack, engine: Engine) -> None:
    slow = [await Wire.open(port_of(stack), receive=SMALL) for _ in range(5)]
    for wire in slow:
        wire.send(post(chat(TOKENS, stream=True)))
    await eventually(lambda: sum(bool(c.paused_at) for c in stack.instance._course.calls) == 5)

    async with connected(port_of(stack)) as wire:
        wire.send(post(chat(3, stream=True)))
        assert (await wire.answer()).body.endswith(b"[DONE]\n\n")

    assert buffered(stack) < 5 * BOUND
    for wire in slow:
        wire.reset()
    await eventually(lambda: engine.requests.aborted == 5)


async def test_a_client_that_never_reads_again_is_given_up(
    stack: Stack, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "SLOW_READER", 0.2)
    monkeypatch.setattr(connection, "FLUSH", 0.2)

    async with connected(port_of(stack), limit=1024, receive=SMALL) as wire:
        await stalled(stack, wire)
        await eventually(lambda: engine.requests.aborted == 1)
        await eventually(lambda: not stack.instance.client_connections())

    await eventually(lambda: any("slow_reader" in line for line in stack.access_lines()))
