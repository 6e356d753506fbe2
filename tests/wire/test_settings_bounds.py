"""What each setting does that bounds something: sizes, waiting, silence, stopping."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from proxy.settings.address import Address
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving

Port = Callable[[], int]
LEVELS = ("timeouts", "backends[].timeouts", "models.timeouts.*")


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running() as engine:
        yield engine


def with_timeout(level: str, engine: Engine, timeout: str) -> str:
    """Return settings for one engine with a timeout at one of the three levels."""
    if level == "backends[].timeouts":
        return backends(engine, timeouts=f"{{{timeout}}}")
    if level == "timeouts":
        return backends(engine) + f"timeouts: {{{timeout}}}\n"
    return backends(engine) + f"models: {{timeouts: {{{MODEL}: {{{timeout}}}}}}}\n"


async def status_and_code(stack: Stack, **body: object) -> tuple[int, str]:
    async with stack.ask(**body) as answer:
        return answer.status, (await answer.json())["error"]["code"]


async def talk(address: Address, sent: bytes) -> bytes:
    """Send bytes, then only listen until the other side has closed."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(sent)
    async with asyncio.timeout(30):
        answer = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return answer


def client_address(stack: Stack) -> Address:
    url = stack.client._base_url
    assert url is not None
    assert url.host is not None
    assert url.port is not None
    return Address(host=url.host, port=url.port)


# timeouts ------------------------------------------------------------------------------------


@pytest.fixture
def full_port(free_port: Port) -> Iterator[int]:
    """Hold a port that lets nobody in: its queue is full, and nobody takes from it."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", free_port()))
        listening.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@pytest.mark.setting("timeouts.connect", "backends[].timeouts.connect")
@pytest.mark.setting("models.timeouts.*.connect")
@pytest.mark.parametrize("level", LEVELS)
async def test_opening_a_connection_takes_no_longer_than_connect(
    engine: Engine, free_port: Port, full_port: int, level: str
) -> None:
    async with serving(with_timeout(level, engine, "connect: 100ms"), free_port) as stack:
        (backend,) = stack.instance.backends()
        pool = stack.instance._fleet.sides[backend].pool
        pool.endpoint = msgspec.structs.replace(pool.endpoint, port=full_port)

        assert await status_and_code(stack) == (504, "connect_timeout")


@pytest.mark.setting("timeouts.first_token", "backends[].timeouts.first_token")
@pytest.mark.setting("models.timeouts.*.first_token")
@pytest.mark.parametrize("level", LEVELS)
async def test_prefill_takes_no_longer_than_first_token(
    engine: Engine, free_port: Port, level: str
) -> None:
    engine.faults.set(Fault(kind=Kind.HANG))

    async with serving(with_timeout(level, engine, "first_token: 100ms"), free_port) as stack:
        assert await status_and_code(stack) == (504, "first_token_timeout")


@pytest.mark.setting("timeouts.idle", "backends[].timeouts.idle", "models.timeouts.*.idle")
@pytest.mark.parametrize("level", LEVELS)
async def test_a_stream_is_silent_no_longer_than_idle(
    engine: Engine, free_port: Port, level: str
) -> None:
    engine.faults.set(Fault(kind=Kind.SILENCE, after=3))

    async with (
        serving(with_timeout(level, engine, "idle: 100ms"), free_port) as stack,
        stack.ask(stream=True) as answer,
    ):
        assert b"idle_timeout" in await whatever_comes(answer)


@pytest.mark.setting("timeouts.total", "backends[].timeouts.total", "models.timeouts.*.total")
@pytest.mark.parametrize("level", LEVELS)
async def test_a_call_takes_no_longer_than_total(
    engine: Engine, free_port: Port, level: str
) -> None:
    engine.faults.set(Fault(kind=Kind.HANG))

    async with serving(with_timeout(level, engine, "total: 150ms"), free_port) as stack:
        assert await status_and_code(stack) == (504, "total_timeout")


async def whatever_comes(answer: aiohttp.ClientResponse) -> bytes:
    """Read a body that may be broken off."""
    got = b""
    try:
        async for piece in answer.content.iter_any():
            got += piece
    except aiohttp.ClientPayloadError:
        got += b"<broken off>"
    return got


# limits --------------------------------------------------------------------------------------


@pytest.mark.setting("limits.body")
async def test_a_body_may_be_as_large_as_body(engine: Engine, free_port: Port) -> None:
    async with serving(backends(engine) + "limits: {body: 2KiB}\n", free_port) as stack:
        async with stack.ask(user="x" * 1000) as answer:
            assert answer.status == 200
        assert await status_and_code(stack, user="x" * 2000) == (413, "body_too_large")


@pytest.mark.setting("limits.headers")
async def test_a_head_may_be_as_large_as_headers(engine: Engine, free_port: Port) -> None:
    async with serving(backends(engine) + "limits: {headers: 2KiB}\n", free_port) as stack:
        stack.client.headers["x-filler"] = "x" * 1000
        async with stack.ask() as answer:
            assert answer.status == 200
        stack.client.headers["x-filler"] = "x" * 2000
        async with stack.ask() as answer:
            assert answer.status == 431


@pytest.mark.setting("limits.header_timeout")
async def test_a_head_may_take_as_long_as_header_timeout(engine: Engine, free_port: Port) -> None:
    limits = "limits: {header_timeout: 150ms}\n"

    async with serving(backends(engine) + limits, free_port) as stack:
        answer = await talk(client_address(stack), b"POST /v1/chat/completions HTTP/1.1\r\nHo")

    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.setting("limits.body_timeout")
async def test_a_body_may_pause_as_long_as_body_timeout(engine: Engine, free_port: Port) -> None:
    limits = "limits: {body_timeout: 150ms}\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"

    async with serving(backends(engine) + limits, free_port) as stack:
        answer = await talk(client_address(stack), head + b'{"model"')

    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.setting("limits.queue", "limits.queue_timeout")
async def test_no_more_wait_than_queue_and_no_longer_than_queue_timeout(
    engine: Engine, free_port: Port
) -> None:
    limits = "limits: {queue: 1, queue_timeout: 3s}\n"
    engine.faults.set(Fault(kind=Kind.HANG))

    async with (
        serving(backends(engine, max_in_flight=1) + limits, free_port) as stack,
        asyncio.TaskGroup() as calls,
    ):
        running_call = calls.create_task(ended(stack))
        await eventually(lambda: len(engine.requests) == 1)
        waiting = calls.create_task(status_and_code(stack))
        await eventually(lambda: stack.instance.queues() == {MODEL: 1})

        assert await status_and_code(stack) == (503, "queue_full")
        assert await waiting == (503, "queue_timeout")
        running_call.cancel()


async def ended(stack: Stack, **body: object) -> bytes:
    """Send a request and return its body, whole or not."""
    async with stack.ask(**body) as answer:
        return await whatever_comes(answer)


# drain ---------------------------------------------------------------------------------------


@pytest.mark.setting("drain.delay")
async def test_new_calls_are_served_during_the_delay(engine: Engine, free_port: Port) -> None:
    drain = "drain: {delay: 2s, timeout: 1s}\n"

    async with serving(backends(engine) + drain, free_port) as stack, asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(stack.instance.drain())
        await eventually(lambda: stack.instance.draining)
        async with aiohttp.ClientSession() as other, other.get(f"{base(stack)}/v1/models") as seen:
            assert seen.status == 200
        await draining
        with pytest.raises(ConnectionRefusedError):
            await talk(client_address(stack), b"")


@pytest.mark.setting("drain.timeout")
async def test_running_streams_get_until_the_timeout(engine: Engine, free_port: Port) -> None:
    drain = "drain: {delay: 0s, timeout: 1500ms}\n"
    engine.faults.set(Fault(kind=Kind.SILENCE, after=3))

    async with serving(backends(engine) + drain, free_port) as stack, asyncio.TaskGroup() as tasks:
        stream = tasks.create_task(ended(stack, stream=True))
        await eventually(lambda: any(record.tokens for record in engine.requests))
        draining = tasks.create_task(stack.instance.drain())
        await eventually(lambda: stack.instance.draining)
        await asyncio.sleep(0.1)
        assert not stream.done()
        await draining

        assert b"draining" in await stream


def base(stack: Stack) -> str:
    address = client_address(stack)
    return f"http://{address.host}:{address.port}"
