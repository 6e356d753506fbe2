"""Rows 19 to 24: engines that are silent, that fail in words, or that cannot be reached."""

import asyncio
from collections.abc import Callable

import pytest

from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.chaos import (
    DONE,
    ERROR,
    TIMES,
    Scene,
    Told,
    late,
    saying,
    staged,
    whole,
)
from tests.fixtures.faultline import Door, Way
from tests.fixtures.wire import chat, connected, post

Port = Callable[[], int]
SHORT = "first_token: 300ms"
MOVED = Told(attempts=2, backend="b", blamed=1)


@late("first_token")
@pytest.mark.parametrize("kind", [Kind.HANG_ACCEPT, Kind.HANG, Kind.HANG_HEAD])
async def test_rows_19_and_20_silent_before_its_first_event(scene: Scene, kind: Kind) -> None:
    scene.engine.faults.set(Fault(kind=kind))

    assert whole(await scene.ask())

    assert await scene.told() == MOVED
    assert scene.retried() == ["first_token_timeout"]


@pytest.mark.parametrize("kind", [Kind.HANG, Kind.HANG_HEAD])
async def test_rows_19_and_20_everywhere(free_port: Port, kind: Kind) -> None:
    async with staged(free_port, more=TIMES.replace("first_token: 30s", SHORT)) as scene:
        scene.everywhere(Fault(kind=kind))

        reply = await scene.ask()

        assert (reply.status, reply.code) == (504, "first_token_timeout")
        assert await scene.told() == Told(
            end="TW", failure="first_token_timeout", status=504, attempts=2, backend="b", blamed=1
        )


@late("idle")
async def test_row_20_silent_in_the_middle(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.SILENCE, after=3))

    got = await scene.broken()

    assert got.count(ERROR) == 1
    assert b"idle_timeout" in got
    assert await scene.told() == Told(end="TS", failure="idle_timeout", blamed=1)


async def test_row_21_one_model_may_be_silent_for_longer(free_port: Port) -> None:
    short = TIMES.replace("idle: 30s", "idle: 300ms")
    more = short + "models: {timeouts: {simulated-model: {idle: 30s}}}\n"
    async with staged(free_port, more=more) as scene:
        scene.engine.faults.set(Fault(kind=Kind.SILENCE, after=3, seconds=0.7))

        assert whole(await scene.ask())

        assert await scene.told() == Told()


async def test_row_21_comments_are_a_sign_of_life(free_port: Port) -> None:
    event = b'12\r\ndata: {"a": "b"}\n\n\r\n'
    done = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    comments = [b"4\r\n: \n\n\r\n"] * 45
    async with staged(free_port, timeouts="{idle: 2s}") as scene:
        scene.line.script = saying(head + event, *comments, done, pause=0.1)

        reply = await scene.ask()

        assert reply.body.endswith(DONE)
        assert await scene.told() == Told()


EARLY = "models: {commit_early: {simulated-model: {after: 0s, every: 100ms}}}\n"
COMMENT = b": waiting\n\n"


async def test_row_21_signs_of_life_before_the_answer_of_another_engine(free_port: Port) -> None:
    async with staged(free_port, more=TIMES + EARLY, timeouts="{first_token: 300ms}") as scene:
        scene.engine.faults.set(Fault(kind=Kind.HANG))

        reply = await scene.ask()

        assert reply.body.startswith(COMMENT)
        assert reply.body.endswith(DONE)
        assert await scene.told() == MOVED


async def test_row_21_after_a_sign_of_life_an_error_is_an_event(free_port: Port) -> None:
    more = TIMES.replace("first_token: 30s", SHORT) + EARLY
    async with staged(free_port, more=more) as scene:
        scene.everywhere(Fault(kind=Kind.HANG))

        got = await scene.broken()

        assert COMMENT in got
        assert got.count(ERROR) == 1
        assert b"first_token_timeout" in got
        assert await scene.told() == Told(
            end="TW", failure="first_token_timeout", status=200, attempts=2, backend="b", blamed=1
        )


async def test_row_22_an_error_event_instead_of_the_first_token(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.ERROR_FIRST))

    assert whole(await scene.ask())

    told = await scene.told()
    assert (told.end, told.attempts, told.backend) == ("--", 2, "b")
    assert scene.retried() == ["backend_error_event"]
    assert told.blamed == 1


async def test_row_22_an_error_event_in_the_middle(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.ERROR_MIDSTREAM, after=2))

    reply = await scene.ask()  # as it stands: the engine ended it well

    assert b'{"error":' in reply.body
    assert await scene.told() == Told(end="BS", failure="backend_error_event", blamed=1)
    assert not len(scene.other.requests)


STATUSES = {
    "500": Fault(kind=Kind.STATUS, status=500),
    "502": Fault(kind=Kind.STATUS, status=502),
    "503": Fault(kind=Kind.STATUS, status=503),
    "503 and when to come back": Fault(kind=Kind.STATUS, status=503, retry_after="7"),
    "504": Fault(kind=Kind.STATUS, status=504),
    "429": Fault(kind=Kind.STATUS, status=429, retry_after="7"),
}


@pytest.mark.parametrize("fault", STATUSES.values(), ids=STATUSES)
async def test_row_23_error_statuses(scene: Scene, fault: Fault) -> None:
    scene.engine.faults.set(fault)
    assert whole(await scene.ask(stream=False), stream=False)
    assert await scene.told() == MOVED
    assert scene.retried() == ["backend_status"]

    scene.everywhere(fault)
    reply = await scene.ask(stream=False)
    assert reply.status == fault.status
    assert b"Simulated fault" in reply.body  # the engine's own words
    assert (int(reply.field(b"retry-after") or 0) >= 7) == bool(fault.retry_after)
    told = await scene.told(2)
    assert (told.end, told.failure, told.status) == ("BW", "backend_status", fault.status)


async def test_row_24_connections_refused(scene: Scene) -> None:
    await scene.line.let(Door.SHUT)

    assert whole(await scene.ask())

    assert await scene.told() == MOVED
    assert scene.retried() == ["connect_refused"]


@late("connect")
async def test_row_24_black_hole(scene: Scene) -> None:
    await scene.line.let(Door.HOLE)

    assert whole(await scene.ask())

    assert await scene.told() == MOVED
    assert scene.retried() == ["connect_timeout"]


async def test_row_24_without_another_engine(free_port: Port) -> None:
    async with staged(free_port, engines=1, timeouts="{connect: 300ms}") as alone:
        await alone.line.let(Door.HOLE)

        reply = await alone.ask()

        assert (reply.status, reply.code) == (504, "connect_timeout")
        assert await alone.told() == Told(end="TC", failure="connect_timeout", status=504, blamed=1)


async def test_row_24_an_engine_that_becomes_unreachable_in_the_middle(free_port: Port) -> None:
    """Its packets are lost, nothing is closed: only the silence tells."""
    endless = post(chat(100_000, stream=True, ignore_eos=True))
    async with (
        staged(free_port, profile=Profile(pace=0.01), timeouts="{idle: 300ms}") as scene,
        connected(scene.port) as wire,
    ):
        wire.send(endless)
        head = await wire.head()
        scene.line.down = Way(lose=True)

        with pytest.raises(asyncio.IncompleteReadError):
            await wire._body(head)

        assert b"idle_timeout" in head.body
        assert await scene.told() == Told(end="TS", failure="idle_timeout", blamed=1)
