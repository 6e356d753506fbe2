"""A client that leaves frees its engine at once, in every phase, however it leaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.ledger import Record, Stage
from benchmarks.fake.profile import Profile
from tests.fixtures.hostile import BEHIND
from tests.fixtures.stack import Stack, backends, eventually, serving
from tests.fixtures.wire import Wire, chat, port_of, post

Port = Callable[[], int]
Leave = Callable[[Wire], None]
CLIENTS = 25
LEAVING: dict[str, Leave] = {"fin": Wire.close, "rst": Wire.reset, "half": Wire.half_close}


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """One prompt token takes 5 ms: `fast` answers begin at once, the others hardly ever."""
    async with running(Profile(pace=0.005, prefill_per_token=0.005)) as engine:
        yield engine


@pytest.fixture
async def stack(engine: Engine, free_port: Port) -> AsyncIterator[Stack]:
    async with serving(backends(engine), free_port) as stack:
        yield stack
        await eventually(lambda: not stack.instance.client_connections())
        assert stack.instance.in_flight() == 0
        assert not any(backend.in_flight for backend in stack.instance.backends())
        assert {record.kind for record in stack.instance.failures()} <= {"client_cancelled"}


def slow(*, stream: bool) -> bytes:
    """Return a request that spends a long time in prefill."""
    return post(chat(10_000, stream=stream, messages=[{"role": "user", "content": "w " * 4000}]))


def fast(*, stream: bool) -> bytes:
    """Return a request whose answer is long."""
    return post(chat(10_000, stream=stream, ignore_eos=True))


async def many(
    stack: Stack, request: bytes, ready: Callable[[list[Wire]], Awaitable[None]], leave: Leave
) -> None:
    """Let clients ask, wait until all are where they should be, and leave."""
    wires = [await Wire.open(port_of(stack)) for _ in range(CLIENTS)]
    for wire in wires:
        wire.send(request)
    await ready(wires)
    for wire in wires:
        leave(wire)
    if leave is Wire.half_close:
        await asyncio.gather(*(wire.ended() for wire in wires))
    for wire in wires:
        wire.close()


def aborted(engine: Engine, stages: set[Stage]) -> bool:
    """Tell whether every client's request was aborted at the engine."""
    records: list[Record] = list(engine.requests)
    if not all(record.stage is Stage.ABORTED for record in records):
        return False
    assert len(records) == engine.requests.aborted == CLIENTS
    assert {record.abort_stage for record in records} <= stages
    return engine.running == engine.waiting == 0


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])
async def test_in_prefill(stack: Stack, engine: Engine, leave: Leave, *, stream: bool) -> None:
    async def at_the_engine(_: list[Wire]) -> None:
        await eventually(lambda: len(engine.requests) == CLIENTS)

    await many(stack, slow(stream=stream), at_the_engine, leave)

    await eventually(lambda: aborted(engine, {Stage.QUEUED, Stage.PREFILL}))


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_in_the_middle_of_a_stream(stack: Stack, engine: Engine, leave: Leave) -> None:
    async def begun(wires: list[Wire]) -> None:
        for wire in wires:
            await wire.reader.readuntil(b'"content":" ')

    await many(stack, fast(stream=True), begun, leave)

    await eventually(lambda: aborted(engine, {Stage.DECODE}))


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_while_a_plain_answer_is_made(stack: Stack, engine: Engine, leave: Leave) -> None:
    async def decoding(_: list[Wire]) -> None:
        await eventually(
            lambda: (
                len(engine.requests) == CLIENTS
                and all(record.stage is Stage.DECODE for record in engine.requests)
            )
        )

    await many(stack, fast(stream=False), decoding, leave)

    await eventually(lambda: aborted(engine, {Stage.DECODE}))


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize(
    "behind", [BEHIND * 20, b"\x00" * 5000, b"\r\n"], ids=["calls", "nul", "line"]
)
async def test_while_bytes_stand_behind_the_call(
    stack: Stack, engine: Engine, leave: Leave, behind: bytes
) -> None:
    async def at_the_engine(wires: list[Wire]) -> None:
        await eventually(lambda: len(engine.requests) == CLIENTS)
        for wire in wires:
            wire.send(behind)

    await many(stack, slow(stream=True), at_the_engine, leave)

    await eventually(lambda: aborted(engine, {Stage.QUEUED, Stage.PREFILL}))


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_in_the_queue(engine: Engine, free_port: Port, leave: Leave) -> None:
    async with serving(backends(engine, max_in_flight=1), free_port) as stack:
        holder = await Wire.open(port_of(stack))
        holder.send(slow(stream=True))
        await eventually(lambda: len(engine.requests) == 1)

        async def queued(_: list[Wire]) -> None:
            await eventually(lambda: sum(stack.instance.queues().values()) == CLIENTS)

        await many(stack, slow(stream=True), queued, leave)
        await eventually(lambda: not stack.instance.queues())
        assert stack.instance.in_flight() == 1
        holder.close()
        await eventually(lambda: stack.instance.in_flight() == 0)

    assert len(engine.requests) == 1


async def test_while_the_body_arrives(stack: Stack, engine: Engine) -> None:
    request = slow(stream=True)
    for leave in LEAVING.values():
        wires = [await Wire.open(port_of(stack)) for _ in range(CLIENTS)]
        for wire in wires:
            wire.send(request[:-100])
        await eventually(lambda: stack.instance.client_connections() == CLIENTS)
        for wire in wires:
            leave(wire)
        await eventually(lambda: not stack.instance.client_connections())
        for wire in wires:
            wire.close()

    assert not len(engine.requests)


async def test_while_a_connection_to_the_engine_is_being_opened(
    stack: Stack, engine: Engine
) -> None:
    for _ in range(CLIENTS):
        wire = await Wire.open(port_of(stack))
        wire.send(slow(stream=True))
        await asyncio.sleep(0)  # sometimes the proxy has read it by now, sometimes it dials
        wire.reset()
    await eventually(lambda: not stack.instance.client_connections())

    await eventually(lambda: all(one.stage is Stage.ABORTED for one in engine.requests))


async def test_a_client_that_does_not_read_is_seen_leaving_too(
    free_port: Port,
) -> None:
    profile = Profile(event_bytes=20_000, output_tokens=100_000)
    async with running(profile) as engine, serving(backends(engine), free_port) as stack:
        for leave in (Wire.reset, Wire.close):
            engine.requests.clear()
            wire = await Wire.open(port_of(stack), limit=1024, receive=4096)
            wire.send(post(chat(100_000, stream=True)))
            await eventually(lambda: bool(stack.instance._course.calls))
            (call,) = stack.instance._course.calls
            await eventually(lambda: bool(call.paused_at))  # noqa: B023 - used up in this turn
            leave(wire)
            if leave is Wire.close:
                wire.writer.transport.abort()
            await eventually(lambda: engine.requests.aborted == 1)
