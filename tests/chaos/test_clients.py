"""Rows 30 to 34 and 40: clients that leave, do not read, come in crowds, or speak oddly."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from benchmarks.fake.ledger import Stage
from benchmarks.fake.profile import Profile
from proxy.edge import connection
from proxy.flow import deadlines
from tests.fixtures.chaos import DONE, Scene, Told, saying, staged, whole
from tests.fixtures.hostile import BEHIND
from tests.fixtures.stack import eventually
from tests.fixtures.wire import Wire, chat, connected, get, post

Port = Callable[[], int]
SLOW = Profile(pace=0.005, prefill_per_token=0.005)
BOUND = 400 * 1024  # the high mark, 16 KiB, one read of 250 KiB behind it, and sips of 32
LEAVING: dict[str, Callable[[Wire], None]] = {
    "fin": Wire.close,
    "rst": Wire.reset,
    "half-close": Wire.half_close,
}
LONG = post(chat(10_000, stream=True, messages=[{"role": "user", "content": "w " * 4000}]))
ENDLESS = post(chat(10_000, stream=True, ignore_eos=True))


def left(end: str, backend: str | None = "a", attempts: int = 1, status: int = 499) -> Told:
    return Told(
        end=end, failure="client_cancelled", status=status, backend=backend, attempts=attempts
    )


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_rows_30_and_31_a_client_leaves_in_the_queue(
    free_port: Port, leave: Callable[[Wire], None]
) -> None:
    async with staged(free_port, profile=SLOW, engines=1, more="", max_in_flight=1) as scene:
        async with connected(scene.port) as holder, connected(scene.port) as wire:
            holder.send(ENDLESS)
            await eventually(lambda: len(scene.engine.requests) == 1)
            wire.send(LONG)
            await eventually(lambda: bool(scene.stack.instance.queues()))
            leave(wire)
            await eventually(lambda: not scene.stack.instance.queues())
            assert scene.first.in_flight == 1
        assert (await scene.ended(2))[0].end == "CQ"
        assert len(scene.engine.requests) == 1


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_rows_30_and_31_a_client_leaves_in_prefill(
    free_port: Port, leave: Callable[[Wire], None]
) -> None:
    async with staged(free_port, profile=SLOW, more="") as scene, connected(scene.port) as wire:
        wire.send(LONG)
        await eventually(lambda: len(scene.engine.requests) == 1)
        leave(wire)
        await eventually(lambda: scene.engine.requests[0].stage is Stage.ABORTED)
        assert await scene.told() == left("CW", status=0)
        assert not len(scene.other.requests)


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_rows_30_and_31_a_client_leaves_in_the_middle(
    free_port: Port, leave: Callable[[Wire], None]
) -> None:
    async with staged(free_port, profile=SLOW, more="") as scene, connected(scene.port) as wire:
        wire.send(ENDLESS)
        await wire.reader.readuntil(b'"content":" ')
        leave(wire)
        await eventually(lambda: scene.engine.requests[0].stage is Stage.ABORTED)
        assert await scene.told() == left("CS", status=200)


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_row_32_a_client_leaves_with_a_large_body_and_more_behind(
    free_port: Port, leave: Callable[[Wire], None]
) -> None:
    async with staged(free_port, profile=SLOW, more="") as scene, connected(scene.port) as wire:
        padding = "x" * 5_000_000
        wire.send(post(chat(10_000, stream=True, ignore_eos=True, padding=padding)))
        await eventually(lambda: len(scene.engine.requests) == 1)
        wire.send(BEHIND * 40)
        await asyncio.sleep(0.02)
        leave(wire)
        await eventually(lambda: scene.engine.requests[0].stage is Stage.ABORTED)
        assert len(scene.engine.requests) == 1
        assert (await scene.ended())[0].end in {"CW", "CS"}
        wire.writer.transport.abort()


async def test_row_33_a_slow_reader_stops_its_engine_and_is_given_up(
    free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FLUSH", 0.2)
    profile = Profile(event_bytes=40_000, output_tokens=100_000)
    async with (
        staged(free_port, profile=profile, more="") as scene,
        connected(scene.port, limit=1024, receive=1 << 16) as wire,
    ):
        wire.send(post(chat(100_000, stream=True)))
        course = scene.stack.instance._course
        await eventually(lambda: any(call.paused_at for call in course.calls))
        (client,) = scene.stack.instance._edge.connections
        assert client.transport is not None
        assert client.transport.get_write_buffer_size() < BOUND
        monkeypatch.setattr(deadlines, "SLOW_READER", 0.3)
        await eventually(lambda: scene.engine.requests.aborted == 1)
        told = await scene.told()
        assert (told.end, told.failure, told.blamed) == ("CS", "slow_reader", 0)


async def test_row_33_who_does_not_read_an_answer_is_not_read_either(free_port: Port) -> None:
    profile = Profile(event_bytes=40_000, output_tokens=200)
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 120000\r\n\r\n"
    async with (
        staged(free_port, engines=1, profile=profile, more="") as scene,
        connected(scene.port, limit=1024, receive=4096) as wire,
    ):
        scene.line.script = saying(answer + b" " * 120_000, close=True)
        await eventually(lambda: bool(scene.stack.instance._edge.connections))
        (client,) = scene.stack.instance._edge.connections
        transport = client.transport
        assert transport is not None
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        wire.send(post(chat()))  # its answer is written at once, and not read
        await eventually(lambda: scene.first.total_releases == 1)
        assert transport.get_write_buffer_size() > 1 << 16
        scene.line.script = None

        for _ in range(20):  # each answer would be kept for it
            wire.send(post(chat(200, stream=True)))
        await asyncio.sleep(0.2)
        assert not len(scene.engine.requests)
        assert transport.get_write_buffer_size() < BOUND

        assert (await wire.answer()).status == 200
        await eventually(lambda: len(scene.engine.requests) == 1)


async def test_row_34_many_idle_streams_and_a_crowd_at_once(free_port: Port) -> None:
    held, crowd = 150, 150
    profile = Profile(pace=1.0, max_num_seqs=1024)
    async with staged(free_port, engines=1, profile=profile, more="") as scene:
        wires = [await Wire.open(scene.port) for _ in range(held)]
        for wire in wires:
            wire.send(post(chat(2, stream=True)))
        await eventually(lambda: len(scene.engine.requests) == held)

        async def comer() -> None:
            async with connected(scene.port) as wire:
                wire.send(get("/v1/models"))
                assert (await wire.answer()).status == 200

        async with asyncio.TaskGroup() as comers:
            for _ in range(crowd):
                comers.create_task(comer())

        for wire in wires:
            assert whole(await wire.answer(), tokens=2)
            wire.close()
        assert {line.end for line in await scene.ended(held)} == {"--"}


async def test_row_40_expect_is_answered_here(scene: Scene) -> None:
    body = chat(6)
    async with connected(scene.port) as wire:
        request = post(body, "Expect: 100-continue")
        wire.send(request[: -len(body)])
        assert (await wire.answer()).status == 100
        wire.send(body)
        assert whole(await wire.answer(), stream=False)
    assert scene.engine.requests[0].header(b"expect") is None


async def test_row_40_head_and_options(scene: Scene) -> None:
    async with connected(scene.port) as wire:
        wire.send(get("/v1/models", method="HEAD"))
        reply = await wire.answer(bodiless=True)
        assert reply.status in {200, 405}
        wire.send(get("/health"))
        assert (await wire.answer()).status == 200  # nothing of a body stood before it
        wire.send(get("/v1/chat/completions", method="OPTIONS"))
        reply = await wire.answer()
        assert (reply.status, reply.field(b"allow")) == (405, b"POST")
        assert not reply.field(b"access-control-allow-origin")
    assert not len(scene.engine.requests)


async def test_row_40_http_1_0_streams_end_with_the_connection(scene: Scene) -> None:
    reply = await scene.ask(version="1.0")

    assert whole(reply)
    assert reply.closes
    assert not reply.field(b"transfer-encoding")
    assert await scene.told() == Told()


@pytest.mark.parametrize(
    "first",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(160),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    ],
    ids=["tls", "http/2"],
)
async def test_row_40_other_protocols_get_a_400(scene: Scene, first: bytes) -> None:
    async with connected(scene.port) as wire:
        wire.send(first)
        reply = await wire.answer()
        assert (reply.status, reply.closes) == (400, True)
        assert await wire.ended() == b""
    assert DONE not in reply.body
